// What a request says of itself, for the policy.
#pragma once

#include "tools/route/policy.h"
#include "tools/serve/connection.h"
#include "tools/serve/json.h"

namespace hearth::serve {

// "auto" is no model of its own.
inline constexpr const char* kAutomatic = "auto";

// Tasks, repository, paths, wish and size, from headers, path and body. Throws ApiError for a wish that there is not.
route::Facts read_facts_of(const Connection& connection, const Json& body);

// What names the conversation that the request goes on with: what the client says, or how it begins.
std::string session_of(const Connection& connection, const Json& body, const std::string& client);

}  // namespace hearth::serve
