// Tokenizing what was written for the model itself.
#include "tools/serve/raw_prompt.h"

namespace hearth::serve {

void read_raw_prompts(const Engine& engine, Job& job) {
  Request nothing;
  nothing.prompt = std::string();
  const std::vector<int32_t> beginning = engine.prompt_tokens(nothing);  // bos, or none
  for (Request& request : job.requests) {
    const auto* text = std::get_if<std::string>(&request.prompt);
    if (text == nullptr) continue;
    std::vector<int32_t> ids = engine.tokenize(*text, true);
    if (!beginning.empty() && (ids.empty() || ids.front() != beginning.front()))
      ids.insert(ids.begin(), beginning.begin(), beginning.end());
    request.prompt = std::move(ids);
  }
}

}  // namespace hearth::serve
