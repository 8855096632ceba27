// What may leave the machine, and what should: facts in, decision out. Nothing here reads, waits or remembers.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "tools/redact/finder.h"

namespace hearth::route {

enum class Then { never, local, cloud };

// Conditions that are given must all hold, each for one of its values; "*" is a glob's. A rule without any always
// holds. Where a fact has several readings one is enough, but for a repository of a rule that sends: that takes all.
struct Rule {
  std::string name;
  Then then = Then::never;
  std::vector<std::string> repositories, paths, models, tasks, clients;
  std::vector<std::string> secrets;  // rules of redaction; "*" for any
  std::string pattern;               // RE2, looked for in all of the request
  std::optional<bool> tools, vision;
  std::optional<uint64_t> longer_than;  // tokens of the prompt, estimated
};

// Another name for a model, and what it is used for.
struct Alias {
  std::string name, model, task;
};

struct Limits {  // 0: none
  double money_per_day = 0;
  uint64_t tokens_per_day = 0;
  uint32_t requests_per_minute = 0;
};

enum class Fallback { never, automatic, always };

struct Policy {
  bool offline = false;                  // nothing leaves
  std::string offline_rule = "offline";  // which says so
  bool require_repository = false;       // a request that does not say its repository does not leave
  bool secrets_stay = false;             // a request that holds a secret does not leave; otherwise it leaves without
  bool redact_email = true;
  std::vector<redact::UserPattern> patterns;
  std::string local_model;                                             // of "auto"; empty: the server's first
  std::string remote, remote_model;                                    // of "auto"; empty: the first remote's first
  std::vector<std::string> quiet_tasks = {"completion", "embedding"};  // that "auto" never sends
  std::optional<uint64_t> longest_prompt;  // tokens that "auto" keeps here; none: the local context
  // Where the mean over the first tokens of a local answer is below (margin: between the two likeliest probabilities)
  // or above (entropy, in bits), "auto" hands over. 0: not looked at.
  double margin = 0, entropy = 0;
  uint32_t confidence_tokens = 16;
  double masked = 0;        // the share of tokens at which a format took away what the model wanted; 0: not looked at
  bool repetition = false;  // an answer that goes round in circles is doubted
  // Streams are told at once, and where the answer is doubted the other one follows behind a mark; false: the first
  // tokens are held back.
  bool marks_switch = false;
  Fallback fallback = Fallback::automatic;  // to a local answer, where a remote fails
  std::vector<Rule> rules;
  std::vector<Alias> aliases;
};

// Whether local answers are watched at all.
inline bool watches(const Policy& policy) {
  return policy.margin > 0 || policy.entropy > 0 || policy.masked > 0 || policy.repetition;
}

enum class Asked { nothing, local, automatic, cloud };

struct Facts {
  std::set<std::string> models;  // the name that was asked for, and all that it stands for
  bool remote_model = false;     // it is a remote's
  bool automatic = false;        // the model is "auto", or the header says so
  Asked asked = Asked::nothing;  // by header
  bool has_remotes = false;
  bool can_be_sent = false;     // the endpoint is one that remotes have
  std::set<std::string> tasks;  // what the client says and what the endpoint says
  // All places that the hint of a repository may mean, as normal_place() writes them; empty: there is none.
  std::vector<std::string> repositories;
  std::string client;
  bool tools = false, vision = false, local_tools = true;
  uint64_t prompt_tokens = 0, local_context = 0;  // estimated; 0: unknown
  bool session_left = false;                      // an earlier request of the session was sent
  std::string unclear;                            // what cannot be known, so that nothing leaves
  // Looked for only where quality wants the cloud.
  std::set<std::string> secrets;   // rules that found some
  std::set<std::string> patterns;  // names of rules whose pattern was found
  std::vector<std::string> paths;  // that the request speaks of, its repositories among them
  std::string sent_as;             // the remote's model
  std::string spent;               // the limit that is reached
};

struct Wish {
  // watched: local, as long as the answer is sure; later: the cloud, for a request that nobody wished there at first,
  // but only where nothing keeps it here.
  enum class For { local, cloud, watched, later } is_for = For::local;
  std::string rule;
};

// Does quality ask for the cloud?
Wish ask_quality(const Policy& policy, const Facts& facts);

// What keeps a request here that did not ask for the cloud: a wish, a quiet task, a rule.
std::optional<std::string> find_keeper(const Policy& policy, const Facts& facts);

// Does privacy forbid it? The rule that does. Evaluates all; no fact loosens one.
std::optional<std::string> find_veto(const Policy& policy, const Facts& facts);

struct Decision {
  enum class Route { local, cloud, refused } route = Route::local;
  std::string rule;
  bool over_limit = false;  // refused, but not for ever
};

// Both gates and the limits, for a wish that is not local. What was asked for by its remote's name is refused where it
// may not leave: another model's answer is not what the client wants. Everything else is answered here.
Decision decide(const Policy& policy, const Facts& facts, const Wish& wish);

// The strictest of both: what `other` allows and `policy` does not is not allowed, and the other way round.
Policy strictest(Policy policy, const Policy& other);

}  // namespace hearth::route
