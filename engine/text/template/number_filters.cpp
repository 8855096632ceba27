// Filters that make numbers.
#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <optional>

#include "engine/text/template/decimal.h"
#include "engine/text/template/filters.h"
#include "engine/text/template/format_spec.h"
#include "engine/text/template/texts.h"

namespace hearth {
namespace {

using Error = TemplateError::Kind;

// Without white space around, and the underscores between digits; empty where an underscore stands elsewhere.
std::string digits_of(std::string_view text) {
  text = strip_text(text, true, true);
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto is_digit = [&](std::size_t k) {
      return k < text.size() && std::isalnum(static_cast<unsigned char>(text[k])) != 0;
    };
    if (text[i] != '_')
      out.push_back(text[i]);
    else if (i == 0 || !is_digit(i - 1) || !is_digit(i + 1))
      return "";
  }
  return out;
}

// Python's float() of a text.
std::optional<double> parse_float(std::string_view text) {
  std::string digits = lower_text(digits_of(text));
  const bool negative = digits.starts_with('-');
  if (negative || digits.starts_with('+')) digits.erase(0, 1);
  if (digits == "infinity") digits = "inf";
  std::optional<double> number = parse_decimal(digits);
  if (digits == "inf") number = std::numeric_limits<double>::infinity();
  if (digits == "nan") number = std::numeric_limits<double>::quiet_NaN();
  if (!number) return std::nullopt;
  return negative ? -*number : *number;
}

// Python's int() of a text in a base from 2 to 36, or 0 for the base that its prefix says.
std::optional<std::int64_t> parse_integer(Interpreter& in, std::string_view text, std::int64_t base) {
  if (base != 0 && (base < 2 || base > 36)) return std::nullopt;
  std::string digits = lower_text(digits_of(text));
  const bool negative = digits.starts_with('-');
  if (negative || digits.starts_with('+')) digits.erase(0, 1);
  constexpr std::pair<std::string_view, int> kPrefixes[] = {{"0x", 16}, {"0o", 8}, {"0b", 2}};
  for (const auto& [prefix, its_base] : kPrefixes) {
    if (!digits.starts_with(prefix) || (base != 0 && base != its_base)) continue;
    digits.erase(0, 2), base = its_base;
    break;
  }
  if (base == 0) base = 10;
  if (digits.empty() || digits[0] == '-') return std::nullopt;
  std::int64_t number = 0;
  if (negative) digits.insert(0, 1, '-');
  const auto done = std::from_chars(digits.data(), digits.data() + digits.size(), number, static_cast<int>(base));
  if (done.ptr != digits.data() + digits.size()) return std::nullopt;
  if (done.ec == std::errc::result_out_of_range) in.fail(Error::type, "an integer is too large");
  return number;
}

std::optional<std::int64_t> truncated(Interpreter& in, std::optional<double> number) {
  if (!number || !std::isfinite(*number)) return std::nullopt;
  if (std::abs(*number) >= 9.2e18) in.fail(Error::type, "an integer is too large");
  return static_cast<std::int64_t>(*number);
}

Value to_int(Interpreter& in, const Value& v, const Bound& a) {
  if (v.is_undefined()) in.fail(Error::undefined, "an undefined value is no number");
  if (v.is_integral()) return v.integer();
  std::optional<std::int64_t> number;
  if (v.is_string()) {
    in.charge_bytes(v.string().size());
    number = parse_integer(in, v.string(), a.integer(1, 10));
    if (!number) number = truncated(in, parse_float(v.string()));
  } else if (v.is_number()) {
    number = truncated(in, v.real());
  }
  return number ? Value(*number) : a.value(0, 0);
}

Value to_float(Interpreter& in, const Value& v, const Bound& a) {
  if (v.is_undefined()) in.fail(Error::undefined, "an undefined value is no number");
  if (v.is_number()) return v.real();
  if (!v.is_string()) return a.value(0, 0.0);
  in.charge_bytes(v.string().size());
  const std::optional<double> number = parse_float(v.string());
  return number ? Value(*number) : a.value(0, 0.0);
}

Value abs(Interpreter& in, const Value& v, const Bound&) {
  if (v.is_integral()) return v.integer() < 0 ? in.arithmetic("-", 0, v) : Value(v.integer());
  return std::abs(in.real(v));
}

// To the nearest decimal, ties to even, as Python's round().
double rounded(double number, std::int64_t precision) {
  if (precision > 330 || !std::isfinite(number)) return number;
  if (precision < -310) return std::copysign(0.0, number);
  if (precision < 0) {
    const double scale = std::pow(10.0, static_cast<double>(-precision));
    return std::nearbyint(number / scale) * scale;
  }
  std::array<char, 700> digits{};
  const auto done = std::to_chars(digits.data(), digits.data() + digits.size(), number, std::chars_format::fixed,
                                  static_cast<int>(precision));
  double out = 0;
  std::from_chars(digits.data(), done.ptr, out);
  return out;
}

std::int64_t rounded(std::int64_t number, std::int64_t precision) {
  if (precision >= 0) return number;
  if (precision < -18) return 0;
  std::int64_t scale = 1;
  for (std::int64_t i = precision; i < 0; ++i) scale *= 10;
  const std::int64_t rest = ((number % scale) + scale) % scale;
  const std::int64_t below = number - rest;
  const bool up = rest * 2 > scale || (rest * 2 == scale && (below / scale) % 2 != 0);
  return up ? below + scale : below;
}

Value round(Interpreter& in, const Value& v, const Bound& a) {
  const std::string method = a.text(1, "common");
  const std::int64_t precision = a.integer(0, 0);
  if (method != "common" && method != "ceil" && method != "floor") in.fail(Error::type, "an unknown way to round");
  const double number = in.real(v);
  if (method == "common") {
    if (v.is_integral() && std::abs(number) < 4e18) return rounded(v.integer(), precision);
    return rounded(number, precision);
  }
  const double scale = std::pow(10.0, static_cast<double>(std::clamp<std::int64_t>(precision, -400, 400)));
  if (!std::isfinite(number * scale)) in.fail(Error::type, "a number is too large");
  return (method == "ceil" ? std::ceil(number * scale) : std::floor(number * scale)) / scale;
}

Value filesizeformat(Interpreter& in, const Value& v, const Bound& a) {
  constexpr std::string_view kUnits = "kMGTPEZY";
  const bool binary = a.truthy(0);
  const double base = binary ? 1024 : 1000;
  const std::optional<double> bytes = v.is_string() ? parse_float(v.string()) : in.real(v);
  if (!bytes) in.fail(Error::type, "a size is no number");
  double size = *bytes;
  if (size == 1) return "1 Byte";
  if (size < base) return in.text(std::to_string(static_cast<std::int64_t>(std::max(-9e18, size))) + " Bytes");
  std::size_t unit = 0;
  for (size /= base; size >= base && unit + 1 < kUnits.size(); ++unit) size /= base;
  FormatSpec spec;
  spec.type = 'f', spec.precision = 1;
  const std::string name =
      binary ? std::string(1, unit == 0 ? 'K' : kUnits[unit]) + "iB" : std::string(1, kUnits[unit]) + "B";
  return in.text(format_value(size, spec) + " " + name);
}

constexpr Filter kNumberFilters[] = {{"int", "default base", to_int},
                                     {"float", "default", to_float},
                                     {"abs", "", abs},
                                     {"round", "precision method", round},
                                     {"filesizeformat", "binary", filesizeformat}};

}  // namespace

std::span<const Filter> number_filters() { return kNumberFilters; }

}  // namespace hearth
