// From Ollama's messages, prompts and options to requests for an engine.
#include "tools/serve/ollama/ollama_request.h"

#include <charconv>
#include <cmath>
#include <deque>

#include "tools/serve/constraint_fields.h"
#include "tools/serve/conversation.h"
#include "tools/serve/ollama/ollama_reply.h"
#include "tools/serve/openai/tool_fields.h"
#include "tools/serve/raw_prompt.h"
#include "tools/serve/sampling_fields.h"

namespace hearth::serve {
namespace {

void refuse_images(Fields& fields) {
  const Json* images = fields.find("images");
  if (images != nullptr && !(images->is_array() && images->empty()))
    throw invalid_request("'" + fields.path_of("images") + "' cannot be read; only text is supported",
                          fields.path_of("images"), "unsupported_content");
}

// Calls have no ids here: results belong to calls in their order.
class OllamaMessages {
 public:
  void read(Fields& message) {
    const std::string role = message.text("role").value_or("");
    const std::string content = message.text("content").value_or("");
    refuse_images(message);
    if (role == "system") {
      turns_.system(content);
    } else if (role == "user") {
      turns_.user(content);
    } else if (role == "tool") {
      turns_.result(next_id(message), content);
    } else if (role == "assistant") {
      turns_.reasoning(message.text("thinking").value_or(""));
      turns_.assistant(content);
      if (const Json* calls = message.find("tool_calls")) read_calls_of(*calls, message.path_of("tool_calls"));
    } else {
      refuse(message.path_of("role"), "system, user, assistant or tool");
    }
  }

  Json take() { return turns_.take("messages"); }

 private:
  void read_calls_of(const Json& calls, const std::string& path) {
    if (!calls.is_array()) refuse(path, "an array");
    for (size_t i = 0; i < calls.size(); ++i) {
      Fields call(calls[i], path + "[" + std::to_string(i) + "]");
      Fields function(call.required("function"), call.path_of("function"));
      const Json* arguments = function.find("arguments");
      const std::string id = call.text("id").value_or("call_" + std::to_string(calls_++));
      turns_.call(id, function.required_text("name"),
                  arguments == nullptr     ? ""
                  : arguments->is_string() ? arguments->get<std::string>()
                                           : to_text(*arguments));
      waiting_.push_back(id);
    }
  }

  std::string next_id(Fields& message) {
    message.find("tool_name");
    const auto given = message.text("tool_call_id");
    if (given) return *given;
    if (waiting_.empty()) return "call";
    const std::string id = waiting_.front();
    waiting_.pop_front();
    return id;
  }

