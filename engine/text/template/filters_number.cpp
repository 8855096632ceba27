// Filters of numbers.
#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <optional>

#include "engine/text/template/call.h"
#include "engine/text/template/unicode.h"

namespace hearth {
namespace {

// What Python's int() and float() read: white space around, underscores between digits.
std::optional<std::string> digits_of(const std::string& text) {
  std::string out;
  const std::string_view bare = strip_text(text, true, true);
  for (std::size_t i = 0; i < bare.size(); ++i) {
    if (bare[i] != '_') {
      out += bare[i];
      continue;
    }
    const auto digit = [&](std::size_t k) {
      return k < bare.size() && std::isalnum(static_cast<unsigned char>(bare[k]));
    };
    if (i == 0 || !digit(i - 1) || !digit(i + 1)) return std::nullopt;
  }
  return out;
}

std::optional<std::int64_t> read_integer(const std::string& text, int base) {
  auto digits = digits_of(text);
  if (!digits || digits->empty()) return std::nullopt;
  const bool negative = (*digits)[0] == '-';
  if (negative || (*digits)[0] == '+') digits->erase(0, 1);
  if (digits->size() > 2 && (*digits)[0] == '0') {
    const char mark = static_cast<char>(std::tolower(static_cast<unsigned char>((*digits)[1])));
    const int marked = mark == 'x' ? 16 : mark == 'o' ? 8 : mark == 'b' ? 2 : 0;
    if (marked != 0 && (base == marked || base == 0)) digits->erase(0, 2), base = marked;
  }
  if (base == 0) base = 10;
  if (base < 2 || base > 36) return std::nullopt;
  std::int64_t value = 0;
  if (negative) digits->insert(0, "-");
  const auto done = std::from_chars(digits->data(), digits->data() + digits->size(), value, base);
  if (done.ec != std::errc{} || done.ptr != digits->data() + digits->size()) return std::nullopt;
  return value;
}

std::optional<double> read_real(const std::string& text) {
  const auto digits = digits_of(text);
  if (!digits || digits->empty()) return std::nullopt;
  // strtod also knows hexadecimal, which Python's float() does not.
  if (digits->find_first_of("xXpP(") != std::string::npos) return std::nullopt;
  char* end = nullptr;
  const double value = std::strtod(digits->c_str(), &end);
  if (end != digits->c_str() + digits->size()) return std::nullopt;
  return value;
}

Value to_integer(const Call& call) {
  const Value& v = call.subject;
  if (v.is_integral()) return v.integer();
  std::optional<double> real;
  if (v.is_string()) {
    if (const auto whole =
            read_integer(v.string(), static_cast<int>(std::clamp<std::int64_t>(call.integer(1, "base", 10), -1, 37))))
      return *whole;
    real = read_real(v.string());
  } else if (v.is_number()) {
    real = v.real();
  }
  if (real && std::abs(*real) < 9.2e18) return static_cast<std::int64_t>(*real);
  return call.value(0, "default", 0);
}

Value to_real(const Call& call) {
  const Value& v = call.subject;
  if (v.is_number()) return v.real();
  if (v.is_string())
    if (const auto real = read_real(v.string())) return *real;
  return call.value(0, "default", 0.0);
}

Value absolute(const Call& call) {
  const Value& v = call.subject;
  if (!v.is_number()) call.fail("abs needs a number");
  if (!v.is_integral()) return std::abs(v.real());
  return v.integer() < 0 ? call.binary("-", 0, v) : Value(v.integer());
}

Value round_number(const Call& call) {
  const Value& v = call.subject;
  if (!v.is_number()) call.fail("round needs a number");
  const std::int64_t precision = std::clamp<std::int64_t>(call.integer(0, "precision", 0), -300, 300);
  const std::string method = call.text(1, "method", "common");
  const double scale = std::pow(10.0, static_cast<double>(precision));
  if (method == "ceil") return std::ceil(v.real() * scale) / scale;
  if (method == "floor") return std::floor(v.real() * scale) / scale;
  if (method != "common") call.fail("method must be common, ceil or floor");
  if (v.is_integral() && precision >= 0) return v.integer();
  if (!std::isfinite(v.real())) return v;
  if (precision < 0) {
    const double rounded = std::nearbyint(v.real() * scale) / scale;
    return v.is_integral() ? Value(static_cast<std::int64_t>(rounded)) : Value(rounded);
  }
  // As Python: the decimal text is rounded from the exact binary value.
  char text[1024];
  std::snprintf(text, sizeof text, "%.*f", static_cast<int>(precision), v.real());
  return std::strtod(text, nullptr);
}

Value sum(const Call& call) {
  const Value by = call.value(0, "attribute");
  Value total = call.value(1, "start", 0);
  for (const Value& one : call.items())
    total = call.binary("+", total, by.is_undefined() || by.is_none() ? one : call.path(one, by));
  return total;
}

Value file_size(const Call& call) {
  const double bytes = to_real({call.in, call.subject, {}}).real();
  const bool binary = call.flag(0, "binary");
  const double base = binary ? 1024 : 1000;
  if (bytes == 1) return "1 Byte";
  if (bytes < base) return std::to_string(static_cast<std::int64_t>(bytes)) + " Bytes";
  double unit = base;
  const char letters[] = "kMGTPEZY";
  std::size_t i = 0;
  while (bytes >= unit * base && i < 7) unit *= base, ++i;
  char text[64];
  std::snprintf(text, sizeof text, "%.1f %c%s", bytes / unit, binary && i == 0 ? 'K' : letters[i], binary ? "iB" : "B");
  return text;
}

constexpr NamedFunction kTable[] = {{"abs", absolute},   {"filesizeformat", file_size}, {"float", to_real},
                                    {"int", to_integer}, {"round", round_number},       {"sum", sum}};

}  // namespace

std::span<const NamedFunction> number_filters() { return kTable; }

}  // namespace hearth
