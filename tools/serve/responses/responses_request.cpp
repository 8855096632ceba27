// From items and fields to a request for an engine.
#include "tools/serve/responses/responses_request.h"

#include <cmath>

#include "tools/serve/constraint_fields.h"
#include "tools/serve/openai/tool_fields.h"
#include "tools/serve/responses/input_items.h"
#include "tools/serve/responses/responses_reply.h"
#include "tools/serve/sampling_fields.h"

namespace hearth::serve {
namespace {

constexpr const char* kSchemaField = "text.format.schema";

// The name that the model knows of a tool that a choice names.
std::string chosen_name(Fields& choice) {
  const std::string type = choice.text("type").value_or("function");
  if (type != "function" && type != "custom") return type;
  return ToolMap::told_name(choice.text("namespace").value_or(""), choice.required_text("name"));
}

void read_tool_choice(const Json& value, ToolList& list) {
  if (value.is_string()) return read_tool_mode(value.get<std::string>(), "tool_choice", list);
  Fields choice(value, "tool_choice");
  if (choice.text("type").value_or("") != "allowed_tools") {
    list.use = ToolUse::required;
    list.name = chosen_name(choice);
    return;
  }
  read_tool_mode(choice.text("mode").value_or("auto"), "tool_choice.mode", list);
  const Json& tools = choice.required("tools");
  if (!tools.is_array()) refuse("tool_choice.tools", "an array");
  std::set<std::string> names;
  for (size_t i = 0; i < tools.size(); ++i) {
    Fields tool(tools[i], "tool_choice.tools[" + std::to_string(i) + "]");
    names.insert(chosen_name(tool));
  }
  list.keep(names);
}

Constraint read_text_format(Fields& fields) {
  const Json* text = fields.find("text");
  if (text == nullptr) return {};
  const Json* format = Fields(*text, "text").find("format");
  if (format == nullptr) return {};
  Fields inside(*format, "text.format");
  const std::string type = inside.text("type").value_or("");
  if (type == "text") return {};
  if (type == "json_object") return any_object();
  if (type != "json_schema") refuse("text.format.type", "text, json_object or json_schema");
  return read_schema(inside.required("schema"), kSchemaField);
}

// The fields that a response repeats.
Json read_repeated(const Json& body) {
  const Sampling usual;
  // 0.8, not the float's 0.800000011920929
  const auto as_written = [](float value) { return std::round(double{value} * 1000) / 1000; };
  Json repeated = Json::object();
  for (const auto& [name, otherwise] :
       std::initializer_list<std::pair<const char*, Json>>{{"instructions", nullptr},
                                                           {"max_output_tokens", nullptr},
                                                           {"metadata", Json::object()},
                                                           {"parallel_tool_calls", true},
                                                           {"previous_response_id", nullptr},
                                                           {"reasoning", {{"effort", nullptr}, {"summary", nullptr}}},
                                                           {"store", true},
                                                           {"temperature", as_written(usual.temperature)},
                                                           {"text", {{"format", {{"type", "text"}}}}},
                                                           {"tool_choice", "auto"},
                                                           {"top_p", as_written(usual.top_p)},
                                                           {"truncation", "disabled"}}) {
    const auto given = body.find(name);
    repeated[name] = given == body.end() || given->is_null() ? otherwise : *given;
  }
  repeated["tools"] = Json::array();  // they are long, and no client reads them
  return repeated;
}

}  // namespace

Job read_responses_request(const Json& body, Heading heading, ResponseStore& store) {
  Fields fields(body);
  Job job;
  job.model = heading.model = fields.text("model").value_or(heading.model);
  job.stream = fields.boolean("stream", false);
  if (fields.boolean("background", false))
    throw invalid_request("'background' is not supported: answers come at once", "background", "unsupported");
  const auto previous = fields.text("previous_response_id");
  const Json& input = fields.required("input");
  Json items = gather_items(input, previous, store);

  ToolMap tools;
  Turns turns;
  if (const auto instructions = fields.text("instructions")) turns.system(*instructions);
  if (const Json* given = fields.find("tools")) tools.add(*given, "tools");
  read_items(items, input.is_array() ? input.size() : 1, turns, tools, job.ignored);
  tools.list().parallel = fields.boolean("parallel_tool_calls", true);
  if (const Json* choice = fields.find("tool_choice")) read_tool_choice(*choice, tools.list());
  warn_of_types(tools.left_out(), job.warnings);

  Request request;
  Json conversation = {{"messages", turns.take("input")}}, extra = Json::object();
  set_tools(tools.list(), "tool_choice", conversation, request);
  if (const Json* reasoning = fields.find("reasoning"))
    if (const auto effort = Fields(*reasoning, "reasoning").text("effort")) set_effort(extra, *effort);
  request.prompt = finish_conversation(std::move(conversation), std::move(extra));
  request.constraint = read_text_format(fields);
  job.constraint_field = kSchemaField;
  read_drawing(fields, request.sampling);
  read_adapters(fields, request);
  if (const auto most = fields.integer("max_output_tokens", 1, UINT32_MAX))
    request.max_tokens = static_cast<uint32_t>(*most);
  job.requests.push_back(std::move(request));

  ResponsesReplyOptions options{std::move(tools), read_repeated(body), {}};
  if (fields.boolean("store", true))
    options.keep = [&store, items = std::move(items)](const Json& response) { store.keep(response, items); };
  job.reply = make_responses_reply(std::move(heading), std::move(options));
  for (const char* known : {"metadata", "truncation"}) fields.find(known);
  for (std::string& name : fields.ignored()) job.ignored.push_back(std::move(name));
  return job;
}

}  // namespace hearth::serve
