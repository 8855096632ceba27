// Keys and what they mean.
#include "tools/route/policy_file.h"

#include <algorithm>
#include <array>
#include <fstream>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "tools/route/places.h"
#include "tools/route/text_facts.h"
#include "tools/toml_table.h"

namespace hearth::route {
namespace {

// An empty condition would hold for everything, or for nothing.
std::vector<std::string> read_condition(TomlTable& table, const char* key) {
  std::vector<std::string> values = table.text_or_texts(key);
  const bool is_empty = values.empty() || std::ranges::any_of(values, [](const auto& value) { return value.empty(); });
  if (table.has(key) && is_empty) table.refuse(key, "is empty");
  return values;
}

// "secret/" is all that is in there.
std::vector<std::string> read_places(TomlTable& table, const char* key) {
  std::vector<std::string> places = read_condition(table, key);
  for (std::string& place : places) {
    const bool is_folder = place.ends_with('/') || place.ends_with('\\');
    place = normal_place(place);
    if (place.empty()) table.refuse(key, "is empty");
    if (is_folder) place += place.ends_with('/') ? "**" : "/**";
  }
  return places;
}

Rule read_rule(TomlTable& table, size_t number) {
  Rule rule;
  rule.name = table.get<std::string>("name").value_or("rule " + std::to_string(number));
  rule.then = static_cast<Then>(table.choice("then", {"never", "local", "cloud"}));
  if (!table.has("then")) table.refuse("then", "is missing: never, local or cloud");
  rule.repositories = read_places(table, "repository");
  rule.paths = read_places(table, "path");
  rule.models = read_condition(table, "model");
  rule.tasks = read_condition(table, "task");
  rule.clients = read_condition(table, "client");
  rule.secrets = read_condition(table, "secret");
  rule.pattern = table.get<std::string>("pattern").value_or("");
  if (table.has("pattern") && rule.pattern.empty()) table.refuse("pattern", "is empty");
  rule.tools = table.get<bool>("tools");
  rule.vision = table.get<bool>("vision");
  rule.longer_than = table.count("longer_than", INT64_MAX);
  if (rule.then != Then::never)
    for (const char* key : {"path", "secret", "pattern"})
      if (table.has(key)) table.refuse(key, "is for rules that say \"never\" alone");
  table.refuse_others();
  return rule;
}

void read_rules(TomlTable& root, Policy& policy) {
  for (TomlTable& table : root.tables("rule")) policy.rules.push_back(read_rule(table, policy.rules.size() + 1));
  for (TomlTable& table : root.tables("redact")) {
    policy.patterns.push_back({table.required("name"), table.required("pattern")});
    table.refuse_others();
  }
  try {
    const TextRules compiled(policy);
    const redact::Finder patterns({false, false, policy.patterns});
  } catch (const std::invalid_argument& error) {
    refuse_config(error.what());
  }
}

void read_privacy(TomlTable& table, Policy& policy) {
  policy.offline = table.get<bool>("offline").value_or(false);
  policy.require_repository = table.get<bool>("require_repository").value_or(false);
  policy.secrets_stay = table.choice("secrets", {"redact", "never"}) == 1;
}

}  // namespace

double read_calibration(const std::filesystem::path& path) {
  std::ifstream file(path);
  const auto parsed = nlohmann::ordered_json::parse(file, nullptr, false);
  const auto margin = parsed.is_object() ? parsed.find("margin") : parsed.end();
  if (!parsed.is_object() || margin == parsed.end() || !margin->is_number())
    refuse_config(path.string() + ": is no calibration; `hearth compare --calibrate` writes one");
  return std::clamp(margin->get<double>(), 0.0, 1.0);
}

Policy read_policy(TomlTable& root, const std::filesystem::path& folder) {
  Policy policy;
  TomlTable table = root.table("policy");
  read_privacy(table, policy);
  policy.redact_email = table.get<bool>("redact_email").value_or(true);
  policy.local_model = table.get<std::string>("local_model").value_or("");
  policy.remote = table.get<std::string>("remote").value_or("");
  policy.remote_model = table.get<std::string>("remote_model").value_or("");
  if (table.has("quiet_tasks")) policy.quiet_tasks = table.texts("quiet_tasks");
  policy.longest_prompt = table.count("longest_prompt", INT64_MAX);
  policy.margin = table.number("margin").value_or(0);
  policy.entropy = table.number("entropy").value_or(0);
  policy.confidence_tokens = static_cast<uint32_t>(table.count("confidence_tokens", 4096).value_or(16));
  if (const auto calibration = table.get<std::string>("calibration")) {
    if (table.has("margin")) table.refuse("calibration", "and 'margin' cannot both be given");
    policy.margin = read_calibration(folder / *calibration);
  }
  policy.masked = table.number("masked").value_or(0);
  policy.repetition = table.get<bool>("repetition").value_or(false);
  policy.marks_switch = table.choice("doubt", {"hold", "switch"}) == 1;
  policy.fallback = std::array{Fallback::automatic, Fallback::always,
                               Fallback::never}[table.choice("fallback", {"auto", "always", "never"})];
  table.refuse_others();
  for (TomlTable& alias : root.tables("alias")) {
    policy.aliases.push_back(
        {alias.required("name"), alias.required("model"), alias.get<std::string>("task").value_or("")});
    alias.refuse_others();
  }
  read_rules(root, policy);
  return policy;
}

Policy read_repository_policy(const std::filesystem::path& path) {
  const toml::table file = parse_toml(path);
  TomlTable root(file, path.string());
  Policy policy;
  policy.redact_email = false;  // it asks for nothing
  policy.offline_rule = "offline in " + path.filename().string();
  TomlTable table = root.table("policy");
  read_privacy(table, policy);
  table.refuse_others();
  read_rules(root, policy);
  for (const Rule& rule : policy.rules)
    if (rule.then == Then::cloud)
      refuse_config(path.string() + ": the rule '" + rule.name + "' must say never or local: a repository keeps here");
  root.refuse_others();
  return policy;
}

Limits read_limits(TomlTable& table) {
  Limits limits;
  limits.money_per_day = table.number("money_per_day").value_or(0);
  limits.tokens_per_day = table.count("tokens_per_day", INT64_MAX).value_or(0);
  limits.requests_per_minute = static_cast<uint32_t>(table.count("requests_per_minute", 1'000'000).value_or(0));
  return limits;
}

}  // namespace hearth::route