  Turns turns_;
  size_t calls_ = 0;
  std::deque<std::string> waiting_;  // ids of calls without a result
};

void read_options(Fields& fields, Request& request, std::vector<std::string>& ignored) {
  const Json* given = fields.find("options");
  if (given == nullptr) return;
  Fields options(*given, "options");
  read_sampling(options, request);
  if (request.sampling.seed == UINT64_MAX) request.sampling.seed.reset();  // -1: a random one
  const auto most = options.integer("num_predict", -2, UINT32_MAX);
  if (most && *most >= 0) request.max_tokens = static_cast<uint32_t>(*most);
  const auto window = options.integer("repeat_last_n", -1, INT32_MAX);
  if (window) request.sampling.penalty_window = *window < 0 ? UINT32_MAX : static_cast<uint32_t>(*window);
  for (std::string& name : options.ignored()) ignored.push_back(std::move(name));
}

void read_format(Fields& fields, Request& request, Job& job) {
  const Json* format = fields.find("format");
  if (format == nullptr || *format == "") return;
  if (*format == "json")
    request.constraint = any_object();
  else if (format->is_object())
    request.constraint = read_schema(*format, "format");
  else
    refuse("format", "\"json\" or a JSON Schema");
  job.constraint_field = "format";
}

Json read_think(Fields& fields) {
  Json extra = Json::object();
  const Json* think = fields.find("think");
  if (think == nullptr) return extra;
  if (think->is_boolean())
    set_thinking(extra, think->get<bool>());
  else if (think->is_string())
    set_effort(extra, think->get<std::string>());
  else
    refuse("think", "true, false or an effort");
  return extra;
}

Job begin_job(Fields& fields, Heading& heading) {
  Job job;
  job.model = heading.model = read_ollama_model(fields, heading.model);
  job.stream = fields.boolean("stream", true);
  job.keep_alive = read_keep_alive(fields);
  return job;
}

bool unloads(const Job& job) { return job.keep_alive && job.keep_alive->count() == 0; }

void end_job(Fields& fields, Job& job) {
  for (std::string& name : fields.ignored()) job.ignored.push_back(std::move(name));
}

}  // namespace

std::string read_ollama_model(Fields& fields, const std::string& otherwise) {
  auto name = fields.text("model");
  if (!name) name = fields.text("name");
  constexpr std::string_view kLatest = ":latest";
  if (name && name->ends_with(kLatest)) name->resize(name->size() - kLatest.size());
  return name.value_or(otherwise);
}

std::optional<std::chrono::seconds> read_keep_alive(Fields& fields) {
  const Json* value = fields.find("keep_alive");
  if (value == nullptr) return std::nullopt;
  constexpr double kMost = 1e9;
  double seconds = NAN;
  if (value->is_number()) {
    seconds = value->get<double>();
  } else if (value->is_string()) {
    const std::string text = value->get<std::string>();
    const char* at = text.data();
    const char* const end = at + text.size();
    const double sign = at != end && *at == '-' ? -1 : 1;
    if (sign < 0) ++at;
    for (seconds = at == end ? NAN : 0; at != end && seconds == seconds;) {
      double number = 0;
      const auto [rest, error] = std::from_chars(at, end, number);
      const auto unit = std::string_view(rest, static_cast<size_t>(end - rest));
      const double factor = unit.starts_with("ms")  ? 1e-3
                            : unit.starts_with('s') ? 1
                            : unit.starts_with('m') ? 60
                            : unit.starts_with('h') ? 3600
                            : unit.empty()          ? 1
                                                    : NAN;
      seconds = error == std::errc() && rest != at ? seconds + number * factor : NAN;
      at = rest + (unit.empty() ? 0 : unit.starts_with("ms") ? 2 : 1);
    }
    seconds *= sign;
  }
  if (!(std::abs(seconds) <= kMost)) refuse("keep_alive", "seconds or a duration, as \"5m\"");
  return std::chrono::seconds(seconds < 0 ? -1 : static_cast<int64_t>(std::ceil(seconds)));
}

Job read_ollama_chat(const Json& body, Heading heading) {
  Fields fields(body);
  Job job = begin_job(fields, heading);
  Request request;
  Json conversation;
  const ToolList tools = read_tools(fields, job.warnings);
  Json extra = read_think(fields);
  read_format(fields, request, job);
  read_options(fields, request, job.ignored);
  const Json* messages = fields.find("messages");
  if (messages != nullptr && !messages->is_array()) refuse("messages", "an array");
  if (messages != nullptr && !messages->empty()) {
    OllamaMessages reader;
    for (size_t i = 0; i < messages->size(); ++i) {
      Fields message((*messages)[i], "messages[" + std::to_string(i) + "]");
      reader.read(message);
    }
    conversation["messages"] = reader.take();
    set_tools(tools, "tool_choice", conversation, request);
    request.prompt = finish_conversation(std::move(conversation), std::move(extra));
    job.requests.push_back(std::move(request));
  }
  job.reply = make_ollama_reply(std::move(heading), OllamaKind::chat, unloads(job));
  end_job(fields, job);
  return job;
}

Job read_ollama_generate(const Json& body, Heading heading) {
  Fields fields(body);
  Job job = begin_job(fields, heading);
  refuse_images(fields);
  Request request;
  Json extra = read_think(fields);
  read_format(fields, request, job);
  read_options(fields, request, job.ignored);
  const std::string prompt = fields.text("prompt").value_or(""), suffix = fields.text("suffix").value_or("");
  const std::string system = fields.text("system").value_or("");
  const bool raw = fields.boolean("raw", false);
  if (!suffix.empty()) {
    request.prompt = Infill{prompt, suffix, {}, ""};
  } else if (raw) {
    request.prompt = prompt;
    job.prepare = read_raw_prompts;
  } else {
    Turns turns;
    turns.system(system);
    turns.user(prompt);
    request.prompt = finish_conversation({{"messages", turns.take("prompt")}}, std::move(extra));
    job.prepare = [text = system.empty() ? prompt : system + "\n\n" + prompt](const Engine& engine, Job& loaded) {
      if (!engine.info().has_chat_template && !loaded.requests.empty()) loaded.requests.front().prompt = text;
    };
  }
  if (!prompt.empty() || !suffix.empty()) job.requests.push_back(std::move(request));
  job.reply = make_ollama_reply(std::move(heading), OllamaKind::generate, unloads(job));
  end_job(fields, job);
  return job;
}

}  // namespace hearth::serve
