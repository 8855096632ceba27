// Texts to floating point numbers, whatever the locale.
#pragma once

#include <optional>
#include <string_view>

namespace hearth {

// Digits with a point and an exponent, without a sign in front; none where the text is anything else. As in Python,
// what is too large becomes infinite and what is too small 0.
std::optional<double> parse_decimal(std::string_view text);

}  // namespace hearth
