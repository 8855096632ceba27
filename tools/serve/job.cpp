// What the wordings of all protocols share.
#include "tools/serve/job.h"

namespace hearth::serve {

Reply::Reply(Heading heading, uint32_t choices_per_prompt)
    : heading_(std::move(heading)), choices_per_prompt_(choices_per_prompt) {}

std::string Reply::begin(uint64_t) { return ""; }

std::string Reply::silence() { return ": working\n\n"; }

void Reply::count(uint32_t choice, const Result& result) {
  usage_.completion_tokens += result.generated_tokens;
  usage_.reasoning_tokens += result.reasoning_tokens;
  if (choice % choices_per_prompt_ != 0) return;  // a prompt counts once, however many answers it has
  usage_.prompt_tokens += result.prompt_tokens;
  usage_.cached_tokens += result.cached_tokens;
}

Json Reply::heading_json(const char* object) const {
  return {{"id", heading_.id}, {"object", object}, {"created", heading_.created}, {"model", heading_.model}};
}

Json Reply::usage_json() const {
  return {{"prompt_tokens", usage_.prompt_tokens},
          {"completion_tokens", usage_.completion_tokens},
          {"total_tokens", usage_.prompt_tokens + usage_.completion_tokens},
          {"prompt_tokens_details", {{"cached_tokens", usage_.cached_tokens}}},
          {"completion_tokens_details", {{"reasoning_tokens", usage_.reasoning_tokens}}}};
}

bool ends_with_calls(const Result& result) {
  return result.reason == FinishReason::tool_calls || (result.reason == FinishReason::end && !result.calls.empty());
}

const char* finish_reason(const Result& result) {
  if (ends_with_calls(result)) return "tool_calls";
  return result.reason == FinishReason::max_tokens || result.reason == FinishReason::context_full ? "length" : "stop";
}

void use_adapter(Job& job, const std::optional<AdapterUse>& adapter) {
  for (Request& request : job.requests)
    if (adapter && !request.adapters) request.adapters = {*adapter};
}

void check_against(const Job& job, const ModelInfo& model) {
  const auto in_vocabulary = [&](int32_t id) { return id >= 0 && static_cast<uint32_t>(id) < model.vocabulary; };
  for (const Request& request : job.requests) {
    for (const auto& [id, bias] : request.sampling.logit_bias)
      if (!in_vocabulary(id))
        throw invalid_request("'logit_bias' names token " + std::to_string(id) + ", but the vocabulary has " +
                                  std::to_string(model.vocabulary),
                              "logit_bias", "invalid_value");
    for (const AdapterUse& use : request.adapters.value_or(std::vector<AdapterUse>()))
      if (use.adapter >= model.adapters.size())
        throw invalid_request("'lora' names adapter " + std::to_string(use.adapter) + ", but the model has " +
                                  std::to_string(model.adapters.size()),
                              "lora", "invalid_value");
    if (const auto* ids = std::get_if<std::vector<int32_t>>(&request.prompt))
      for (const int32_t id : *ids)
        if (!in_vocabulary(id))
          throw invalid_request("'prompt' holds token " + std::to_string(id) + ", but the vocabulary has " +
                                    std::to_string(model.vocabulary),
                                "prompt", "invalid_value");
    if (std::holds_alternative<Infill>(request.prompt) && !model.has_infill)
      throw invalid_request("the model '" + job.model + "' has no fill-in-the-middle tokens", "suffix", "unsupported");
    if (std::holds_alternative<Conversation>(request.prompt) && !model.has_chat_template)
      throw invalid_request("the model '" + job.model + "' has no chat template; use /v1/completions", "messages",
                            "unsupported");
    if (request.tool_use == ToolUse::required && !model.has_tools)
      throw invalid_request("the model '" + job.model + "' has no chat template that says calls of tools",
                            "tool_choice", "unsupported");
  }
}

}  // namespace hearth::serve
