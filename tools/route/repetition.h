// Whether a text goes round in circles.
#pragma once

#include <string_view>

namespace hearth::route {

inline constexpr size_t kRepetitionBytes = 1024;  // of a text's end, that are looked at

// The end is a piece of up to 256 bytes, with letters in it, four times in a row or more, and 240 bytes at least.
bool goes_in_circles(std::string_view text);

}  // namespace hearth::route
