// Texts to floating point numbers.
#include "engine/text/template/decimal.h"

#include <charconv>
#include <limits>

namespace hearth {

std::optional<double> parse_decimal(std::string_view text) {
  if (text.empty() || text[0] == '-' || text.find_first_not_of("0123456789.e+-E") != text.npos) return std::nullopt;
  double number = 0;
  const auto done = std::from_chars(text.data(), text.data() + text.size(), number);
  if (done.ptr != text.data() + text.size() || done.ec == std::errc::invalid_argument) return std::nullopt;
  if (done.ec == std::errc{}) return number;
  // Out of range, to one side or the other: 0.000...1 without an exponent is small, anything else large.
  const std::size_t exponent = text.find_first_of("eE");
  const bool tiny = exponent == text.npos ? text.find_first_of("123456789") > text.find('.')
                                          : exponent + 1 < text.size() && text[exponent + 1] == '-';
  return tiny ? 0.0 : std::numeric_limits<double>::infinity();
}

}  // namespace hearth
