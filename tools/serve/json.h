// JSON as it comes from clients, within limits, and as it goes to them.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace hearth::serve {

// Keeps the order of keys: the schemas of tools are part of the prompt.
using Json = nlohmann::ordered_json;

inline constexpr int kJsonDepth = 64;
inline constexpr size_t kJsonValues = 1 << 20;
inline constexpr size_t kJsonKeys = 2048;  // of one object

// One JSON value. Throws ApiError (400) for what is none, and past the limits above.
Json parse_value(std::string_view body);
// One JSON object. Throws ApiError (400) for anything else, and past the limits above.
Json parse_object(std::string_view body);

// A member of what others sent, who are not refused for what is wrong: nullptr where this is no object, or the member
// is absent or null; "" and `otherwise` where it is of another type.
const Json* member_of(const Json& object, const char* name);
std::string member_text(const Json& object, const char* name);
uint64_t member_count(const Json& object, const char* name, uint64_t otherwise = 0);

// Text that is no UTF-8 becomes U+FFFD.
std::string to_text(const Json& value);

// "2026-11-25T16:00:00Z" of a Unix time.
std::string utc_time(int64_t seconds);

// One server-sent event.
std::string to_event(const Json& value);

}  // namespace hearth::serve
