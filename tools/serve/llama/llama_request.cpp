// From a gap or a prompt to a request for an engine.
#include "tools/serve/llama/llama_request.h"

#include "tools/serve/constraint_fields.h"
#include "tools/serve/llama/llama_reply.h"
#include "tools/serve/raw_prompt.h"
#include "tools/serve/sampling_fields.h"

namespace hearth::serve {
namespace {

constexpr size_t kTokensAroundFile = 8;  // that say where a file begins

std::vector<std::string> read_response_fields(Fields& fields) {
  std::vector<std::string> paths;
  const Json* given = fields.find("response_fields");
  if (given == nullptr) return paths;
  if (!given->is_array()) refuse("response_fields", "an array of strings");
  for (const Json& path : *given) {
    if (!path.is_string()) refuse("response_fields", "an array of strings");
    paths.push_back(path.get<std::string>());
  }
  return paths;
}

Job read_common(Fields& fields, Request request, Heading heading, const char* prompt_field) {
  Job job;
  job.model = heading.model = fields.text("model").value_or(heading.model);
  job.stream = fields.boolean("stream", false);
  read_sampling(fields, request);
  if (request.sampling.seed == UINT64_MAX) request.sampling.seed.reset();  // -1: a random one
  const auto window = fields.integer("repeat_last_n", -1, INT32_MAX);
  if (window) request.sampling.penalty_window = *window < 0 ? UINT32_MAX : static_cast<uint32_t>(*window);
  for (const char* name : {"max_tokens", "n_predict"})
    if (const auto most = fields.integer(name, -2, UINT32_MAX); most && *most >= 0)
      request.max_tokens = static_cast<uint32_t>(*most);
  request.constraint = read_constraint(fields, job.constraint_field);
  job.requests.push_back(std::move(request));
  job.reply = make_llama_reply(std::move(heading), read_response_fields(fields), prompt_field);
  job.most_time = std::chrono::milliseconds(fields.integer("t_max_predict_ms", -1, INT32_MAX).value_or(0));
  fields.find("cache_prompt");  // it always is
  return job;
}

std::vector<std::pair<std::string, std::string>> read_extra(Fields& fields) {
  std::vector<std::pair<std::string, std::string>> files;
  const Json* extra = fields.find("input_extra");
  if (extra == nullptr) return files;
  if (!extra->is_array()) refuse("input_extra", "an array of objects");
  for (size_t i = 0; i < extra->size(); ++i) {
    Fields file((*extra)[i], "input_extra[" + std::to_string(i) + "]");
    files.emplace_back(file.text("filename").value_or("tmp"), file.text("text").value_or(""));
  }
  return files;
}

// Other files help, but the gap must fit: those that came first are left out where not all do.
void fit_files(const Engine& engine, Job& job) {
  Request& request = job.requests.front();
  auto& files = std::get<Infill>(request.prompt).files;
  if (files.empty() || !engine.info().has_infill) return;
  const auto all = std::exchange(files, {});
  const uint32_t most = engine.info().context;
  const uint64_t context = request.context == 0 ? most : std::min(request.context, most);
  uint64_t used =
      engine.prompt_tokens(request).size() + kTokensAroundFile + std::min<uint64_t>(request.max_tokens, 256);
  auto first = all.end();
  while (first != all.begin()) {
    const auto& [name, text] = *std::prev(first);
    used += engine.tokenize(name).size() + engine.tokenize(text).size() + kTokensAroundFile;
    if (used >= context) break;
    --first;
  }
  files.assign(first, all.end());
  if (first != all.begin())
    job.warnings.push_back("left out: " + std::to_string(first - all.begin()) +
                           " of the files of input_extra, for want of context");
}

}  // namespace

Job read_infill_request(const Json& body, Heading heading) {
  Fields fields(body);
  Request request;
  // The prompt is the line that the cursor stands in, up to it.
  request.prompt =
      Infill{fields.text("input_prefix").value_or("") + fields.text("prompt").value_or(""),
             fields.text("input_suffix").value_or(""), read_extra(fields), fields.text("filename").value_or("")};
  Job job = read_common(fields, std::move(request), std::move(heading), "input_prefix");
  job.prepare = fit_files;
  job.ignored = fields.ignored();
  return job;
}

Job read_llama_completion(const Json& body, Heading heading) {
  Fields fields(body);
  Request request;
  const Json& prompt = fields.required("prompt");
  if (prompt.is_array() && !prompt.empty()) {
    std::vector<int32_t> ids;
    for (const Json& id : prompt) ids.push_back(static_cast<int32_t>(read_integer(id, "prompt", 0, INT32_MAX)));
    request.prompt = std::move(ids);
  } else if (prompt.is_string()) {
    request.prompt = prompt.get<std::string>();
  } else {
    refuse("prompt", "a string or an array of token ids");
  }
  Job job = read_common(fields, std::move(request), std::move(heading), "prompt");
  job.prepare = read_raw_prompts;
  job.ignored = fields.ignored();
  return job;
}

}  // namespace hearth::serve
