// Putting turns, tools and variables together.
#include "tools/serve/conversation.h"

#include <algorithm>

#include "tools/serve/api_error.h"

namespace hearth::serve {
namespace {

void append_text(Json& message, const char* name, const std::string& text) {
  std::string joined = message.value(name, "");
  if (!joined.empty() && !text.empty()) joined += "\n\n";
  message[name] = joined + text;
}

}  // namespace

Json& Turns::turn(const char* role) {
  if (messages_.empty() || messages_.back()["role"] != role) messages_.push_back({{"role", role}, {"content", ""}});
  return messages_.back();
}

void Turns::system(const std::string& text) {
  if (!text.empty()) append_text(turn("system"), "content", text);
}

void Turns::user(const std::string& text) { append_text(turn("user"), "content", text); }

void Turns::assistant(const std::string& text) { append_text(turn("assistant"), "content", text); }

void Turns::reasoning(const std::string& text) {
  if (!text.empty()) append_text(turn("assistant"), "reasoning_content", text);
}

void Turns::call(const std::string& id, const std::string& name, const std::string& arguments) {
  names_[id] = name;
  Json& message = turn("assistant");
  if (!message.contains("tool_calls")) message["tool_calls"] = Json::array();
  message["tool_calls"].push_back(
      {{"id", id}, {"type", "function"}, {"function", {{"name", name}, {"arguments", read_arguments(arguments)}}}});
}

void Turns::result(const std::string& id, const std::string& text) {
  Json message = {{"role", "tool"}, {"tool_call_id", id}};
  if (const auto name = names_.find(id); name != names_.end()) message["name"] = name->second;
  message["content"] = text;
  messages_.push_back(std::move(message));
}

Json Turns::take(const std::string& path) {
  if (messages_.empty()) throw invalid_request("'" + path + "' says nothing", path, "invalid_value");
  return std::exchange(messages_, Json::array());
}

std::optional<Json> whole_arguments(const ToolCall& call) {
  Json arguments = call.arguments.empty() ? Json() : read_arguments(call.arguments);
  return arguments.is_object() ? std::optional(std::move(arguments)) : std::nullopt;
}

Json read_arguments(const std::string& arguments) {
  try {
    return arguments.empty() ? Json::object() : parse_object(arguments);
  } catch (const ApiError&) {
    return arguments;
  }
}

void ToolList::add(const std::string& tool, const std::string& description, const Json& parameters) {
  Json function = {{"name", tool}};
  if (!description.empty()) function["description"] = description;
  function["parameters"] =
      parameters.is_object() ? parameters : Json{{"type", "object"}, {"properties", Json::object()}};
  tools.push_back({{"type", "function"}, {"function", std::move(function)}});
}

bool ToolList::contains(const std::string& tool) const {
  return std::ranges::any_of(tools, [&](const Json& one) { return one["function"]["name"] == tool; });
}

void ToolList::keep(const std::set<std::string>& names) {
  Json kept = Json::array();
  for (Json& one : tools)
    if (names.contains(one["function"]["name"].get<std::string>())) kept.push_back(std::move(one));
  tools = std::move(kept);
}

void set_tools(ToolList list, const std::string& path, Json& conversation, Request& request) {
  if (list.use == ToolUse::required && list.tools.empty())
    throw invalid_request("'" + path + "' wants a call, but there are no tools", path, "invalid_value");
  if (!list.name.empty() && !list.contains(list.name))
    throw invalid_request(
        "'" + path + "' names the tool '" + list.name.substr(0, 64) + "', which is not among the tools", path,
        "invalid_value");
  request.parallel_calls = list.parallel;
  if (list.tools.empty()) return;
  request.tool_use = list.use;
  request.tool = std::move(list.name);
  conversation["tools"] = std::move(list.tools);
}

void set_thinking(Json& extra, bool wanted) {
  extra["enable_thinking"] = wanted;
  extra["thinking"] = wanted;
}

void set_effort(Json& extra, const std::string& effort) {
  extra["reasoning_effort"] = effort;
  if (effort == "none") set_thinking(extra, false);
}

Conversation finish_conversation(Json conversation, Json extra) {
  if (!extra.empty()) conversation["extra"] = std::move(extra);
  return {to_text(conversation)};
}

}  // namespace hearth::serve
