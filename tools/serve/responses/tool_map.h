// The Responses API's kinds of tools, each of which a model sees as a function.
#pragma once

#include <map>
#include <set>
#include <string>

#include "tools/serve/conversation.h"
#include "tools/serve/fields.h"

namespace hearth::serve {

// What a function stands for: itself, a tool that takes free text, a shell of the client's, or the client's search for
// more tools.
enum class ToolKind { function, custom, local_shell, tool_search };

class ToolMap {
 public:
  // Adds what the field `path` lists; of tools that another list has named, the first count. A tool of another type, as
  // web_search, could only run at a provider: it is left out. Throws ApiError.
  void add(const Json& tools, const std::string& path);

  // The name by which the model knows a tool.
  static std::string told_name(const std::string& space, const std::string& name);
  // The arguments of a call of a tool that takes free text.
  static std::string custom_arguments(const std::string& input);

  ToolKind kind(const std::string& told) const;
  // The item that a call becomes: without arguments while it is under way, incomplete where they were cut.
  Json item(const std::string& id, const ToolCall& call, bool done) const;
  // The text in the arguments of a call of a tool that takes free text.
  static std::string custom_input(const std::string& arguments);

  const ToolList& list() const { return list_; }
  ToolList& list() { return list_; }
  const std::set<std::string>& left_out() const { return left_out_; }

 private:
  struct Origin {
    ToolKind kind = ToolKind::function;
    std::string space, name;
  };

  void add_one(Fields& tool, const std::string& space, std::set<std::string>& names);
  void add_told(const std::string& told, Origin origin, const std::string& description, const Json* parameters);

  ToolList list_;
  std::map<std::string, Origin> origins_;  // by the names that the model knows
  std::set<std::string> left_out_;         // types
};

}  // namespace hearth::serve
