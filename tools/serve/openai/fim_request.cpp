// From a prompt and a suffix to a gap; answered in the shape of a chat.
#include "tools/serve/openai/fim_request.h"

#include "tools/serve/openai/chat_reply.h"
#include "tools/serve/sampling_fields.h"

namespace hearth::serve {

Job read_fim_request(const Json& body, Heading heading) {
  Fields fields(body);
  Job job;
  job.model = heading.model = fields.text("model").value_or(heading.model);
  job.stream = fields.boolean("stream", false);
  const bool include_usage = read_include_usage(fields, job.ignored);
  Request request;
  request.prompt = Infill{fields.required_text("prompt"), fields.text("suffix").value_or(""), {}, ""};
  read_sampling(fields, request);
  if (const auto seed = fields.integer("random_seed", 0, INT64_MAX))
    request.sampling.seed = static_cast<uint64_t>(*seed);
  if (const auto most = fields.integer("max_tokens", 0, UINT32_MAX)) request.max_tokens = static_cast<uint32_t>(*most);
  job.requests.push_back(std::move(request));
  job.reply = make_chat_reply(std::move(heading), 1, {.include_usage = include_usage, .prompt_field = "prompt"});
  for (std::string& name : fields.ignored()) job.ignored.push_back(std::move(name));
  return job;
}

}  // namespace hearth::serve
