// JSON that other programs wrote, read with bounds: how deep it nests, and no member twice.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace hearth {

using Json = nlohmann::json;

inline constexpr size_t kDeepestJson = 64;

// Throws FileError "NAME: ..." where the text is no JSON, nests deeper than kDeepestJson or has an object with two
// members of one name.
Json parse_json(std::string_view text, const std::string& name);

}  // namespace hearth
