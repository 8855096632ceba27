// Patterns and paths, found by RE2.
#include "tools/route/text_facts.h"

#include <re2/re2.h>

#include <algorithm>
#include <stdexcept>

namespace hearth::route {
namespace {

constexpr size_t kMostPaths = 4096;  // different ones of one request

// "src/a.cpp", "/etc/passwd", "C:\keys\a.pem", "a.tf"; also more than paths: too much does no harm here.
constexpr const char* kPath = R"(([A-Za-z0-9_~.@+-]*(?:[/\\][A-Za-z0-9_.@+-]+)+|[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)+))";

template <class Action>
void each_text(const nlohmann::ordered_json& value, const Action& action) {
  if (value.is_string()) action(value.get_ref<const std::string&>());
  if (!value.is_structured()) return;
  for (const auto& [name, member] : value.items()) {
    if (value.is_object()) action(name);
    each_text(member, action);
  }
}

}  // namespace

struct TextRules::State {
  struct Named {
    std::string rule;
    std::unique_ptr<RE2> pattern;
  };
  std::vector<Named> patterns;
  bool wants_paths = false;
  RE2 path{kPath, RE2::Latin1};

  void find_paths(const std::string& text, std::set<std::string>& paths) const {
    re2::StringPiece rest(text);
    std::string path_found;
    while (paths.size() < kMostPaths && RE2::FindAndConsume(&rest, path, &path_found)) {
      std::ranges::replace(path_found, '\\', '/');
      paths.insert(path_found);
    }
  }
};

TextRules::TextRules(const Policy& policy) : state_(std::make_unique<State>()) {
  RE2::Options options;
  options.set_log_errors(false);
  for (const Rule& rule : policy.rules) {
    state_->wants_paths |= !rule.paths.empty();
    if (rule.pattern.empty()) continue;
    auto pattern = std::make_unique<RE2>(rule.pattern, options);
    if (!pattern->ok())
      throw std::invalid_argument("the pattern of the rule '" + rule.name + "' cannot be used: " + pattern->error());
    state_->patterns.push_back({rule.name, std::move(pattern)});
  }
}

TextRules::~TextRules() = default;

void TextRules::look(const nlohmann::ordered_json& body, Facts& facts) const {
  std::set<std::string> paths(facts.paths.begin(), facts.paths.end());
  each_text(body, [&](const std::string& text) {
    for (const auto& [rule, pattern] : state_->patterns)
      if (!facts.patterns.contains(rule) && RE2::PartialMatch(text, *pattern)) facts.patterns.insert(rule);
    if (state_->wants_paths) state_->find_paths(text, paths);
  });
  facts.paths.assign(paths.begin(), paths.end());
}

}  // namespace hearth::route
