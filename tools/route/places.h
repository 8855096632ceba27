// Where headers, rules and texts say that files are, in one notation.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace hearth::route {

// Without "file://", backslashes, ".", "..", doubled and closing slashes: "/src//web/..\pay/" is "/src/pay".
std::string normal_place(std::string_view text);

// What somebody may mean who writes this: the place as it is, and with "%2F" and the like read. The first is
// normal_place(text).
std::vector<std::string> places_of(std::string_view text);

// "/src" or "C:/src".
bool is_absolute(std::string_view place);

// A place that is said below a folder; an absolute one is where it is.
std::string below(const std::string& folder, const std::string& place);

// As matches(), but "X/**" is X itself too.
bool covers(std::string_view pattern, std::string_view place);

// A file is named by its whole place or by its end: "src/secret/key.c" by "secret/**", not by "/secret/**".
bool names_place(const std::vector<std::string>& patterns, const std::string& place);

}  // namespace hearth::route
