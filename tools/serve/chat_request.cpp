// From messages and fields to requests for an engine.
#include "tools/serve/chat_request.h"

#include <algorithm>
#include <array>

#include "tools/serve/chat_reply.h"
#include "tools/serve/sampling_fields.h"

namespace hearth::serve {
namespace {

constexpr std::array kRoles = {"system", "developer", "user", "assistant", "tool", "function"};

// The text of `content`: a string, or parts of which only texts are understood.
std::string joined_text(const Json& content, const std::string& path) {
  if (content.is_string()) return content.get<std::string>();
  if (!content.is_array())
    throw invalid_request("'" + path + "' must be a string or an array of parts", path, "invalid_value");
  std::string text;
  for (size_t i = 0; i < content.size(); ++i) {
    const std::string at = path + "[" + std::to_string(i) + "]";
    Fields part(content[i], at);
    const std::string type = part.text("type").value_or("");
    if (type != "text" && type != "refusal")
      throw invalid_request("'" + at + "' is a part of type '" + type.substr(0, 32) + "'; only text is supported", at,
                            "unsupported_content");
    text += part.text(type.c_str()).value_or("");
  }
  return text;
}

Json read_message(const Json& message, const std::string& path) {
  Fields fields(message, path);
  const std::string role = fields.text("role").value_or("");
  if (std::ranges::find(kRoles, role) == kRoles.end())
    throw invalid_request("'" + path + ".role' must be system, developer, user, assistant or tool", path + ".role",
                          "invalid_value");
  const Json* content = fields.find("content");
  if (content == nullptr && role != "assistant")
    throw invalid_request("'" + path + ".content' is missing", path + ".content", "missing_required_parameter");
  Json read = message;
  read["role"] = role == "developer" ? "system" : role;
  read["content"] = content == nullptr ? "" : joined_text(*content, path + ".content");
  return read;
}

// What the template gets: messages, tools, and the variables that the client sets for it.
Conversation read_conversation(Fields& fields) {
  const Json* messages = fields.find("messages");
  if (messages == nullptr) throw invalid_request("'messages' is missing", "messages", "missing_required_parameter");
  Json conversation = {{"messages", read_messages(*messages)}};
  const Json* tools = fields.find("tools");
  if (tools != nullptr && !tools->is_array())
    throw invalid_request("'tools' must be an array", "tools", "invalid_value");
  const Json* choice = fields.find("tool_choice");
  const bool forbidden = choice != nullptr && *choice == "none";
  if (tools != nullptr && !tools->empty() && !forbidden) conversation["tools"] = *tools;
  if (const Json* variables = fields.find("chat_template_kwargs")) {
    if (!variables->is_object())
      throw invalid_request("'chat_template_kwargs' must be an object", "chat_template_kwargs", "invalid_value");
    conversation["extra"] = *variables;
  }
  return {to_text(conversation)};
}

void require_text_format(Fields& fields) {
  const Json* format = fields.find("response_format");
  if (format == nullptr) return;
  Fields inside(*format, "response_format");
  const std::string type = inside.text("type").value_or("");
  if (type != "text")
    throw invalid_request("'response_format' of type '" + type.substr(0, 32) + "' is not supported; only 'text' is",
                          "response_format", "unsupported");
}

std::optional<uint32_t> read_logprobs(Fields& fields) {
  const bool wanted = fields.boolean("logprobs", false);
  const auto top = fields.integer("top_logprobs", 0, kMostTopLogprobs);
  if (top && !wanted)
    throw invalid_request("'top_logprobs' needs 'logprobs' to be true", "top_logprobs", "invalid_value");
  if (!wanted) return std::nullopt;
  return static_cast<uint32_t>(top.value_or(0));
}

}  // namespace

Json read_messages(const Json& messages) {
  if (!messages.is_array() || messages.empty())
    throw invalid_request("'messages' must be an array that is not empty", "messages", "invalid_value");
  Json read = Json::array();
  for (size_t i = 0; i < messages.size(); ++i)
    read.push_back(read_message(messages[i], "messages[" + std::to_string(i) + "]"));
  return read;
}

Job read_chat_request(const Json& body, Heading heading) {
  Fields fields(body);
  Job job;
  job.model = heading.model = fields.text("model").value_or(heading.model);
  job.stream = fields.boolean("stream", false);
  const bool include_usage = read_include_usage(fields, job.ignored);
  Request request;
  request.prompt = read_conversation(fields);
  read_sampling(fields, request);
  require_text_format(fields);
  for (const char* name : {"max_tokens", "max_completion_tokens"})
    if (const auto most = fields.integer(name, 1, UINT32_MAX)) request.max_tokens = static_cast<uint32_t>(*most);
  request.logprobs = read_logprobs(fields);
  const int64_t n = fields.integer("n", 1, kMostChoices).value_or(1);
  add_choices(request, n, job.requests);
  job.reply = make_chat_reply(std::move(heading), static_cast<uint32_t>(n),
                              {.logprobs = request.logprobs.has_value(), .include_usage = include_usage});
  // Only the model decides so far whether it calls a tool.
  if (const Json* choice = fields.find("tool_choice"); choice != nullptr && *choice != "none" && *choice != "auto")
    job.ignored.emplace_back("tool_choice");
  for (std::string& name : fields.ignored()) job.ignored.push_back(std::move(name));
  return job;
}

}  // namespace hearth::serve
