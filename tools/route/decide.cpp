// The two gates.
#include <algorithm>

#include "tools/route/glob.h"
#include "tools/route/policy.h"

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

// A path is named by its whole or by its end: "src/secret/key.c" by "secret/**".
bool names_path(const std::vector<std::string>& patterns, const std::vector<std::string>& paths) {
  return patterns.empty() || std::ranges::any_of(paths, [&](const std::string& path) {
           return std::ranges::any_of(patterns, [&](const std::string& pattern) {
             return matches(pattern, path) || (!pattern.starts_with('/') && matches("**/" + pattern, path));
           });
         });
}

bool holds(const Rule& rule, const Facts& facts) {
  return holds_for(rule.repositories, facts.repository) && holds_for(rule.models, facts.asked_model) &&
         holds_for_any(rule.tasks, facts.tasks) && holds_for(rule.clients, facts.client) &&
         names_path(rule.paths, facts.paths) && holds_for_any(rule.secrets, facts.secrets) &&
         (rule.pattern.empty() || facts.patterns.contains(rule.name)) && (!rule.tools || *rule.tools == facts.tools) &&
         (!rule.vision || *rule.vision == facts.vision) &&
         (!rule.longer_than || facts.prompt_tokens > *rule.longer_than);
}

std::string quiet_task(const Policy& policy, const Facts& facts) {
  for (const std::string& task : facts.tasks)
    if (matches_any(policy.quiet_tasks, task)) return task;
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

std::optional<std::string> find_veto(const Policy& policy, const Facts& facts) {
  if (policy.offline) return policy.offline_rule;
  if (policy.require_repository && facts.repository.empty()) return "require_repository";
  if (policy.secrets_stay && !facts.secrets.empty()) return "secret " + *facts.secrets.begin();
  for (const Rule& rule : policy.rules)
    if (rule.then == Then::never && holds(rule, facts)) return rule.name;
  return std::nullopt;
}

Decision decide(const Policy& policy, const Facts& facts, const Wish& wish) {
  using Route = Decision::Route;
  if (wish.is_for == Wish::For::local) return {Route::local, wish.rule};
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
