// From facts to a plan, and what is remembered of it.
#include "tools/serve/routing.h"

#include <algorithm>
#include <chrono>

#include "tools/audit/digest.h"
#include "tools/audit/reader.h"
#include "tools/route/words.h"
#include "tools/serve/access.h"
#include "tools/serve/answer_meter.h"
#include "tools/serve/request_facts.h"

namespace hearth::serve {
namespace {

constexpr uint64_t kUsualAnswer = 1024;  // tokens that are set aside for an answer that names no limit

int64_t unix_time() {
  using namespace std::chrono;
  return duration_cast<seconds>(system_clock::now().time_since_epoch()).count();
}

uint64_t count_of(const Json& body, const char* name, uint64_t otherwise) {
  const auto found = body.find(name);
  return found != body.end() && found->is_number_unsigned() ? found->get<uint64_t>() : otherwise;
}

// Of all answers that the request asks for: to each prompt so many.
uint64_t most_answer_tokens(const Json& body) {
  constexpr uint64_t kMostTokens = 1 << 20, kMostAnswers = 1 << 16;
  const uint64_t each = count_of(body, "max_completion_tokens", count_of(body, "max_tokens", kUsualAnswer));
  const auto prompts = body.find("prompt");
  const bool several =
      prompts != body.end() && prompts->is_array() && !prompts->empty() && !prompts->front().is_number();
  const uint64_t answers = std::max(count_of(body, "n", 1), count_of(body, "best_of", 1));
  return std::min(each, kMostTokens) *
         std::clamp<uint64_t>(std::min(answers, kMostAnswers) * (several ? prompts->size() : 1), 1, kMostAnswers);
}

route::Amount amount_of(const Remote& remote, uint64_t prompt_tokens, uint64_t answer_tokens) {
  const double money = static_cast<double>(prompt_tokens) * remote.input_price +
                       static_cast<double>(answer_tokens) * remote.output_price;
  return {money / 1e6, prompt_tokens + answer_tokens};
}

// Of the log, for a header: "model", "budget money of remote cloud".
std::string header_value(std::string text) {
  for (char& c : text)
    if (c < ' ' || c > '~') c = '?';
  return text.substr(0, 200);
}

}  // namespace

Routing::Routing(RoutingOptions options, const std::vector<Remote>& remotes, const Models& models, Metrics& metrics,
                 std::function<void(const std::string&)> log)
    : options_(std::move(options)),
      remotes_(remotes),
      models_(models),
      metrics_(metrics),
      log_line_(std::move(log)),
      secrets_({true, false, {}}),
      placeholder_key_(audit::random_bytes(32)),
      repositories_(options_.policy),
      ledger_(unix_time),
      task_labels_({"chat", "completion", "embedding"}) {
  const std::string& local = options_.policy.local_model;
  if (!local.empty() && models_.find_name(local) == nullptr)
    throw Error(ErrorCode::invalid_argument, "[policy]: there is no model named '" + local + "' here");
  check_aliases();
  for (const NamedClient& client : options_.clients) {
    for (const std::string& key : client.keys) clients_[audit::sha256(key)] = client.name;
    ledger_.limit("client " + client.name, client.limits);
  }
  for (const Remote& remote : remotes_) ledger_.limit("remote " + remote.name, remote.limits);
  ledger_.limit("all", options_.limits);
  for (const route::Alias& alias : options_.policy.aliases) task_labels_.insert(route::lower(alias.task));
  for (const route::Rule& rule : options_.policy.rules)
    for (const std::string& task : rule.tasks) task_labels_.insert(route::lower(task));
  if (options_.audit_path.empty()) {
    if (!remotes_.empty()) throw Error(ErrorCode::invalid_argument, "remote providers need an audit log: [audit] path");
    return;
  }
  try {
    log_.emplace(audit::LogOptions{
        options_.audit_path, options_.audit_bodies, {}, [this](const std::string& why, uint64_t lost) {
          metrics_.count_lost(lost);
          log_line_(why + "; " + std::to_string(lost) + " local decisions are not recorded");
        }});
    read_limits_of_today();
  } catch (const audit::AuditError& error) {
    throw Error(ErrorCode::invalid_argument, error.what());
  }
}

// What was set aside for a request; of a row that does not say it, as much as its bytes tell.
route::Amount Routing::reserved_by(const audit::Json& row) const {
  if (row.contains("reserved_tokens"))
    return {audit::number_in(row, "reserved_cost"), static_cast<uint64_t>(audit::number_in(row, "reserved_tokens"))};
  const auto prompt = static_cast<uint64_t>(audit::number_in(row, "bytes")) / kBytesPerToken;
  const auto remote = std::ranges::find(remotes_, audit::text_in(row, "remote"), &Remote::name);
  return remote == remotes_.end() ? route::Amount{0, prompt + kUsualAnswer} : amount_of(*remote, prompt, kUsualAnswer);
}

// An alias that hides a model, or names none, is a mistake that no request would show.
void Routing::check_aliases() const {
  const auto is_model = [&](const std::string& name) {
    return models_.find_name(name) != nullptr || std::ranges::any_of(remotes_, [&](const Remote& remote) {
             return std::ranges::find(remote.models, name) != remote.models.end();
           });
  };
  std::set<std::string> names = {kAutomatic};
  for (const route::Alias& alias : options_.policy.aliases) {
    const auto refuse = [&](const std::string& why) {
      throw Error(ErrorCode::invalid_argument, "[[alias]] '" + alias.name + "': " + why);
    };
    if (is_model(alias.name)) refuse("there is a model of that name");
    if (!names.insert(alias.name).second) refuse("there is another of that name");
    if (alias.model != kAutomatic && !is_model(alias.model)) refuse("there is no model named '" + alias.model + "'");
  }
}

// Limits of a day outlive the program.
void Routing::read_limits_of_today() {
  struct Sent {
    std::vector<std::string> accounts;
    int64_t time;
    route::Amount reserved;
  };
  const int64_t midnight = unix_time() / 86400 * 86400 * 1000;
  std::map<int64_t, Sent> sent;
  audit::Reader(options_.audit_path).each([&](const audit::Row& row) {
    const audit::Json content = audit::parse_row(row.content);
    const int64_t time = audit::read_time(audit::text_in(content, "time")).value_or(0);
    if (time < midnight) return true;
    if (audit::text_in(content, "route") == "remote") {
      sent[row.number] = {
          {"all", "remote " + audit::text_in(content, "remote"), "client " + audit::text_in(content, "client")},
          time,
          reserved_by(content)};
    } else if (const auto of = sent.find(static_cast<int64_t>(audit::number_in(content, "decision")));
               of != sent.end()) {
      const auto tokens = audit::number_in(content, "prompt_tokens") + audit::number_in(content, "answer_tokens");
      ledger_.restore(of->second.time / 1000, of->second.accounts,
                      {audit::number_in(content, "cost"), static_cast<uint64_t>(tokens)});
      sent.erase(of);
    }
    return true;
  });
  // The program was ended before it could say what they took.
  for (const auto& [row, one] : sent) ledger_.restore(one.time / 1000, one.accounts, one.reserved);
}

std::string Routing::client_of(const Connection& connection) const {
  const std::string key(given_key(connection.header("Authorization"), connection.header("x-api-key")));
  if (key.empty()) return "";
  const std::string hash = audit::sha256(key);
  const auto named = clients_.find(hash);
  return named == clients_.end() ? "key " + hash.substr(0, 8) : named->second;
}

void Routing::resolve_alias(Json& body, Plan& plan) const {
  plan.facts.models.insert(plan.asked_model);
  const auto alias = std::ranges::find(options_.policy.aliases, plan.asked_model, &route::Alias::name);
  if (alias != options_.policy.aliases.end()) {
    if (!alias->task.empty()) plan.facts.tasks.insert(route::lower(alias->task));
    plan.facts.models.insert(alias->model);
    plan.asked_model = alias->model;
    body["model"] = alias->model;
  }
  plan.facts.automatic = plan.asked_model == kAutomatic || plan.facts.asked == route::Asked::automatic;
}

// Which model answers here, and which one there.
void Routing::choose_models(Plan& plan) const {
  const route::Policy& policy = options_.policy;
  const std::string& asked = plan.asked_model;
  for (const Remote& remote : remotes_) {
    if (std::ranges::find(remote.models, asked) == remote.models.end()) continue;
    plan.facts.remote_model = true;
    plan.remote = &remote;
    plan.remote_model = asked;
  }
  const bool own = !asked.empty() && asked != kAutomatic && !plan.facts.remote_model;
  plan.local_model = own ? asked : policy.local_model.empty() ? models_.default_name() : policy.local_model;
  if (const std::string* name = models_.find_name(plan.local_model)) plan.local_model = *name;
  const std::string* const base = models_.find_base(plan.local_model);
  const std::string answering = base == nullptr ? plan.local_model : *base;  // the model that an adapter changes
  if (own) plan.facts.models.insert({plan.local_model, plan.local_model + ":latest", answering});
  if (plan.remote == nullptr && !remotes_.empty()) {
    const auto named = std::ranges::find(remotes_, policy.remote, &Remote::name);
    const Remote& remote = named == remotes_.end() ? remotes_.front() : *named;
    const std::string first = remote.models.empty() ? "" : remote.models.front();
    plan.remote = &remote;
    plan.remote_model = policy.remote_model.empty() ? first : policy.remote_model;
  }
  plan.facts.sent_as = plan.remote_model;
  models_.each([&](const std::string& name, const ModelFacts& facts, const Engine*) {
    if (name != answering) return;
    plan.facts.local_context = facts.context;
    plan.facts.local_tools = facts.has_tools;
  });
}

Plan Routing::begin(const Connection& connection, Json& body, uint64_t bytes, bool can_be_sent) {
  Plan plan;
  plan.facts = read_facts_of(connection, body, bytes);
  plan.asked_model = member_text(body, "model");
  plan.record.asked_model = plan.asked_model.substr(0, 256);
  resolve_alias(body, plan);
  choose_models(plan);
  const bool conversations_alone = plan.remote != nullptr && plan.remote->api == RemoteApi::anthropic;
  plan.facts.can_be_sent = can_be_sent && !(conversations_alone && connection.path() == "/v1/completions");
  plan.facts.has_remotes = !remotes_.empty();
  plan.facts.client = client_of(connection);
  // What names no remote and leaves the choice to nobody needs no session.
  if (plan.facts.automatic || plan.facts.remote_model || plan.facts.asked != route::Asked::nothing) {
    plan.session = session_of(connection, body, plan.facts.client);
    plan.facts.session_left = plan.session.named && sessions_.left(plan.session.hash, Connection::Clock::now());
  }
  plan.ruling = repositories_.find(plan.facts.paths);
  plan.wish = route::ask_quality(plan.ruling->policy, plan.facts);
  // What adapters of a model here shall answer is answered here.
  if (plan.facts.automatic && !body.value("lora", Json()).is_null()) {
    plan.wish = {route::Wish::For::local, "adapter"};
    plan.settled = true;
  }
  plan.record.request = connection.request_id();
  plan.record.client = plan.facts.client;
  plan.record.repository = printable(connection.header("X-Hearth-Repository"));
  plan.record.local_model = plan.local_model;
  for (const std::string& task : plan.facts.tasks) plan.record.task += (plan.record.task.empty() ? "" : ",") + task;
  plan.record.task = printable(plan.record.task);
  // The remote's name of the model, or ours: where both gates are open it leaves under the one, else under the other.
  if (plan.facts.automatic || (plan.facts.remote_model && plan.wish.is_for == route::Wish::For::local))
    body["model"] = plan.local_model;
  return plan;
}

route::Decision Routing::may_leave(Plan& plan, const Json& body, const std::string& rule) {
  route::Wish wish = plan.wish;
  if (!rule.empty()) wish = {route::Wish::For::later, rule};
  const route::Policy& policy = plan.ruling->policy;
  if (policy.offline) return route::decide(policy, plan.facts, wish);  // no need to look
  auto redaction = std::make_shared<redact::Redaction>(
      std::vector<const redact::Finder*>{&secrets_, &plan.ruling->patterns}, placeholder_key_ + plan.session.hash);
  const bool replaceable = redaction->look(body);
  for (const auto& [found, count] : redaction->counts())
    if (found != "email") plan.facts.secrets.insert(found);
  plan.ruling->texts.look(body, plan.facts);
  add_content_facts(body, to_text(body).size(), plan.facts);
  if (!replaceable)
    return {plan.facts.remote_model ? route::Decision::Route::refused : route::Decision::Route::local,
            "too many secrets"};
  plan.accounts = {"all", "remote " + plan.remote->name, "client " + plan.facts.client};
  const uint64_t answer = most_answer_tokens(body);
  plan.estimate = amount_of(*plan.remote, plan.facts.prompt_tokens, answer);
  const route::Decision decision = route::decide(policy, plan.facts, wish);
  if (decision.route != route::Decision::Route::cloud) return decision;
  plan.facts.spent = ledger_.reserve(plan.accounts, plan.estimate);
  if (!plan.facts.spent.empty()) return route::decide(policy, plan.facts, wish);
  plan.redaction = std::move(redaction);
  plan.record.rule = decision.rule;
  plan.record.remote = plan.remote->name;
  plan.record.model = plan.remote_model;
  plan.record.redactions = plan.redaction->counts();
  plan.record.reserved_tokens = plan.estimate.tokens;
  plan.record.reserved_cost = plan.estimate.money;
  return decision;
}

std::string Routing::task_label(const Plan& plan) const {
  for (const std::string& task : plan.facts.tasks)
    if (task != "chat" && task_labels_.contains(task)) return task;
  return plan.facts.tasks.contains("chat") ? "chat" : "other";
}

void Routing::note_leaving(Connection& connection, Plan& plan) {
  connection.set_header("X-Hearth-Served-By", "remote " + plan.remote->name);
  connection.set_header("X-Hearth-Rule", header_value(plan.record.rule));
  uint64_t hidden = 0;
  for (const auto& [rule, count] : plan.record.redactions) hidden += count;
  connection.set_header("X-Hearth-Redactions", std::to_string(hidden));
  if (!plan.facts.remote_model && plan.session.named) sessions_.sent(plan.session.hash, Connection::Clock::now());
  metrics_.count_redactions(plan.record.redactions);
}

void Routing::note_answered_there(const Plan& plan) { metrics_.count_decision(task_label(plan), "remote"); }

void Routing::note_staying(Connection& connection, Plan& plan, const std::string& rule) {
  plan.record.rule = rule;
  if (has_policy()) connection.set_header("X-Hearth-Rule", header_value(rule));
}

void Routing::note_fallback(Connection& connection, Plan& plan, const ApiError& failure) {
  sessions_.came_back(plan.session.hash);
  plan.settled = true;
  plan.record.rule = "fallback";
  connection.set_header("X-Hearth-Served-By", "local");
  connection.set_header("X-Hearth-Rule", "fallback");
  connection.set_header("X-Hearth-Fallback", header_value(plan.remote->name + ": " + failure.message));
  metrics_.count_fallback(plan.remote->name);
}

std::string Routing::passed(const Plan& plan, uint64_t prompt_tokens, uint64_t answer_tokens) {
  return ledger_.passed(plan.accounts, plan.estimate, amount_of(*plan.remote, prompt_tokens, answer_tokens));
}

Json Routing::budgets() {
  Json list = Json::array();
  for (const auto& [account, limits] : ledger_.limits()) {
    const route::Amount today = ledger_.today(account);
    if (limits.money_per_day == 0 && limits.tokens_per_day == 0 && !account.starts_with("remote ")) continue;
    list.push_back({{"account", account},
                    {"money", today.money},
                    {"tokens", today.tokens},
                    {"money_per_day", limits.money_per_day},
                    {"tokens_per_day", limits.tokens_per_day}});
  }
  return list;
}

void Routing::settle(const Plan& plan, const std::vector<audit::Outcome>& outcomes) {
  route::Amount actual;
  uint64_t bytes = 0;
  for (const audit::Outcome& outcome : outcomes) {
    actual.money += outcome.cost;
    actual.tokens += outcome.prompt_tokens + outcome.answer_tokens;
    bytes += outcome.sent_head + outcome.sent_body;
  }
  ledger_.settle(plan.accounts, plan.estimate, actual);
  metrics_.count_remote(plan.remote->name, bytes, actual.money);
}

void Routing::write_local(const Plan& plan, audit::Outcome outcome) {
  if (!log_) return;
  audit::Decision decision = plan.record;
  decision.remote = decision.model = decision.url = "";
  decision.redactions = {};
  log_->write_soon(std::move(decision), std::move(outcome));
}

void Routing::note_local(const Plan& plan, audit::Outcome outcome) {
  metrics_.count_decision(task_label(plan), "local");
  write_local(plan, std::move(outcome));
}

void Routing::note_doubted(const Plan& plan, audit::Outcome outcome) { write_local(plan, std::move(outcome)); }

void Routing::note_refused(const Plan& plan) {
  metrics_.count_decision(task_label(plan), "refused");
  audit::Outcome outcome;
  outcome.result = "refused";
  write_local(plan, std::move(outcome));
}

ApiError refused_by_policy(const route::Decision& decision) {
  if (decision.over_limit) {
    ApiError error(429, "rate_limit_error", "limit_reached", "the limit is reached: " + decision.rule);
    error.retry_after = decision.rule.starts_with("rate") ? 60 : 3600;
    return error;
  }
  return {403, "permission_error", "policy_denied",
          "the request must not leave this machine, by the rule '" + decision.rule + "'"};
}

}  // namespace hearth::serve
