// The fields of a chat request that speak of tools.
#pragma once

#include "tools/serve/conversation.h"
#include "tools/serve/fields.h"

namespace hearth::serve {

// The name of a tool: not empty, and none of `names`, to which `prefix` and it are added. Throws ApiError.
std::string read_tool_name(Fields& tool, std::set<std::string>& names, const std::string& prefix = "");

// The schema of a tool's parameters, from its field `name`; null where it tells none. Throws ApiError for what is no
// object, or no schema of one.
const Json* read_tool_schema(Fields& tool, const char* name);

// A choice in one word: auto, none or required. Throws ApiError that names `path` for another.
void read_tool_mode(const std::string& mode, const std::string& path, ToolList& list);

// tools, tool_choice and parallel_tool_calls. A tool of a type that cannot be offered is left out, with a warning.
// Throws ApiError.
ToolList read_tools(Fields& fields, std::vector<std::string>& warnings);

// "left out: tools of the types a, b"
void warn_of_types(const std::set<std::string>& types, std::vector<std::string>& warnings);

}  // namespace hearth::serve
