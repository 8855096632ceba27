// JSON that others wrote, where nesting is bounded: what walks through it calls itself.
#pragma once

#include <nlohmann/json.hpp>
#include <string_view>

namespace hearth::redact {

using Json = nlohmann::ordered_json;

// Null where it is no JSON, or is nested deeper than 64 levels.
Json parse_shallow(std::string_view text);

}  // namespace hearth::redact
