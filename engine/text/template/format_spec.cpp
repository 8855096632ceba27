// Format specifications: integers, floats and texts as Python prints them into fields.
#include "engine/text/template/format_spec.h"

#include <array>
#include <charconv>
#include <cmath>
#include <vector>

#include "engine/text/template/error.h"
#include "engine/text/template/unicode.h"

namespace hearth {
namespace {

using Error = TemplateError::Kind;
constexpr std::size_t kWidest = 1'000'000;
constexpr int kMostDigits = 1000;

[[noreturn]] void fail(const std::string& what) { throw TemplateError(Error::type, what); }

std::size_t read_number(std::string_view text, std::size_t& at, std::size_t most) {
  std::size_t number = 0;
  for (; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at) {
    number = number * 10 + static_cast<std::size_t>(text[at] - '0');
    if (number > most) throw TemplateError(Error::budget, "a width or precision is too large");
  }
  return number;
}

bool any_of(std::string_view set, char c) { return c != '\0' && set.find(c) != set.npos; }

// Separators between groups of digits in front of the point.
std::string grouped(const std::string& digits, char separator, std::size_t size) {
  if (separator == '\0') return digits;
  const std::size_t whole = std::min(digits.find_first_not_of("0123456789abcdefABCDEF"), digits.size());
  std::string out;
  for (std::size_t i = 0; i < whole; ++i) {
    if (i > 0 && (whole - i) % size == 0) out.push_back(separator);
    out.push_back(digits[i]);
  }
  return out + digits.substr(whole);
}

// `prefix` is the sign and the base, `digits` the rest.
std::string in_field(const std::string& prefix, std::string digits, const FormatSpec& spec, std::size_t group) {
  digits = grouped(digits, spec.grouping, group);
  if (spec.align != '=') return aligned(prefix + digits, spec.width, spec.align ? spec.align : '>', spec.fill);
  // Zeros in front are grouped with the digits. The padding is made from the right.
  const std::size_t whole = std::min(digits.find_first_not_of("0123456789abcdefABCDEF,_"), digits.size());
  const bool groups = spec.grouping != '\0' && spec.fill == "0";
  std::vector<bool> separators;
  for (std::size_t length = text_length(prefix) + text_length(digits); length < spec.width; ++length) {
    const bool due = groups && (whole + separators.size() + 1) % (group + 1) == 0;
    if (due) separators.push_back(true), ++length;
    separators.push_back(false);
  }
  std::string out = prefix;
  for (auto separator = separators.rbegin(); separator != separators.rend(); ++separator) {
    if (*separator)
      out.push_back(spec.grouping);
    else
      out += spec.fill;
  }
  return out + digits;
}

std::string sign_of(bool negative, const FormatSpec& spec) {
  if (negative) return "-";
  return spec.sign == '-' ? "" : std::string(1, spec.sign);
}

std::string format_integer(std::int64_t number, const FormatSpec& spec) {
  const char type = spec.type == '\0' || spec.type == 'n' ? 'd' : spec.type;
  if (spec.precision >= 0) fail("an integer has no precision");
  if (type == 'c') {
    if (number < 0 || number > 0x10FFFF) fail("no character has this number");
    std::string out;
    append_code_point(out, static_cast<char32_t>(number));
    return aligned(out, spec.width, spec.align && spec.align != '=' ? spec.align : '<', spec.fill);
  }
  const int base = type == 'd' ? 10 : type == 'b' ? 2 : type == 'o' ? 8 : any_of("xX", type) ? 16 : 0;
  if (base == 0) fail(std::string("an integer has no format '") + type + "'");
  std::array<char, 80> buffer{};
  const auto magnitude = number < 0 ? ~static_cast<std::uint64_t>(number) + 1 : static_cast<std::uint64_t>(number);
  const auto done = std::to_chars(buffer.data(), buffer.data() + buffer.size(), magnitude, base);
  std::string digits(buffer.data(), done.ptr);
  std::string prefix = sign_of(number < 0, spec);
  if (spec.alternate && base != 10) prefix += std::string("0") + type;
  if (type == 'X') digits = upper_text(digits);
  return in_field(prefix, digits, spec, base == 10 ? 3 : 4);
}

std::string to_digits(double size, std::chars_format format, int precision) {
  std::array<char, 1500> buffer{};  // 309 digits, the point, kMostDigits
  const auto done = std::to_chars(buffer.data(), buffer.data() + buffer.size(), size, format, precision);
  return std::string(buffer.data(), done.ptr);
}

std::string float_digits(double size, const FormatSpec& spec) {
  const int precision = spec.precision < 0 ? 6 : spec.precision;
  if (spec.alternate) fail("the '#' of a float is not offered");
  switch (spec.type) {
    case 'f':
    case 'F':
      return to_digits(size, std::chars_format::fixed, precision);
    case 'e':
    case 'E':
      return to_digits(size, std::chars_format::scientific, precision);
    case '%':
      return to_digits(size * 100, std::chars_format::fixed, precision) + "%";
    case 'g':
    case 'G':
    case 'n':
      return to_digits(size, std::chars_format::general, precision == 0 ? 1 : precision);
    case '\0': {
      if (spec.precision < 0) return float_repr(size);
      std::string digits = to_digits(size, std::chars_format::general, precision == 0 ? 1 : precision);
      if (digits.find_first_of(".e") == digits.npos) digits += ".0";
      return digits;
    }
    default:
      fail(std::string("a float has no format '") + spec.type + "'");
  }
}

std::string format_float(double number, const FormatSpec& spec) {
  const std::string sign = sign_of(std::signbit(number) && !std::isnan(number), spec);
  std::string digits;
  if (std::isfinite(number))
    digits = float_digits(std::abs(number), spec);
  else
    digits = std::string(std::isnan(number) ? "nan" : "inf") + (spec.type == '%' ? "%" : "");
  return in_field(sign, any_of("FEG", spec.type) ? upper_text(digits) : digits, spec, 3);
}

}  // namespace

std::string aligned(std::string_view text, std::size_t width, char align, std::string_view fill) {
  const std::size_t length = text_length(text);
  if (length >= width) return std::string(text);
  const std::size_t all = width - length;
  const std::size_t before = align == '>' ? all : align == '^' ? all / 2 : 0;
  std::string out;
  for (std::size_t i = 0; i < before; ++i) out += fill;
  out += text;
  for (std::size_t i = before; i < all; ++i) out += fill;
  return out;
}

FormatSpec parse_format_spec(std::string_view text) {
  FormatSpec spec;
  std::size_t at = 0;
  const auto peek = [&](std::size_t i) { return i < text.size() ? text[i] : '\0'; };
  std::size_t behind = 0;
  if (!text.empty()) next_code_point(text, behind);
  if (any_of("<>=^", peek(behind)) && behind > 0)
    spec.fill = text.substr(0, behind), spec.align = text[behind], at = behind + 1;
  else if (any_of("<>=^", peek(0)))
    spec.align = text[at++];
  if (any_of("+- ", peek(at))) spec.sign = text[at++];
  if (peek(at) == '#') spec.alternate = true, ++at;
  if (peek(at) == '0') {
    ++at;
    if (spec.align == '\0') spec.align = '=', spec.fill = "0";
  }
  spec.width = read_number(text, at, kWidest);
  if (any_of(",_", peek(at))) spec.grouping = text[at++];
  if (peek(at) == '.') {
    const std::size_t start = ++at;
    spec.precision = static_cast<int>(read_number(text, at, kMostDigits));
    if (at == start) fail("a format has no precision behind the point");
  }
  if (at < text.size()) spec.type = text[at++];
  if (at != text.size()) fail("a bad format '" + std::string(text.substr(0, 40)) + "'");
  return spec;
}

std::string format_value(const Value& value, const FormatSpec& spec) {
  const bool plain = spec.width == 0 && spec.align == '\0' && spec.sign == '-' && !spec.alternate &&
                     spec.grouping == '\0' && spec.precision < 0 && spec.type == '\0';
  if (plain) return to_text(value);
  if (value.is_string() || value.is_undefined()) {
    if (any_of("=", spec.align) && spec.fill != "0") fail("a text has no '=' alignment");
    if (spec.type != '\0' && spec.type != 's') fail(std::string("a text has no format '") + spec.type + "'");
    std::string text = to_text(value);
    if (spec.precision >= 0) {
      const auto offsets = code_point_offsets(text);
      text.resize(offsets[std::min(static_cast<std::size_t>(spec.precision), offsets.size() - 1)]);
    }
    return aligned(text, spec.width, spec.align && spec.align != '=' ? spec.align : '<', spec.fill);
  }
  if (!value.is_number()) fail("a " + std::string(type_name(value)) + " takes no format");
  if (value.is_integral() && !any_of("eEfFgG%", spec.type)) return format_integer(value.integer(), spec);
  return format_float(value.real(), spec);
}

}  // namespace hearth
