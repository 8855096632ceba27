// Tools to functions, and calls back to items.
#include "tools/serve/responses/tool_map.h"

#include "tools/serve/openai/tool_fields.h"

namespace hearth::serve {
namespace {

constexpr const char* kFreeText =
    R"({"type":"object","properties":{"input":{"type":"string"}},"required":["input"],"additionalProperties":false})";
constexpr const char* kShell =
    R"({"type":"object","properties":{"command":{"type":"array","items":{"type":"string"}},)"
    R"("workdir":{"type":"string"},"timeout_ms":{"type":"integer"}},"required":["command"],"additionalProperties":false})";

// A grammar cannot bind the text inside a JSON string here, but the model can read it.
std::string free_text_description(Fields& tool) {
  std::string text = tool.text("description").value_or("");
  const Json* format = tool.find("format");
  if (format == nullptr) return text;
  Fields inside(*format, tool.path_of("format"));
  const auto definition = inside.text("definition");
  if (definition)
    text += "\n\nThe input follows this grammar (" + inside.text("syntax").value_or("lark") + "):\n" + *definition;
  return text;
}

Json shell_action(const Json& arguments) {
  Json action = {{"type", "exec"},
                 {"command", arguments.value("command", Json::array())},
                 {"env", Json::object()},
                 {"working_directory", arguments.value("workdir", Json())},
                 {"timeout_ms", arguments.value("timeout_ms", Json())}};
  if (action["command"].is_string()) action["command"] = Json::array({"bash", "-lc", action["command"]});
  return action;
}

}  // namespace

std::string ToolMap::told_name(const std::string& space, const std::string& name) {
  return space.empty() ? name : space + "__" + name;
}

std::string ToolMap::custom_arguments(const std::string& input) { return to_text(Json{{"input", input}}); }

std::string ToolMap::custom_input(const std::string& arguments) {
  const Json read = read_arguments(arguments);
  if (read.is_object() && read.contains("input") && read["input"].is_string()) return read["input"].get<std::string>();
  return arguments;
}

void ToolMap::add(const Json& tools, const std::string& path) {
  if (!tools.is_array()) refuse(path, "an array");
  std::set<std::string> names;
  for (size_t i = 0; i < tools.size(); ++i) {
    Fields tool(tools[i], path + "[" + std::to_string(i) + "]");
    if (tool.text("type").value_or("") != "namespace") {
      add_one(tool, "", names);
      continue;
    }
    const Json& inside = tool.required("tools");
    const std::string space = tool.required_text("name"), inner = tool.path_of("tools");
    if (!inside.is_array()) refuse(inner, "an array");
    for (size_t k = 0; k < inside.size(); ++k) {
      Fields one(inside[k], inner + "[" + std::to_string(k) + "]");
      add_one(one, space, names);
    }
  }
}

void ToolMap::add_one(Fields& tool, const std::string& space, std::set<std::string>& names) {
  const std::string type = tool.text("type").value_or("");
  if (type == "function" || type == "custom") {
    const std::string name = read_tool_name(tool, names, told_name(space, "")), told = told_name(space, name);
    if (type == "function") {
      add_told(told, {ToolKind::function, space, name}, tool.text("description").value_or(""),
               read_tool_schema(tool, "parameters"));
    } else {
      const Json parameters = Json::parse(kFreeText);
      add_told(told, {ToolKind::custom, space, name}, free_text_description(tool), &parameters);
    }
  } else if (type == "local_shell") {
    const Json parameters = Json::parse(kShell);
    add_told(type, {ToolKind::local_shell, "", type},
             "Runs a command, given as a list of words, and returns its output.", &parameters);
  } else if (type == "tool_search" && tool.text("execution").value_or("") == "client") {
    add_told(type, {ToolKind::tool_search, "", type}, tool.text("description").value_or(""),
             read_tool_schema(tool, "parameters"));
  } else {
    left_out_.insert(type);
  }
}

void ToolMap::add_told(const std::string& told, Origin origin, const std::string& description, const Json* parameters) {
  if (origins_.emplace(told, std::move(origin)).second)
    list_.add(told, description, parameters == nullptr ? Json() : *parameters);
}

ToolKind ToolMap::kind(const std::string& told) const {
  const auto found = origins_.find(told);
  return found == origins_.end() ? ToolKind::function : found->second.kind;
}

Json ToolMap::item(const std::string& id, const ToolCall& call, bool done) const {
  const auto found = origins_.find(call.name);
  const Origin origin = found == origins_.end() ? Origin{ToolKind::function, "", call.name} : found->second;
  Json item = {{"id", id}, {"type", "function_call"}, {"status", "in_progress"}};
  item["call_id"] = call.id;
  const std::optional<Json> whole = whole_arguments(call);
  const Json arguments = done && whole ? *whole : Json::object();
  if (done) item["status"] = whole ? "completed" : "incomplete";
  switch (origin.kind) {
    case ToolKind::local_shell:
      item["type"] = "local_shell_call";
      item["action"] = shell_action(arguments);
      return item;
    case ToolKind::tool_search:
      item["type"] = "tool_search_call";
      item["execution"] = "client";
      item["arguments"] = arguments;
      return item;
    case ToolKind::custom:
      item["type"] = "custom_tool_call";
      item["name"] = origin.name;
      item["input"] = done ? custom_input(call.arguments) : "";
      break;
    case ToolKind::function:
      item["name"] = origin.name;
      item["arguments"] = done ? call.arguments : "";
      break;
  }
  if (!origin.space.empty()) item["namespace"] = origin.space;
  return item;
}

}  // namespace hearth::serve
