// What a template refuses or drops.
#include "engine/text/answer/learn.h"

namespace hearth {
namespace {

bool holds(const std::optional<std::string>& text, std::string_view word) {
  return text && text->find(word) != std::string::npos;
}

// A tool of which nothing is described, nor its parameters.
constexpr const char* kBareTool =
    R"(, "tools": [{"type": "function", "function": {"name": "qzfirst", "parameters": {"type": "object", )"
    R"("properties": {"qzkeya": {"type": "string"}, "qzkeyb": {}}}}}])";

}  // namespace

void learn_habits(const Prober& prober, bool has_calls, TemplateHabits& habits) {
  const std::string user = Prober::user(), answer = Prober::answer(), comma = ", ";
  const std::string system = Prober::message("system", probe::kSystem);
  const auto plain = prober.render(user, false);
  habits.wants_tools = !plain && prober.render(user, false, false, R"(, "tools": [])");
  const std::string more = habits.wants_tools ? R"(, "tools": [])" : "";
  const auto renders = [&](const std::string& messages) { return prober.render(messages, false, false, more); };
  const auto simple = renders(user);
  const auto parts = renders(R"({"role": "user", "content": [{"type": "text", "text": "qzuser"}]})");
  const bool reads_parts = holds(parts, probe::kUser) && !holds(parts, "'text'") && !holds(parts, "\"text\"");
  habits.wants_parts = reads_parts && !holds(simple, probe::kUser);
  habits.takes_parts = reads_parts && !habits.wants_parts;
  if (!simple || habits.wants_parts) return;
  habits.no_system = !holds(renders(system + comma + user), probe::kSystem);
  habits.no_later_system = !holds(renders(user + comma + answer + comma + system + comma + user), probe::kSystem);
  habits.alternating = !renders(user + comma + user) && renders(user + comma + answer + comma + user);
  habits.wants_descriptions = prober.render(user, true) && !prober.render(user, false, false, kBareTool);

  Prober::CallStyle style{.arguments_as_text = habits.arguments_as_text,
                          .function_ids = habits.function_ids,
                          .id = {},
                          .more = {},
                          .content = {}};
  const auto after_call = [&](std::string_view id) {
    style.id = id;
    const std::string asked = habits.function_ids ? "functions.qzfirst:0" : std::string(id);
    return prober.render(user + comma + Prober::calling(style) + comma + Prober::result(asked), true, true);
  };
  const auto with_short_id = after_call(Prober::kFirstId);
  habits.no_tool_messages = !holds(with_short_id, probe::kResult);
  habits.drops_calls =
      has_calls && !habits.function_ids &&
      (!with_short_id || with_short_id->find("qzfirst", with_short_id->rfind(probe::kUser)) == std::string::npos);
  habits.short_ids = with_short_id && !habits.function_ids && !after_call("call_qz0123456789abcdef01");
  if (habits.reasoning_key.empty() || habits.drops_calls) return;
  style.id.clear();
  style.content = probe::kAnswer;
  const auto with_text = prober.render(user + comma + Prober::calling(style), true);
  style.more = ", \"" + habits.reasoning_key + "\": \"" + std::string(probe::kThought) + "\"";
  habits.no_thought_and_text = with_text && !prober.render(user + comma + Prober::calling(style), true);
}

}  // namespace hearth
