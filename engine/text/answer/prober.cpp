// Conversations as JSON text.
#include "engine/text/answer/prober.h"

#include "engine/text/answer/json_scanner.h"
#include "engine/text/template/chat_context.h"

namespace hearth {
namespace {

// Templates that need more for so short a conversation are taken as refusing it.
constexpr uint64_t kProbeSteps = 200'000;

std::string tool(std::string_view name) {
  return R"({"type": "function", "function": {"name": ")" + std::string(name) +
         R"(", "description": "d", "parameters": {"type": "object", "properties": {"qzkeya": {"type": "string", )"
         R"("description": "d"}, "qzkeyb": {"type": "integer", "description": "d"}}, "required": ["qzkeya"]}}})";
}

}  // namespace

Prober::Prober(const Template& chat_template, std::string bos, std::string eos)
    : template_(chat_template),
      tokens_(R"(, "bos_token": )" + quoted_json(bos) + R"(, "eos_token": )" + quoted_json(eos)) {}

std::optional<std::string> Prober::render(const std::string& messages, bool with_tools, bool generation_prompt,
                                          const std::string& more) const {
  std::string json = R"({"messages": [)" + messages + "]" + tokens_ + more;
  if (with_tools) json += R"(, "tools": [)" + tool(probe::kFirstTool) + ", " + tool(probe::kSecondTool) + "]";
  json += std::string(R"(, "add_generation_prompt": )") + (generation_prompt ? "true" : "false") + "}";
  RenderLimits limits;
  limits.max_steps = kProbeSteps;
  limits.max_output_bytes = size_t{1} << 20;
  limits.now = "2026-01-01T00:00:00";
  try {
    return template_.render(chat_context(parse_json(json)), limits);
  } catch (const TemplateError&) {
    return std::nullopt;
  }
}

std::string Prober::message(std::string_view role, std::string_view text) {
  return R"({"role": )" + quoted_json(role) + R"(, "content": )" + quoted_json(text) + "}";
}

std::string Prober::user(std::string_view text) { return message("user", text); }
std::string Prober::answer(std::string_view text) { return message("assistant", text); }

std::string Prober::calling(const CallStyle& style) {
  std::string json =
      R"({"role": "assistant", "content": )" + quoted_json(style.content) + style.more + R"(, "tool_calls": [)";
  for (int i = 0; i < style.calls; ++i) {
    const std::string name(i == 0 ? probe::kFirstTool : probe::kSecondTool);
    std::string id(i == 0 ? kFirstId : kSecondId);
    if (style.function_ids) id = "functions." + name + ":" + std::to_string(i);
    if (i == 0 && !style.id.empty()) id = style.id;
    const std::string arguments(probe::kArguments);
    json += std::string(i == 0 ? "" : ", ") + R"({"id": )" + quoted_json(id) +
            R"(, "type": "function", "function": {"name": )" + quoted_json(name) + R"(, "arguments": )" +
            (style.arguments_as_text ? quoted_json(arguments) : arguments) + "}}";
  }
  return json + "]}";
}

std::string Prober::result(std::string_view id, std::string_view text) {
  return R"({"role": "tool", "name": "qzfirst", "tool_call_id": )" + quoted_json(id) + R"(, "content": )" +
         quoted_json(text) + "}";
}

}  // namespace hearth
