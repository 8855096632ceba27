// libFuzzer target: any text is a chat template or a TemplateError, and what it renders stays within its budgets.
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "engine/text/template/chat_context.h"
#include "engine/text/template/template.h"

namespace {

constexpr std::string_view kConversation = R"({
  "messages": [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "What is 6 × 7?"},
    {"role": "assistant", "content": null, "tool_calls": [{"id": "c1", "type": "function",
      "function": {"name": "multiply", "arguments": {"a": 6, "b": 7.5, "exact": true}}}]},
    {"role": "tool", "tool_call_id": "c1", "name": "multiply", "content": "42"},
    {"role": "assistant", "content": "<think>easy</think>42"}],
  "tools": [{"type": "function", "function": {"name": "multiply", "description": "a times b",
    "parameters": {"type": "object", "properties": {"a": {"type": "number"}}, "required": ["a"]}}}],
  "add_generation_prompt": true, "bos_token": "<s>", "eos_token": "</s>", "extra": {"enable_thinking": false}})";

std::optional<std::string> render(const hearth::Template& parsed, uint64_t scale) {
  static const hearth::Value context = hearth::chat_context(hearth::parse_json(kConversation));
  hearth::RenderLimits limits;
  limits.max_steps = 20'000 * scale;
  limits.max_output_bytes = size_t{1} << 14;
  limits.now = "2026-11-23T12:34:56";
  try {
    std::string made = parsed.render(context, limits);
    if (made.size() > limits.max_output_bytes) __builtin_trap();
    return made;
  } catch (const hearth::TemplateError&) {
    return std::nullopt;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  try {
    const auto parsed = hearth::Template::parse({reinterpret_cast<const char*>(data), size});
    // A larger budget must not change what a smaller one sufficed for.
    const auto made = render(parsed, 1);
    if (made && render(parsed, 2) != made) __builtin_trap();
  } catch (const hearth::TemplateError&) {
  }
  return 0;
}
