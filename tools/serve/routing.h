// Where a request goes: the policy's questions, asked for one request.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tools/audit/audit_log.h"
#include "tools/redact/redaction.h"
#include "tools/route/ledger.h"
#include "tools/route/policy.h"
#include "tools/route/repository.h"
#include "tools/route/sessions.h"
#include "tools/serve/connection.h"
#include "tools/serve/json.h"
#include "tools/serve/metrics.h"
#include "tools/serve/models.h"
#include "tools/serve/remote.h"
#include "tools/serve/request_facts.h"

namespace hearth::serve {

// Someone whose key says who it is.
struct NamedClient {
  std::string name;
  std::vector<std::string> keys;
  route::Limits limits;
};

struct RoutingOptions {
  route::Policy policy;
  route::Limits limits;  // of all clients and remotes together
  std::vector<NamedClient> clients;
  std::filesystem::path audit_path;  // empty: there is no log, and nothing can leave
  bool audit_bodies = false;
  // Shares, 0 to 1, of the requests that are answered on the other side too: of those that left, and of those of "auto"
  // that did not, which costs money.
  double shadow_escalated = 0, shadow_local = 0;
};

// A request on its way.
struct Plan {
  route::Facts facts;
  route::Wish wish;
  std::shared_ptr<const route::Ruling> ruling;
  std::string asked_model;  // behind an alias
  std::string local_model;
  const Remote* remote = nullptr;  // that would be asked, and its model
  std::string remote_model;
  Session session;
  audit::Decision record;
  std::shared_ptr<redact::Redaction> redaction;  // once it may leave
  std::vector<std::string> accounts;
  route::Amount estimate;  // set aside until settled
  bool settled = false;    // it was decided that it stays here, or it failed elsewhere
  std::string kept_by;     // the rule that did not let it leave

  // Whether an answer that was begun here may still be given elsewhere.
  bool may_be_handed_over() const {
    return facts.automatic && facts.asked != route::Asked::local && facts.has_remotes && facts.can_be_sent && !settled;
  }
};

class Routing {
 public:
  // Throws Error where the audit log cannot be used. The rest must outlive this.
  Routing(RoutingOptions options, const std::vector<Remote>& remotes, const Models& models, Metrics& metrics,
          std::function<void(const std::string&)> log);

  // What quality asks for; cheap. Puts the model behind an alias into the body, which had so many bytes.
  Plan begin(const Connection& connection, Json& body, uint64_t bytes, bool can_be_sent);

  // Whether the request may leave: looks for secrets, patterns and paths, and asks for the privacy rules and limits;
  // in a worker's thread. begin() must have wished for it, or `rule` says why it should leave now, unless something
  // keeps it here.
  route::Decision may_leave(Plan& plan, const Json& body, const std::string& rule = "");

  // In the network thread, once it was decided: sets headers, counts, and remembers the session and the limits.
  void note_leaving(Connection& connection, Plan& plan);
  void note_staying(Connection& connection, Plan& plan, const std::string& rule);
  void note_answered_there(const Plan& plan);
  // It failed there and is answered here.
  void note_fallback(Connection& connection, Plan& plan, const ApiError& failure);
  // From any thread: the limit that an answer under way passes, as estimated; empty: none.
  std::string passed(const Plan& plan, uint64_t prompt_tokens, uint64_t answer_tokens);
  // From any thread: counts a further attempt, where no limit forbids it; that limit, or empty.
  std::string again(const Plan& plan) { return ledger_.again(plan.accounts); }
  // From any thread, once all attempts have ended.
  void settle(const Plan& plan, const std::vector<audit::Outcome>& outcomes);
  // What was answered here, or should have been, goes into the log, where there is one.
  void note_local(const Plan& plan, audit::Outcome outcome);
  // What was begun here and is answered elsewhere.
  void note_doubted(const Plan& plan, audit::Outcome outcome);
  // What may not leave and is not answered here either.
  void note_refused(const Plan& plan);

  // Null where there is none: then nothing can leave.
  audit::AuditLog* log() { return log_ ? &*log_ : nullptr; }
  // [{account, money, tokens, money_per_day, tokens_per_day}] of all accounts with limits, and of all remotes.
  Json budgets();
  bool has_policy() const { return !remotes_.empty() || log_.has_value(); }

 private:
  std::string client_of(const Connection& connection) const;
  void check_aliases() const;
  void resolve_alias(Json& body, Plan& plan) const;
  void choose_models(Plan& plan) const;
  void read_limits_of_today();
  route::Amount reserved_by(const audit::Json& row) const;
  std::string task_label(const Plan& plan) const;
  void write_local(const Plan& plan, audit::Outcome outcome);

  RoutingOptions options_;
  const std::vector<Remote>& remotes_;
  const Models& models_;
  Metrics& metrics_;
  std::function<void(const std::string&)> log_line_;
  redact::Finder secrets_;
  std::string placeholder_key_;
  route::Repositories repositories_;
  route::Sessions sessions_;
  route::Ledger ledger_;
  std::map<std::string, std::string> clients_;  // names by hashes of keys
  std::set<std::string> task_labels_;
  std::optional<audit::AuditLog> log_;
};

// The error of a request that was refused.
ApiError refused_by_policy(const route::Decision& decision);

}  // namespace hearth::serve
