// libFuzzer target: any body is a request or a refusal by name, and what is read can be worded back.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "tools/serve/access.h"
#include "tools/serve/openai/chat_request.h"
#include "tools/serve/openai/completion_request.h"

namespace {

using hearth::serve::ApiError;
using hearth::serve::Job;
using hearth::serve::to_text;

void demand(bool holds) {
  if (!holds) __builtin_trap();
}

// Tells a made-up answer in both ways.
void word(Job& job) {
  demand(!job.requests.empty() && job.requests.size() <= 128);
  std::vector<hearth::Result> results;
  for (uint32_t choice = 0; choice < job.requests.size(); ++choice) {
    hearth::Event event;
    event.text = "a\xff";
    if (job.requests[choice].logprobs) event.logprobs.push_back({1, "\xC3", -1, {{2, "b", -2, {}}}});
    event.result.emplace().logprobs = event.logprobs;
    results.push_back(*event.result);
    if (job.echo) job.reply->on_prompt(choice, {"p", hearth::TokenLogprob{}});
    demand(job.reply->piece(choice, event).starts_with("data: "));
  }
  demand(job.reply->end().ends_with("data: [DONE]\n\n"));
  demand(!to_text(job.reply->whole(results)).empty());
}

template <class Read>
void try_reading(std::string_view body, Read read) {
  try {
    Job job = read(hearth::serve::parse_object(body), hearth::serve::Heading{"id", 0, "m"});
    word(job);
    hearth::ModelInfo info;
    info.vocabulary = 1000;
    check_against(job, info);
  } catch (const ApiError& error) {
    demand(error.status == 400);
    demand(!to_text(error_json(error)).empty());
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view body(reinterpret_cast<const char*>(data), size);
  try_reading(body, hearth::serve::read_chat_request);
  try_reading(body, hearth::serve::read_completion_request);
  const hearth::serve::AccessRules rules{.keys = {"key"}, .hosts = {"name"}, .origins = {"app://x"}};
  demand(!host_allowed(body, rules) || body.find('/') == body.npos);
  static_cast<void>(origin_allowed(body, rules));
  static_cast<void>(key_allowed(body, body, rules));
  return 0;
}
