// Where a template puts what a model thought.
#include <array>

#include "engine/text/answer/learn.h"

namespace hearth {
namespace {

bool is_tag(const std::string& word) { return word.size() > 2 && (word[0] == '<' || word[0] == '['); }

// The markers right around the thought in a rendered conversation.
std::optional<ReasoningFormat> markers_around_thought(const std::string& text) {
  const size_t user = text.rfind(probe::kUser);
  const size_t thought = text.rfind(probe::kThought);
  if (thought == std::string::npos || user == std::string::npos || thought < user) return std::nullopt;
  const std::string_view view(text);
  const Words before = split_words(view.substr(user + probe::kUser.size(), thought - user - probe::kUser.size()));
  const Words after = split_words(view.substr(thought + probe::kThought.size()));
  if (before.empty() || after.empty() || !is_tag(before.back()) || !is_tag(after.front())) return std::nullopt;
  return ReasoningFormat{before.back(), after.front()};
}

}  // namespace

std::vector<ReasoningFormat> learn_reasoning(const Prober& prober, TemplateHabits& habits) {
  constexpr std::array kKeys = {"reasoning_content", "thinking", "reasoning"};
  for (const char* key : kKeys) {
    const std::string member = std::string(", \"") + key + "\": \"" + std::string(probe::kThought) + "\"";
    std::string answer = Prober::answer();
    answer.insert(answer.size() - 1, member);
    std::string calling = Prober::calling({.arguments_as_text = habits.arguments_as_text,
                                           .function_ids = habits.function_ids,
                                           .id = {},
                                           .more = member,
                                           .content = {}});
    for (const std::string& messages :
         {Prober::user() + ", " + answer, Prober::user() + ", " + calling + ", " + Prober::result(Prober::kFirstId)})
      for (const char* more : {"", R"(, "extra": {"enable_thinking": true, "thinking": true})"}) {
        const auto text = prober.render(messages, true, false, more);
        if (!text) continue;
        if (const auto markers = markers_around_thought(*text)) {
          habits.reasoning_key = key;
          return {*markers};
        }
      }
  }
  return {};
}

}  // namespace hearth
