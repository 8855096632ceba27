// Patterns of names and paths: "*" is anything but "/", "**" is anything, "?" is one byte but "/".
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace hearth::route {

// "**/" at the beginning also matches nothing. Takes time of the product of both lengths at most.
bool matches(std::string_view pattern, std::string_view text);
// A quick look: false where a piece of the pattern between stars, "?" and "/" is nowhere in the text.
bool could_match(std::string_view pattern, std::string_view text);
bool matches_any(const std::vector<std::string>& patterns, std::string_view text);

}  // namespace hearth::route
