// From prompts and fields to requests for an engine.
#include "tools/serve/openai/completion_request.h"

#include "tools/serve/constraint_fields.h"
#include "tools/serve/openai/completion_reply.h"
#include "tools/serve/sampling_fields.h"

namespace hearth::serve {
namespace {

using Prompt = decltype(Request::prompt);

[[noreturn]] void refuse_prompt() {
  throw invalid_request("'prompt' must be a string, an array of strings, an array of token ids, or an array of those",
                        "prompt", "invalid_value");
}

std::vector<int32_t> read_tokens(const Json& list) {
  std::vector<int32_t> ids;
  for (const Json& id : list) {
    if (!id.is_number()) refuse_prompt();
    ids.push_back(static_cast<int32_t>(read_integer(id, "prompt", 0, INT32_MAX)));
  }
  return ids;
}

Prompt read_prompt(const Json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (!value.is_array() || value.empty()) refuse_prompt();
  return read_tokens(value);
}

std::vector<Prompt> read_prompts(Fields& fields) {
  const Json* value = fields.find("prompt");
  if (value == nullptr) throw invalid_request("'prompt' is missing", "prompt", "missing_required_parameter");
  if (!value->is_array() || (!value->empty() && value->front().is_number())) return {read_prompt(*value)};
  if (value->empty()) refuse_prompt();
  if (value->size() > static_cast<size_t>(kMostChoices))
    throw invalid_request("'prompt' must have at most " + std::to_string(kMostChoices) + " prompts", "prompt",
                          "invalid_value");
  std::vector<Prompt> prompts;
  for (const Json& one : *value) prompts.push_back(read_prompt(one));
  return prompts;
}

// With a suffix, each prompt becomes the text in front of a gap.
void open_gaps(std::vector<Prompt>& prompts, const std::string& suffix) {
  for (Prompt& prompt : prompts) {
    const auto* text = std::get_if<std::string>(&prompt);
    if (text == nullptr) throw invalid_request("'suffix' needs a prompt of text", "suffix", "invalid_value");
    prompt = Infill{*text, suffix, {}, ""};
  }
}

}  // namespace

Job read_completion_request(const Json& body, Heading heading) {
  Fields fields(body);
  Job job;
  job.model = heading.model = fields.text("model").value_or(heading.model);
  job.stream = fields.boolean("stream", false);
  const bool include_usage = read_include_usage(fields, job.ignored);
  std::vector<Prompt> prompts = read_prompts(fields);
  job.echo = fields.boolean("echo", false);
  if (const auto suffix = fields.text("suffix"); suffix && !suffix->empty()) {
    if (job.echo) throw invalid_request("'echo' cannot be had together with 'suffix'", "echo", "invalid_value");
    open_gaps(prompts, *suffix);
  }

  Request request;
  read_sampling(fields, request);
  request.constraint = read_constraint(fields, job.constraint_field);
  if (const auto most = fields.integer("max_tokens", 0, UINT32_MAX)) request.max_tokens = static_cast<uint32_t>(*most);
  if (const auto logprobs = fields.integer("logprobs", 0, kMostTopLogprobs))
    request.logprobs = static_cast<uint32_t>(*logprobs);
  request.prompt_logprobs = job.echo && request.logprobs;
  if (request.prompt_logprobs && job.stream)
    throw invalid_request("'echo' with 'logprobs' cannot be streamed", "stream", "unsupported");

  const int64_t n = fields.integer("n", 1, kMostChoices).value_or(1);
  if (fields.integer("best_of", 1, kMostChoices).value_or(n) != n)
    throw invalid_request("'best_of' must be the same as 'n'", "best_of", "unsupported");
  if (static_cast<int64_t>(prompts.size()) * n > kMostChoices)
    throw invalid_request("'n' times the prompts must be at most " + std::to_string(kMostChoices), "n",
                          "invalid_value");
  for (Prompt& prompt : prompts) {
    request.prompt = std::move(prompt);
    add_choices(request, n, job.requests);
  }
  job.reply =
      make_completion_reply(std::move(heading), static_cast<uint32_t>(job.requests.size()), static_cast<uint32_t>(n),
                            {.logprobs = request.logprobs.has_value(), .include_usage = include_usage});
  for (std::string& name : fields.ignored()) job.ignored.push_back(std::move(name));
  return job;
}

}  // namespace hearth::serve
