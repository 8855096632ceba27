// The two gates.
#include <algorithm>

#include "tools/route/glob.h"
#include "tools/route/places.h"
#include "tools/route/policy.h"
#include "tools/route/words.h"

namespace hearth::route {
namespace {

template <class Values>
bool holds_for_any(const std::vector<std::string>& patterns, const Values& values) {
  return patterns.empty() ||
         std::ranges::any_of(values, [&](const auto& value) { return matches_any(patterns, value); });
}

bool holds_for(const std::vector<std::string>& patterns, const std::string& value) {
  return patterns.empty() || matches_any(patterns, value);
}

bool holds_for_task(const std::vector<std::string>& patterns, const std::string& task) {
  return std::ranges::any_of(patterns, [&](const auto& pattern) { return matches(lower(pattern), lower(task)); });
}

bool holds_for_tasks(const Rule& rule, const Facts& facts) {
  return rule.tasks.empty() ||
         std::ranges::any_of(facts.tasks, [&](const auto& task) { return holds_for_task(rule.tasks, task); });
}

bool holds_for_models(const Rule& rule, const Facts& facts) {
  return holds_for_any(rule.models, facts.models) ||
         (rule.then == Then::never && !facts.sent_as.empty() && matches_any(rule.models, facts.sent_as));
}

bool holds_for_repositories(const Rule& rule, const Facts& facts) {
  const auto holds_for_place = [&](const std::string& place) {
    return std::ranges::any_of(rule.repositories, [&](const auto& pattern) { return covers(pattern, place); });
  };
  if (rule.repositories.empty()) return true;
  if (facts.repositories.empty()) return holds_for_place("");
  return rule.then == Then::cloud ? std::ranges::all_of(facts.repositories, holds_for_place)
                                  : std::ranges::any_of(facts.repositories, holds_for_place);
}

bool holds_for_paths(const Rule& rule, const Facts& facts) {
  return rule.paths.empty() ||
         std::ranges::any_of(facts.paths, [&](const auto& path) { return names_place(rule.paths, path); });
}

bool holds(const Rule& rule, const Facts& facts) {
  return holds_for_repositories(rule, facts) && holds_for_models(rule, facts) && holds_for_tasks(rule, facts) &&
         holds_for(rule.clients, facts.client) && holds_for_paths(rule, facts) &&
         holds_for_any(rule.secrets, facts.secrets) && (rule.pattern.empty() || facts.patterns.contains(rule.name)) &&
         (!rule.tools || *rule.tools == facts.tools) && (!rule.vision || *rule.vision == facts.vision) &&
         (!rule.longer_than || facts.prompt_tokens > *rule.longer_than);
}

std::string quiet_task(const Policy& policy, const Facts& facts) {
  for (const std::string& task : facts.tasks)
    if (holds_for_task(policy.quiet_tasks, task)) return task;
  return "";
}

// The built-in rules, after those of the file.
Wish ask_abilities(const Policy& policy, const Facts& facts) {
  using For = Wish::For;
  if (facts.vision) return {For::cloud, "vision"};
  if (facts.tools && !facts.local_tools) return {For::cloud, "tools"};
  const uint64_t longest = policy.longest_prompt.value_or(facts.local_context);
  if (longest > 0 && facts.prompt_tokens > longest) return {For::cloud, "long-prompt"};
  if (watches(policy)) return {For::watched, "confidence"};
  return {For::local, "default"};
}

}  // namespace

Wish ask_quality(const Policy& policy, const Facts& facts) {
  using For = Wish::For;
  if (facts.asked == Asked::local) return {For::local, "header"};
  if (facts.remote_model) return {For::cloud, "model"};
  if (!facts.automatic && facts.asked == Asked::nothing) return {For::local, "model"};
  if (!facts.has_remotes) return {For::local, "no-remote"};
  if (!facts.can_be_sent) return {For::local, "endpoint"};
  if (facts.asked == Asked::cloud) return {For::cloud, "header"};
  if (const std::string task = quiet_task(policy, facts); !task.empty()) return {For::local, "task " + task};
  if (facts.session_left) return {For::cloud, "session"};
  for (const Rule& rule : policy.rules)
    if (rule.then != Then::never && holds(rule, facts))
      return {rule.then == Then::cloud ? For::cloud : For::local, rule.name};
  return ask_abilities(policy, facts);
}

std::optional<std::string> find_keeper(const Policy& policy, const Facts& facts) {
  if (facts.asked == Asked::local) return "header";
  if (const std::string task = quiet_task(policy, facts); !task.empty()) return "task " + task;
  for (const Rule& rule : policy.rules)
    if (rule.then == Then::local && holds(rule, facts)) return rule.name;
  return std::nullopt;
}

std::optional<std::string> find_veto(const Policy& policy, const Facts& facts) {
  if (policy.offline) return policy.offline_rule;
  if (!facts.unclear.empty()) return facts.unclear;
  if (policy.require_repository && facts.repositories.empty()) return "require_repository";
  if (policy.secrets_stay && !facts.secrets.empty()) return "secret " + *facts.secrets.begin();
  for (const Rule& rule : policy.rules)
    if (rule.then == Then::never && holds(rule, facts)) return rule.name;
  return std::nullopt;
}

Decision decide(const Policy& policy, const Facts& facts, const Wish& wish) {
  using Route = Decision::Route;
  if (wish.is_for == Wish::For::local) return {Route::local, wish.rule};
  if (wish.is_for == Wish::For::later)
    if (const auto keeper = find_keeper(policy, facts)) return {Route::local, *keeper};
  const bool by_name = facts.remote_model;
  if (const auto veto = find_veto(policy, facts)) return {by_name ? Route::refused : Route::local, *veto};
  if (!facts.spent.empty()) return {by_name ? Route::refused : Route::local, facts.spent, by_name};
  return {Route::cloud, wish.rule};
}

Policy strictest(Policy policy, const Policy& other) {
  if (!policy.offline && other.offline) {
    policy.offline = true;
    policy.offline_rule = other.offline_rule;
  }
  policy.require_repository |= other.require_repository;
  policy.secrets_stay |= other.secrets_stay;
  policy.redact_email |= other.redact_email;
  policy.patterns.insert(policy.patterns.end(), other.patterns.begin(), other.patterns.end());
  // In front, so that what the other keeps here is not sent by a rule that comes first.
  for (auto rule = other.rules.rbegin(); rule != other.rules.rend(); ++rule)
    if (rule->then != Then::cloud) policy.rules.insert(policy.rules.begin(), *rule);
  return policy;
}

}  // namespace hearth::route
