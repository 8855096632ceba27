// A chain of tokens behind a template with calls and reasoning in tags.
#include "tests/tools/serve/calling_model.h"

#include "tests/engine/answer/chain_model.h"

namespace hearth {
namespace {

constexpr const char* kCallingTemplate =
    "{% if tools %}<|system|>{{ tools | tojson }}{% endif %}{% for m in messages %}<|{{ m.role }}|>"
    "{% if m.reasoning_content %}<think>{{ m.reasoning_content }}</think>{% endif %}{{ m.content }}"
    "{% for c in m.tool_calls or [] %}<tool_call>{\"name\": \"{{ c.function.name }}\", \"arguments\": "
    "{{ c.function.arguments | tojson }}}</tool_call>{% endfor %}{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}";

}  // namespace

const SaidAndCalled kReading{"<think>Which file?</think>\n\nI look.\n",
                             R"({"name": "read", "arguments": {"path": "a.js"}})"};

void write_calling_model(const std::filesystem::path& path, const SaidAndCalled& answer) {
  constexpr size_t kPiece = 3;  // bytes of a token
  std::vector<ChainPiece> pieces;
  for (size_t at = 0; at < answer.text.size(); at += kPiece) pieces.push_back({answer.text.substr(at, kPiece)});
  if (!answer.call.empty()) {
    pieces.push_back({"<tool_call>", true});
    pieces.push_back({answer.call});
    pieces.push_back({"</tool_call>", true});
  }
  write_chain_model(path, kCallingTemplate, pieces, {"</tool_call>"});
}

}  // namespace hearth
