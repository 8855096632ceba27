// Messages, tools and limits.
#include "tools/serve/hop_request.h"

namespace hearth::serve {
namespace {

// Arguments are objects for templates, and texts on the wire.
Json wire_message(Json message) {
  if (message["role"] == "tool") message.erase("name");
  const auto calls = message.find("tool_calls");
  if (calls == message.end()) return message;
  for (Json& call : *calls) {
    Json& arguments = call["function"]["arguments"];
    if (!arguments.is_string()) arguments = to_text(arguments);
  }
  if (message["content"] == "") message["content"] = nullptr;
  return message;
}

void add_tools(const Json& conversation, const Request& request, Json& body) {
  const auto tools = conversation.find("tools");
  if (tools == conversation.end() || tools->empty()) return;
  body["tools"] = *tools;
  if (request.tool_use == ToolUse::none) body["tool_choice"] = "none";
  if (request.tool_use == ToolUse::required)
    body["tool_choice"] =
        request.tool.empty() ? Json("required") : Json{{"type", "function"}, {"function", {{"name", request.tool}}}};
  if (!request.parallel_calls) body["parallel_tool_calls"] = false;
}

void add_format(const Request& request, Json& body) {
  const auto* schema = std::get_if<JsonSchema>(&request.constraint);
  if (schema == nullptr) return;
  body["response_format"] = {{"type", "json_schema"},
                             {"json_schema", {{"name", "answer"}, {"schema", Json::parse(schema->json)}}}};
}

}  // namespace

Json chat_body(const Job& job) {
  const Request& request = job.requests.front();
  const auto* conversation = std::get_if<Conversation>(&request.prompt);
  if (conversation == nullptr) return {};
  const Json parsed = Json::parse(conversation->json);
  Json body = {
      {"model", ""}, {"messages", Json::array()}, {"stream", true}, {"stream_options", {{"include_usage", true}}}};
  for (const Json& message : parsed["messages"]) body["messages"].push_back(wire_message(message));
  if (const auto prefill = parsed.find("prefill"); prefill != parsed.end())
    body["messages"].push_back({{"role", "assistant"}, {"content", *prefill}});
  add_tools(parsed, request, body);
  add_format(request, body);
  if (request.max_tokens != UINT32_MAX) body["max_tokens"] = request.max_tokens;
  if (!request.stop.empty()) body["stop"] = request.stop;
  const Sampling usual;
  if (request.sampling.temperature != usual.temperature) body["temperature"] = request.sampling.temperature;
  if (request.sampling.top_p != usual.top_p) body["top_p"] = request.sampling.top_p;
  if (request.sampling.seed) body["seed"] = *request.sampling.seed;
  return body;
}

}  // namespace hearth::serve
