// What a request says of itself, for the policy.
#pragma once

#include "tools/route/policy.h"
#include "tools/serve/connection.h"
#include "tools/serve/json.h"

namespace hearth::serve {

// "auto" is no model of its own.
inline constexpr const char* kAutomatic = "auto";

// For the log and headers: short, and of printable ASCII.
std::string printable(std::string text);

// Tasks, places, wish, content and size, from headers, path and body; `bytes` of the body, unpacked. Throws ApiError
// for a wish that there is not, and for headers that contradict themselves.
route::Facts read_facts_of(const Connection& connection, const Json& body, uint64_t bytes);

// Tools, images and size of a body, besides what the facts know.
void add_content_facts(const Json& body, uint64_t bytes, route::Facts& facts);

struct Session {
  std::string hash;    // empty: there is none
  bool named = false;  // by the client; conversations without a name may begin alike
};

// The conversation that the request goes on with: what the client says, or how it begins.
Session session_of(const Connection& connection, const Json& body, const std::string& client);

}  // namespace hearth::serve
