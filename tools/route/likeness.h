// How alike two answers are.
#pragma once

#include <span>
#include <string_view>

namespace hearth::route {

// Words that must be put in, taken out or exchanged, over those of the longer text: 0 the same, 1 nothing in common.
// White space does not count. Of longer texts the first 2000 words are looked at.
double edit_distance(std::string_view a, std::string_view b);

// The cosine of two vectors of the same length; 0 where one of them is nothing.
double cosine(std::span<const float> a, std::span<const float> b);

}  // namespace hearth::route
