// Reading chunks and messages.
#include "tools/serve/hop_answer.h"

#include "tools/redact/shallow_json.h"

namespace hearth::serve {
namespace {

constexpr size_t kMostCalls = 256;

FinishReason reason_of(const std::string& reason) {
  if (reason == "length") return FinishReason::max_tokens;
  return reason == "tool_calls" || reason == "function_call" ? FinishReason::tool_calls : FinishReason::end;
}

}  // namespace

void HopAnswer::take_call(const Json& call, uint32_t place, Event& event) {
  const uint64_t index = member_count(call, "index", place);
  const Json* function = member_of(call, "function");
  if (index > kMostCalls || function == nullptr) return;
  ToolCallPiece piece{static_cast<uint32_t>(index), member_text(call, "id"), member_text(*function, "name"),
                      member_text(*function, "arguments")};
  if (result_.calls.size() <= index) result_.calls.resize(index + 1);
  ToolCall& whole = result_.calls[index];
  if (!whole.name.empty()) piece.id = piece.name = "";  // said again in every chunk, by some
  whole.id += piece.id;
  whole.name += piece.name;
  whole.arguments += piece.arguments;
  event.calls.push_back(std::move(piece));
}

void HopAnswer::take_message(const Json& message, Event& event) {
  event.text = member_text(message, "content");
  event.reasoning = member_text(message, "reasoning_content");
  if (event.reasoning.empty()) event.reasoning = member_text(message, "reasoning");
  result_.text += event.text;
  result_.reasoning += event.reasoning;
  const Json* calls = member_of(message, "tool_calls");
  if (calls == nullptr || !calls->is_array()) return;
  uint32_t place = 0;
  for (const Json& call : *calls) take_call(call, place++, event);
}

void HopAnswer::take_usage(const Json& usage) {
  result_.prompt_tokens = member_count(usage, "prompt_tokens", result_.prompt_tokens);
  result_.generated_tokens = member_count(usage, "completion_tokens", result_.generated_tokens);
  if (const Json* details = member_of(usage, "prompt_tokens_details"))
    result_.cached_tokens = member_count(*details, "cached_tokens");
  if (const Json* details = member_of(usage, "completion_tokens_details"))
    result_.reasoning_tokens = member_count(*details, "reasoning_tokens");
}

void HopAnswer::take_chunk(const Json& chunk, std::vector<Event>& events) {
  if (const Json* usage = member_of(chunk, "usage")) take_usage(*usage);
  const Json* choices = member_of(chunk, "choices");
  if (choices == nullptr || !choices->is_array() || choices->empty()) return;
  const Json& choice = choices->front();
  if (member_count(choice, "index") != 0) return;
  for (const char* name : {"delta", "message"})
    if (const Json* message = member_of(choice, name)) {
      Event event;
      take_message(*message, event);
      if (!event.text.empty() || !event.reasoning.empty() || !event.calls.empty()) events.push_back(std::move(event));
    }
  if (Event event; !(event.text = member_text(choice, "text")).empty()) {  // of a plain completion
    result_.text += event.text;
    events.push_back(std::move(event));
  }
  if (const std::string reason = member_text(choice, "finish_reason"); !reason.empty()) {
    result_.reason = reason_of(reason);
    ended_ = true;
  }
}

std::vector<Event> HopAnswer::feed(std::string_view events) {
  std::vector<Event> told;
  while (!events.empty()) {
    const size_t end = events.find('\n');
    std::string_view line = events.substr(0, end);
    events.remove_prefix(end == events.npos ? events.size() : end + 1);
    if (!line.starts_with("data:")) continue;
    line.remove_prefix(5);
    if (const Json chunk = redact::parse_shallow(line); chunk.is_object()) take_chunk(chunk, told);
  }
  return told;
}

std::vector<Event> HopAnswer::feed_whole(const Json& answer) {
  std::vector<Event> told;
  take_chunk(answer, told);
  return told;
}

Event HopAnswer::finish() {
  Event last;
  last.result = std::move(result_);
  return last;
}

}  // namespace hearth::serve
