// From messages and fields to requests for an engine.
#include "tools/serve/openai/chat_request.h"

#include <algorithm>
#include <array>

#include "tools/serve/constraint_fields.h"
#include "tools/serve/conversation.h"
#include "tools/serve/openai/chat_reply.h"
#include "tools/serve/openai/tool_fields.h"
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

// Calls that the assistant made, with arguments as templates want them; their names by their ids are kept for results.
Json read_calls(const Json& calls, const std::string& path, std::map<std::string, std::string>& names) {
  if (!calls.is_array()) refuse(path, "an array");
  Json read = calls;
  for (size_t i = 0; i < calls.size(); ++i) {
    Fields call(calls[i], path + "[" + std::to_string(i) + "]");
    Fields inside(call.required("function"), call.path_of("function"));
    const std::string name = inside.required_text("name");
    if (const auto id = call.text("id")) names[*id] = name;
    const Json* arguments = inside.find("arguments");
    Json& to = read[i]["function"]["arguments"];
    if (arguments == nullptr)
      to = Json::object();
    else if (arguments->is_string())
      to = read_arguments(arguments->get<std::string>());
    else if (!arguments->is_object())
      refuse(inside.path_of("arguments"), "a string");
  }
  return read;
}

class MessageReader {
 public:
  Json read(const Json& message, const std::string& path) {
    Fields fields(message, path);
    const std::string role = fields.text("role").value_or("");
    if (std::ranges::find(kRoles, role) == kRoles.end())
      throw invalid_request("'" + path + ".role' must be system, developer, user, assistant or tool", path + ".role",
                            "invalid_value");
    const Json* content = fields.find("content");
    if (content == nullptr && role != "assistant")
      throw invalid_request("'" + path + ".content' is missing", path + ".content", "missing_required_parameter");
    Json read = message;
    read["role"] = role == "developer" ? "system" : role == "function" ? "tool" : role;
    read["content"] = content == nullptr ? "" : joined_text(*content, path + ".content");
    if (role == "assistant") read_answer(fields, read);
    if (role == "tool" && fields.find("name") == nullptr) name_tool(fields.text("tool_call_id").value_or(""), read);
    return read;
  }

 private:
  void read_answer(Fields& fields, Json& read) {
    if (const Json* calls = fields.find("tool_calls")) {
      read["tool_calls"] = read_calls(*calls, fields.path_of("tool_calls"), names_);
      if (calls->empty()) read.erase("tool_calls");
    }
    // Some servers and clients call it so.
    const auto reasoning = fields.text("reasoning");
    if (reasoning && !fields.text("reasoning_content")) read["reasoning_content"] = *reasoning;
  }

  void name_tool(const std::string& id, Json& read) const {
    if (const auto name = names_.find(id); name != names_.end()) read["name"] = name->second;
  }

  std::map<std::string, std::string> names_;  // of tools, by the ids of their calls
};

// What the template gets: messages, tools, and the variables that the client sets for it.
void read_conversation(Fields& fields, Request& request, std::vector<std::string>& warnings) {
  Json conversation = {{"messages", read_messages(fields.required("messages"))}};
  set_tools(read_tools(fields, warnings), "tool_choice", conversation, request);
  request.prompt = finish_conversation(std::move(conversation), read_template_variables(fields));
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
  MessageReader reader;
  for (size_t i = 0; i < messages.size(); ++i)
    read.push_back(reader.read(messages[i], "messages[" + std::to_string(i) + "]"));
  return read;
}

Json read_template_variables(Fields& fields) {
  Json extra = Json::object();
  if (const auto effort = fields.text("reasoning_effort")) set_effort(extra, *effort);
  if (fields.find("enable_thinking") != nullptr) set_thinking(extra, fields.boolean("enable_thinking", true));
  if (const Json* variables = fields.find("chat_template_kwargs")) {
    if (!variables->is_object()) refuse("chat_template_kwargs", "an object");
    for (const char* own : {"messages", "tools", "documents", "add_generation_prompt"})
      if (variables->contains(own))
        throw invalid_request("'chat_template_kwargs' must not hold '" + std::string(own) + "'", "chat_template_kwargs",
                              "invalid_value");
    extra.update(*variables);
  }
  return extra;
}

Job read_chat_request(const Json& body, Heading heading) {
  Fields fields(body);
  Job job;
  job.model = heading.model = fields.text("model").value_or(heading.model);
  job.stream = fields.boolean("stream", false);
  const bool include_usage = read_include_usage(fields, job.ignored);
  Request request;
  read_conversation(fields, request, job.warnings);
  read_sampling(fields, request);
  request.constraint = read_constraint(fields, job.constraint_field);
  for (const char* name : {"max_tokens", "max_completion_tokens"})
    if (const auto most = fields.integer(name, 1, UINT32_MAX)) request.max_tokens = static_cast<uint32_t>(*most);
  request.logprobs = read_logprobs(fields);
  const int64_t n = fields.integer("n", 1, kMostChoices).value_or(1);
  add_choices(request, n, job.requests);
  job.reply = make_chat_reply(std::move(heading), static_cast<uint32_t>(n),
                              {.logprobs = request.logprobs.has_value(), .include_usage = include_usage});
  for (std::string& name : fields.ignored()) job.ignored.push_back(std::move(name));
  return job;
}

}  // namespace hearth::serve
