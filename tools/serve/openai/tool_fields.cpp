// From tools and tool_choice to a list of tools.
#include "tools/serve/openai/tool_fields.h"

#include <algorithm>

#include "tools/serve/api_error.h"

namespace hearth::serve {
namespace {

std::string name_in(const Json& value, const std::string& path) { return Fields(value, path).required_text("name"); }

// {"type": "function", "function": {"name": ...}}
std::string named_function(Fields& fields) { return name_in(fields.required("function"), fields.path_of("function")); }

void read_allowed(Fields& choice, ToolList& list) {
  Fields fields(choice.required("allowed_tools"), "tool_choice.allowed_tools");
  read_tool_mode(fields.text("mode").value_or("auto"), fields.path_of("mode"), list);
  const Json* tools = fields.find("tools");
  if (tools == nullptr || !tools->is_array()) refuse("tool_choice.allowed_tools.tools", "an array");
  std::set<std::string> names;
  for (size_t i = 0; i < tools->size(); ++i) {
    Fields one((*tools)[i], fields.path_of("tools") + "[" + std::to_string(i) + "]");
    names.insert(named_function(one));
  }
  list.keep(names);
}

void read_choice(const Json& choice, ToolList& list) {
  if (choice.is_string()) return read_tool_mode(choice.get<std::string>(), "tool_choice", list);
  Fields fields(choice, "tool_choice");
  const std::string type = fields.text("type").value_or("");
  if (type == "allowed_tools") return read_allowed(fields, list);
  if (type != "function") refuse("tool_choice.type", "function or allowed_tools");
  list.use = ToolUse::required;
  list.name = named_function(fields);
}

}  // namespace

std::string read_tool_name(Fields& tool, std::set<std::string>& names, const std::string& prefix) {
  std::string name = tool.required_text("name");
  if (name.empty()) refuse(tool.path_of("name"), "a name that is not empty");
  if (!names.insert(prefix + name).second)
    refuse(tool.path_of("name"), "a name of its own; another tool is named '" + name.substr(0, 64) + "' too");
  return name;
}

const Json* read_tool_schema(Fields& tool, const char* name) {
  const Json* schema = tool.find(name);
  if (schema == nullptr) return nullptr;
  const auto type = schema->find("type");
  const bool of_objects =
      schema->is_object() && (type == schema->end() || *type == "object" ||
                              (type->is_array() && std::ranges::find(*type, "object") != type->end()));
  if (!of_objects) refuse(tool.path_of(name), "a JSON Schema of type object");
  return schema;
}

void read_tool_mode(const std::string& mode, const std::string& path, ToolList& list) {
  if (mode == "none")
    list.use = ToolUse::none;
  else if (mode == "required")
    list.use = ToolUse::required;
  else if (mode != "auto")
    refuse(path, "auto, none, required or an object");
}

void warn_of_types(const std::set<std::string>& types, std::vector<std::string>& warnings) {
  if (types.empty()) return;
  std::string names;
  for (const std::string& type : types) names += (names.empty() ? "" : ", ") + type;
  warnings.push_back("left out: tools of the types " + names);
}

ToolList read_tools(Fields& fields, std::vector<std::string>& warnings) {
  ToolList list;
  std::set<std::string> left_out, names;
  if (const Json* tools = fields.find("tools")) {
    if (!tools->is_array()) refuse("tools", "an array");
    for (size_t i = 0; i < tools->size(); ++i) {
      Fields tool((*tools)[i], "tools[" + std::to_string(i) + "]");
      const std::string type = tool.text("type").value_or("function");
      if (type == "function") {
        Fields function(tool.required("function"), tool.path_of("function"));
        read_tool_name(function, names);
        read_tool_schema(function, "parameters");
        list.tools.push_back((*tools)[i]);
        list.tools.back()["type"] = "function";
      } else {
        left_out.insert(type);
      }
    }
  }
  warn_of_types(left_out, warnings);
  list.parallel = fields.boolean("parallel_tool_calls", true);
  if (const Json* choice = fields.find("tool_choice")) read_choice(*choice, list);
  return list;
}

}  // namespace hearth::serve
