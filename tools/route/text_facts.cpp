// Patterns by RE2, and words that look like places.
#include "tools/route/text_facts.h"

#include <re2/re2.h>

#include <algorithm>
#include <cctype>
#include <stdexcept>

#include "tools/redact/shallow_json.h"
#include "tools/route/places.h"
#include "tools/route/unescape.h"

namespace hearth::route {
namespace {

constexpr int kMostQuoted = 16;         // JSON in strings of JSON: each time there are twice as many backslashes
constexpr size_t kLongestPlace = 1024;  // of one with blanks, which is a string of its own

bool is_narrow(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || std::string_view("_~.@+-/\\").find(c) != std::string::npos;
}

bool is_wide(char c) { return is_narrow(c) || c == '%' || static_cast<unsigned char>(c) >= 0x80; }

// "src/a.cpp", "/etc/passwd", "C:\keys\a.pem", "file://host/a", "a.tf"; also more than places: too much does no harm.
template <class Within, class Action>
void each_word(std::string_view text, const Within& within, const Action& action) {
  for (auto at = text.begin(); at != text.end();) {
    const auto begin = std::find_if(at, text.end(), within);
    at = std::find_if_not(begin, text.end(), within);
    const std::string_view word(begin, at);
    if (word.find_first_of("/\\.%") == word.npos) continue;
    action(word);
    // The end of a sentence.
    if (const size_t end = word.find_last_not_of('.'); end + 1 < word.size()) action(word.substr(0, end + 1));
    const std::string_view before(text.begin(), begin);
    if (before.ends_with(':') && word.find_first_of("/\\") == 0)
      for (const size_t scheme : {size_t{2}, size_t{5}})  // "C:", "file:"
        if (before.size() >= scheme) action(std::string_view(&*begin - scheme, word.size() + scheme));
  }
}

}  // namespace

struct TextRules::State {
  struct Named {
    std::string rule;
    std::unique_ptr<RE2> pattern;
  };
  std::vector<Named> patterns;
  std::vector<std::vector<std::string>> paths;  // of each rule
};

// One request's texts.
class TextRules::Look {
 public:
  Look(const State& state, Facts& facts) : state_(state), facts_(facts), wanted_(state.paths) {}

  void at(const nlohmann::ordered_json& value) {
    if (value.is_string()) at_text(value.get_ref<const std::string&>());
    if (!value.is_structured()) return;
    for (const auto& [name, member] : value.items()) {
      if (value.is_object()) at_text(name);
      at(member);
    }
  }

 private:
  // As it stands, and what it says where it quotes.
  void at_text(std::string text) {
    at_words(text);
    if (const size_t first = text.find_first_not_of(" \t\r\n");
        first != text.npos && text.find_first_of("{[\"", first) == first)
      at(redact::parse_shallow(text));
    for (int times = 0; text.find('\\') != text.npos; ++times) {
      std::string said = unescaped(text);
      if (said == text) return;
      if (times == kMostQuoted) facts_.unclear = "too many escapes";
      if (times == kMostQuoted) return;
      text = std::move(said);
      at_words(text);
    }
  }

  void at_words(const std::string& text) {
    for (const auto& [rule, pattern] : state_.patterns)
      if (!facts_.patterns.contains(rule) && RE2::PartialMatch(text, *pattern)) facts_.patterns.insert(rule);
    if (wanted_.empty()) return;
    const auto look = [&](std::string_view word) { at_place(word); };
    each_word(text, is_narrow, look);
    if (!std::ranges::all_of(text, [](char c) { return c != '%' && static_cast<unsigned char>(c) < 0x80; }))
      each_word(text, is_wide, look);
    if (text.size() <= kLongestPlace && text.find_first_of("/\\") != text.npos) at_place(text);
  }

  void at_place(std::string_view word) {
    for (const std::string& place : places_of(word)) {
      note(place);
      if (!is_absolute(place))
        for (const std::string& folder : facts_.repositories) note(below(folder, place));
    }
  }

  // One place is enough for a rule.
  void note(const std::string& place) {
    std::erase_if(wanted_, [&](const std::vector<std::string>& patterns) {
      if (!names_place(patterns, place)) return false;
      facts_.paths.push_back(place);
      return true;
    });
  }

  const State& state_;
  Facts& facts_;
  std::vector<std::vector<std::string>> wanted_;
};

TextRules::TextRules(const Policy& policy) : state_(std::make_unique<State>()) {
  RE2::Options options;
  options.set_log_errors(false);
  for (const Rule& rule : policy.rules) {
    if (!rule.paths.empty()) state_->paths.push_back(rule.paths);
    if (rule.pattern.empty()) continue;
    auto pattern = std::make_unique<RE2>(rule.pattern, options);
    if (!pattern->ok())
      throw std::invalid_argument("the pattern of the rule '" + rule.name + "' cannot be used: " + pattern->error());
    state_->patterns.push_back({rule.name, std::move(pattern)});
  }
}

TextRules::~TextRules() = default;

void TextRules::look(const nlohmann::ordered_json& body, Facts& facts) const { Look(*state_, facts).at(body); }

}  // namespace hearth::route
