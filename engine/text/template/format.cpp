// Python's str.format and the % operator of strings.
#include <algorithm>
#include <charconv>
#include <cmath>

#include "engine/text/template/call.h"
#include "engine/text/template/unicode.h"

namespace hearth {
namespace {

constexpr int kWidest = 100000, kMostDigits = 300;

// What a format specification says: [[fill]align][sign][#][0][width][,][.precision][type].
struct Spec {
  std::string fill = " ";
  char align = 0, sign = '-', type = 0, grouping = 0;
  bool alternate = false;
  int width = 0, precision = -1;
};

int read_number(const Call& call, std::string_view text, std::size_t& at, int most) {
  int number = 0;
  while (at < text.size() && text[at] >= '0' && text[at] <= '9') {
    number = number * 10 + (text[at++] - '0');
    if (number > most) call.fail("a width or precision is too large");
  }
  return number;
}

Spec read_spec(const Call& call, std::string_view text) {
  Spec spec;
  std::size_t at = 0;
  const auto is_align = [](char c) { return c == '<' || c == '>' || c == '^' || c == '='; };
  if (!text.empty()) {
    std::size_t after = 0;
    next_code_point(text, after);
    if (after < text.size() && is_align(text[after])) {
      spec.fill = text.substr(0, after), spec.align = text[after], at = after + 1;
    } else if (is_align(text[0])) {
      spec.align = text[0], at = 1;
    }
  }
  const auto next = [&] { return at < text.size() ? text[at] : '\0'; };
  if (next() == '+' || next() == '-' || next() == ' ') spec.sign = text[at++];
  if (next() == '#') spec.alternate = true, ++at;
  if (next() == '0') {
    ++at;
    if (spec.align == 0) spec.fill = "0", spec.align = '=';
  }
  spec.width = read_number(call, text, at, kWidest);
  if (next() == ',' || next() == '_') spec.grouping = text[at++];
  if (next() == '.') {
    ++at;
    spec.precision = read_number(call, text, at, kMostDigits);
  }
  if (at < text.size()) spec.type = text[at++];
  if (at != text.size()) call.fail("a wrong format specification");
  return spec;
}

std::string padded(std::string sign, const std::string& body, const Spec& spec, char align) {
  const auto length = static_cast<int>(text_length(sign) + text_length(body));
  const int missing = std::max(0, spec.width - length);
  const auto fill = [&](int count) {
    std::string out;
    for (int i = 0; i < count; ++i) out += spec.fill;
    return out;
  };
  switch (align) {
    case '<':
      return sign + body + fill(missing);
    case '^':
      return fill(missing / 2) + sign + body + fill(missing - missing / 2);
    case '=':
      return sign + fill(missing) + body;
    default:
      return fill(missing) + sign + body;
  }
}

std::string grouped(std::string digits, char separator, std::size_t every) {
  const std::size_t whole = std::min(digits.find_first_not_of("0123456789abcdefABCDEF"), digits.size());
  for (std::size_t at = whole; at > every; digits.insert(at -= every, 1, separator)) continue;
  return digits;
}

std::string real_digits(double value, char type, int precision, bool alternate) {
  char pattern[8] = "%.*f", text[400];
  pattern[3] = type;
  if (alternate) std::snprintf(pattern, sizeof pattern, "%%#.*%c", type);
  std::snprintf(text, sizeof text, pattern, std::min(precision, kMostDigits), value);
  return text;
}

std::string number_text(const Call& call, const Value& value, Spec spec) {
  std::string body, sign;
  bool negative = false;
  const bool as_real =
      !value.is_integral() || (spec.type != 0 && std::string_view("eEfFgG%").find(spec.type) != std::string_view::npos);
  if (!as_real) {
    const std::int64_t number = value.integer();
    negative = number < 0;
    const int base = spec.type == 'x' || spec.type == 'X' ? 16 : spec.type == 'o' ? 8 : spec.type == 'b' ? 2 : 10;
    if (spec.type != 0 && std::string_view("dnxXob").find(spec.type) == std::string_view::npos)
      call.fail("a format that integers do not have");
    const std::uint64_t size = negative ? 0 - static_cast<std::uint64_t>(number) : static_cast<std::uint64_t>(number);
    char digits[72];
    body.assign(digits, std::to_chars(digits, digits + sizeof digits, size, base).ptr);
    if (spec.type == 'X') body = upper_text(body);
    if (spec.grouping != 0) body = grouped(body, spec.grouping, base == 10 ? 3 : 4);
    if (spec.alternate && base != 10) sign = std::string("0") + spec.type;
  } else {
    double number = value.real();
    negative = std::signbit(number) && !std::isnan(number);
    number = std::abs(number);
    const char type = spec.type == '%' ? 'f' : spec.type;
    if (spec.type == '%') number *= 100;
    if (type != 0 && std::string_view("eEfFgGn").find(type) == std::string_view::npos)
      call.fail("a format that numbers do not have");
    if (!std::isfinite(number))
      body = std::isnan(number) ? "nan" : "inf";
    else if (type == 0 && spec.precision < 0)
      body = float_repr(number);
    else
      body = real_digits(number, type == 0 || type == 'n' ? 'g' : type, spec.precision < 0 ? 6 : spec.precision,
                         spec.alternate);
    if (spec.grouping != 0) body = grouped(body, spec.grouping, 3);
    if (spec.type == '%') body += '%';
  }
  sign.insert(0, negative ? "-" : spec.sign == '-' ? "" : std::string(1, spec.sign));
  return padded(sign, body, spec, spec.align == 0 ? '>' : spec.align);
}

std::string cut(const std::string& text, int length) {
  const auto offsets = code_point_offsets(text);
  if (length < 0 || offsets.size() <= static_cast<std::size_t>(length)) return text;
  return text.substr(0, offsets[static_cast<std::size_t>(length)]);
}

std::string formatted(const Call& call, const Value& value, std::string_view specification) {
  if (specification.empty()) return to_text(value);
  const Spec spec = read_spec(call, specification);
  if (value.is_number()) return number_text(call, value, spec);
  if (!value.is_string()) call.fail("only texts and numbers take a format specification");
  if ((spec.type != 0 && spec.type != 's') || spec.align == '=') call.fail("a format that texts do not have");
  return padded("", cut(to_text(value), spec.precision), spec, spec.align == 0 ? '<' : spec.align);
}

// The value that a field such as `0.name[key]` names; `next` counts the fields without a name.
Value field_value(const Call& call, std::string_view field, const Arguments& arguments, std::size_t& next) {
  const std::size_t end = std::min(field.find_first_of(".["), field.size());
  const std::string name(field.substr(0, end));
  const Value* found = nullptr;
  if (name.empty())
    found = next < arguments.plain.size() ? &arguments.plain[next++] : nullptr;
  else if (name.find_first_not_of("0123456789") == name.npos && name.size() < 6)
    found = static_cast<std::size_t>(std::stoi(name)) < arguments.plain.size()
                ? &arguments.plain[static_cast<std::size_t>(std::stoi(name))]
                : nullptr;
  else
    found = arguments.at(Call::kNamedOnly, name);
  if (found == nullptr) call.fail("format: no argument '" + name + "'");
  Value value = *found;
  for (std::size_t at = end; at < field.size();) {
    const bool index = field[at] == '[';
    const std::size_t stop = index ? field.find(']', at) : std::min(field.find_first_of(".[", at + 1), field.size());
    if (stop == field.npos || stop == at + 1) call.fail("format: a wrong field name");
    const std::string part(field.substr(at + 1, stop - at - 1));
    const bool number = index && part.size() < 10 && part.find_first_not_of("0123456789") == part.npos;
    value = call.path(value, number ? Value(std::int64_t{std::stoi(part)}) : Value(part));
    at = stop + (index ? 1 : 0);
  }
  return value;
}

}  // namespace

Value format_text(const Call& call, const std::string& pattern, const Arguments& arguments) {
  std::string out;
  std::size_t next = 0;
  for (std::size_t at = 0; at < pattern.size();) {
    const char c = pattern[at];
    if ((c == '{' || c == '}') && at + 1 < pattern.size() && pattern[at + 1] == c) {
      out += c, at += 2;
      continue;
    }
    if (c == '}') call.fail("format: a single '}'");
    if (c != '{') {
      out += c, ++at;
      continue;
    }
    const std::size_t end = pattern.find('}', at);
    if (end == pattern.npos) call.fail("format: a '{' that is not closed");
    std::string_view field = std::string_view(pattern).substr(at + 1, end - at - 1), specification;
    if (field.find('{') != field.npos) call.fail("format: nested fields are not supported");
    if (const auto colon = field.find(':'); colon != field.npos)
      specification = field.substr(colon + 1), field = field.substr(0, colon);
    char conversion = 0;
    if (const auto mark = field.find('!'); mark != field.npos) {
      if (mark + 2 != field.size() || (field[mark + 1] != 'r' && field[mark + 1] != 's'))
        call.fail("format: a wrong conversion");
      conversion = field[mark + 1], field = field.substr(0, mark);
    }
    Value value = field_value(call, field, arguments, next);
    if (conversion != 0) value = Value(conversion == 'r' ? to_repr(value) : to_text(value));
    call.charge(4);
    out += formatted(call, value, specification);
    call.check_size(out.size());
    at = end + 1;
  }
  return call.made(std::move(out));
}

Value format_percent(const Call& call, const std::string& pattern, const Value& values) {
  const bool several = values.is_list() && values.list().is_tuple;
  std::size_t next = 0;
  std::string out;
  for (std::size_t at = 0; at < pattern.size();) {
    if (pattern[at] != '%') {
      out += pattern[at++];
      continue;
    }
    ++at;
    std::optional<Value> named;
    if (at < pattern.size() && pattern[at] == '(') {
      const std::size_t end = pattern.find(')', at);
      if (end == pattern.npos || !values.is_dict()) call.fail("a named format needs a mapping");
      const Value* found = values.find(std::string_view(pattern).substr(at + 1, end - at - 1));
      if (found == nullptr) call.fail("a format names what the mapping has not");
      named = *found, at = end + 1;
    }
    Spec spec;
    spec.align = '>';
    for (; at < pattern.size() && std::string_view("-+ 0#").find(pattern[at]) != std::string_view::npos; ++at) {
      if (pattern[at] == '-') spec.align = '<';
      if (pattern[at] == '0' && spec.align != '<') spec.fill = "0", spec.align = '=';
      if (pattern[at] == '#') spec.alternate = true;
      if (pattern[at] == '+' || (pattern[at] == ' ' && spec.sign != '+')) spec.sign = pattern[at];
    }
    if (spec.align == '<') spec.fill = " ";
    spec.width = read_number(call, pattern, at, kWidest);
    if (at < pattern.size() && pattern[at] == '.') spec.precision = read_number(call, pattern, ++at, kMostDigits);
    if (at >= pattern.size()) call.fail("an incomplete format");
    const char type = pattern[at++];
    if (type == '%') {
      out += '%';
      continue;
    }
    if (!named && next >= (several ? values.list().items.size() : 1)) call.fail("not enough arguments for the format");
    const Value value = named ? *named : several ? values.list().items[next] : values;
    ++next;
    if (type == 's' || type == 'r' || type == 'a') {
      spec.fill = " ";
      out += padded("", cut(type == 's' ? to_text(value) : to_repr(value), spec.precision), spec,
                    spec.align == '=' ? '>' : spec.align);
    } else if (std::string_view("diuxXoeEfFgG").find(type) != std::string_view::npos) {
      if (!value.is_number()) call.fail("a number is required by the format");
      const bool whole = std::string_view("diuxXo").find(type) != std::string_view::npos;
      spec.type = type == 'i' || type == 'u' ? 'd' : type;
      if (whole && !value.is_integral() && !(std::abs(value.real()) < 9e18))
        call.fail("a number is too large for the format");
      if (whole) spec.precision = -1;
      out += number_text(call, whole && !value.is_integral() ? Value(static_cast<std::int64_t>(value.real())) : value,
                         spec);
    } else {
      call.fail("an unsupported format character");
    }
    call.check_size(out.size());
  }
  if (several && next < values.list().items.size()) call.fail("not all arguments were used by the format");
  return call.made(std::move(out));
}

}  // namespace hearth
