// One function for each kind of item.
#include "tools/serve/responses/input_items.h"

#include "tools/serve/api_error.h"

namespace hearth::serve {
namespace {

class ItemReader {
 public:
  ItemReader(Turns& turns, ToolMap& tools, std::vector<std::string>& ignored)
      : turns_(turns), tools_(tools), ignored_(ignored) {}

  void read(const Json& item, const std::string& path) {
    Fields fields(item, path);
    const std::string type = fields.text("type").value_or(fields.find("role") == nullptr ? "" : "message");
    if (type == "message") {
      read_message(fields);
    } else if (type == "reasoning") {
      turns_.reasoning(reasoning_text(fields));
    } else if (type == "function_call") {
      call(fields, named(fields), fields.text("arguments").value_or(""));
    } else if (type == "custom_tool_call") {
      call(fields, named(fields), ToolMap::custom_arguments(fields.text("input").value_or("")));
    } else if (type == "local_shell_call") {
      call(fields, "local_shell", shell_arguments(fields));
    } else if (type == "tool_search_call") {
      const Json* arguments = fields.find("arguments");
      call(fields, "tool_search", arguments == nullptr ? "" : to_text(*arguments));
    } else if (type == "function_call_output" || type == "custom_tool_call_output" ||
               type == "local_shell_call_output") {
      turns_.result(call_id(fields), output_text(fields));
    } else if (type == "tool_search_output") {
      read_found_tools(fields);
    } else if (type == "additional_tools") {
      tools_.add(fields.required("tools"), fields.path_of("tools"));
    } else {
      ignored_.push_back(path);
    }
  }

 private:
  void read_message(Fields& fields) {
    const std::string role = fields.text("role").value_or("");
    const std::string text = joined_parts(fields.required("content"), fields.path_of("content"));
    if (role == "user")
      turns_.user(text);
    else if (role == "assistant")
      turns_.assistant(text);
    else if (role == "system" || role == "developer")
      turns_.system(text);
    else
      refuse(fields.path_of("role"), "user, assistant, system or developer");
  }

  static std::string joined_parts(const Json& content, const std::string& path) {
    if (content.is_string()) return content.get<std::string>();
    if (!content.is_array()) refuse(path, "a string or an array of parts");
    std::string text;
    for (size_t i = 0; i < content.size(); ++i) {
      Fields part(content[i], path + "[" + std::to_string(i) + "]");
      const std::string type = part.text("type").value_or("");
      const bool refusal = type == "refusal";
      if (!refusal && type != "input_text" && type != "output_text" && type != "text")
        throw invalid_request("'" + part.path_of("type") + "' is '" + type.substr(0, 32) + "'; only text is supported",
                              part.path_of("type"), "unsupported_content");
      const std::string more = part.required_text(refusal ? "refusal" : "text");
      text += (text.empty() || more.empty() ? "" : "\n\n") + more;
    }
    return text;
  }

  // What the model thought, or where that is not there what was told of it.
  static std::string reasoning_text(Fields& fields) {
    for (const char* name : {"content", "summary"}) {
      const Json* parts = fields.find(name);
      if (parts == nullptr) continue;
      if (!parts->is_array()) refuse(fields.path_of(name), "an array");
      std::string text;
      for (size_t i = 0; i < parts->size(); ++i) {
        Fields part((*parts)[i], fields.path_of(name) + "[" + std::to_string(i) + "]");
        text += (text.empty() ? "" : "\n\n") + part.text("text").value_or("");
      }
      if (!text.empty()) return text;
    }
    return "";
  }

  static std::string call_id(Fields& fields) {
    const auto id = fields.text("call_id");
    return id ? *id : fields.required_text("id");
  }

  static std::string named(Fields& fields) {
    return ToolMap::told_name(fields.text("namespace").value_or(""), fields.required_text("name"));
  }

  void call(Fields& fields, const std::string& name, const std::string& arguments) {
    turns_.call(call_id(fields), name, arguments);
  }

  static std::string shell_arguments(Fields& fields) {
    Fields action(fields.required("action"), fields.path_of("action"));
    Json arguments = {{"command", action.required("command")}};
    if (const Json* folder = action.find("working_directory")) arguments["workdir"] = *folder;
    if (const Json* time = action.find("timeout_ms")) arguments["timeout_ms"] = *time;
    return to_text(arguments);
  }

  static std::string output_text(Fields& fields) {
    const Json& output = fields.required("output");
    return output.is_object() ? to_text(output) : joined_parts(output, fields.path_of("output"));
  }

  void read_found_tools(Fields& fields) {
    const Json& found = fields.required("tools");
    tools_.add(found, fields.path_of("tools"));
    turns_.result(call_id(fields), to_text(found));
  }

  Turns& turns_;
  ToolMap& tools_;
  std::vector<std::string>& ignored_;
};

}  // namespace

Json gather_items(const Json& input, const std::optional<std::string>& previous, const ResponseStore& store) {
  Json items = Json::array();
  if (previous) {
    auto before = store.conversation(*previous);
    if (!before)
      throw invalid_request("the response '" + previous->substr(0, 64) + "' of 'previous_response_id' is not known",
                            "previous_response_id", "previous_response_not_found");
    items = std::move(*before);
  }
  if (input.is_string()) {
    items.push_back({{"type", "message"}, {"role", "user"}, {"content", input}});
    return items;
  }
  if (!input.is_array()) refuse("input", "a string or an array of items");
  for (size_t i = 0; i < input.size(); ++i) {
    Fields item(input[i], "input[" + std::to_string(i) + "]");
    if (item.text("type").value_or("") != "item_reference") {
      items.push_back(input[i]);
      continue;
    }
    auto meant = store.item(item.required_text("id"));
    if (!meant)
      throw invalid_request("'" + item.path_of("id") + "' names an item that is not known", item.path_of("id"),
                            "item_not_found");
    items.push_back(std::move(*meant));
  }
  return items;
}

void read_items(const Json& items, size_t given, Turns& turns, ToolMap& tools, std::vector<std::string>& ignored) {
  ItemReader reader(turns, tools, ignored);
  const size_t before = items.size() - given;
  for (size_t i = 0; i < items.size(); ++i)
    reader.read(items[i], i < before ? "previous_response_id" : "input[" + std::to_string(i - before) + "]");
}

}  // namespace hearth::serve
