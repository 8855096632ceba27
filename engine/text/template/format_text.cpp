// "..." % values and "...".format(values).
#include "engine/text/template/format_text.h"

#include <charconv>
#include <cmath>

#include "engine/text/template/format_spec.h"
#include "engine/text/template/interpreter.h"
#include "engine/text/template/unicode.h"

namespace hearth {
namespace {

using Error = TemplateError::Kind;

std::string formatted(Interpreter& in, const Value& value, const FormatSpec& spec) {
  in.charge_bytes(spec.width * spec.fill.size());
  in.charge(value.cost());
  return format_value(value, spec);
}

// One rendering of a pattern with percent signs.
class PercentFormatter {
 public:
  PercentFormatter(Interpreter& in, const std::string& pattern, const Value& values)
      : in_(in), pattern_(pattern), values_(values) {}

  std::string run() {
    std::string out;
    while (at_ < pattern_.size()) {
      const std::size_t sign = std::min(pattern_.find('%', at_), pattern_.size());
      out.append(pattern_, at_, sign - at_);
      at_ = sign + 1;
      if (sign < pattern_.size()) out += directive();
      in_.limit_bytes(out.size());
    }
    const bool all = values_.is_dict() || used_ == (values_.is_tuple() ? values_.list().items.size() : 1);
    if (!all && !(used_ == 0 && values_.is_list() && !values_.is_tuple()))
      in_.fail(Error::type, "not all values of a '%' format were used");
    return out;
  }

 private:
  char peek() {
    if (at_ >= pattern_.size()) in_.fail(Error::type, "an incomplete '%' format");
    return pattern_[at_];
  }

  const Value& next_value() {
    if (!values_.is_tuple()) {
      if (used_++ > 0) in_.fail(Error::type, "too few values for a '%' format");
      return values_;
    }
    if (used_ >= values_.list().items.size()) in_.fail(Error::type, "too few values for a '%' format");
    return values_.list().items[used_++];
  }

  Value named_value() {
    const std::size_t close = pattern_.find(')', at_);
    if (close == std::string::npos) in_.fail(Error::type, "an incomplete '%' format");
    const std::string name = pattern_.substr(at_ + 1, close - at_ - 1);
    at_ = close + 1;
    if (!values_.is_dict()) in_.fail(Error::type, "a '%' format with names needs a dict");
    const Value* found = values_.find(name);
    if (!found) in_.fail(Error::type, "a '%' format names the unknown '" + name + "'");
    return *found;
  }

  std::string directive() {
    Value value;
    const bool named = peek() == '(';
    if (named) value = named_value();
    std::string spec;
    bool left = false, zero = false;
    for (char c = peek(); c == '-' || c == '0' || c == '+' || c == ' ' || c == '#'; ++at_, c = peek()) {
      left = left || c == '-', zero = zero || c == '0';
      if (c == '+' || (c == ' ' && !spec.starts_with('+'))) spec.insert(0, 1, c);
      if (c == '#') spec.push_back('#');
    }
    const std::size_t digits = at_;
    while ((peek() >= '0' && peek() <= '9') || peek() == '.') ++at_;
    std::string size = pattern_.substr(digits, at_ - digits);
    if (size.ends_with('.')) size += '0';
    const char type = pattern_[at_++];
    if (type == '%') return "%";
    if (!named) value = next_value();
    if (std::string_view("sra").find(type) != std::string_view::npos) {
      const std::string text = type == 's' ? in_.str(value) : to_repr(value);
      return formatted(in_, text, parse_format_spec((left ? "<" : ">") + size));
    }
    return number(value, type, (left ? "<" : zero ? "0=" : ">") + spec + size);
  }

  std::string number(const Value& value, char type, const std::string& spec) {
    if (type == 'c') {
      const FormatSpec parsed = parse_format_spec(spec + (value.is_string() ? "" : "c"));
      if (value.is_string() && text_length(value.string()) != 1) in_.fail(Error::type, "%c needs one character");
      return formatted(in_, value, parsed);
    }
    if (value.is_undefined()) in_.fail(Error::undefined, "a value of a '%' format is undefined");
    const bool whole = std::string_view("diuoxX").find(type) != std::string_view::npos;
    if (!value.is_number()) in_.fail(Error::type, std::string("%") + type + " needs a number");
    if (!whole) return formatted(in_, value.real(), parse_format_spec(spec + type));
    std::int64_t number = 0;
    if (value.is_integral())
      number = value.integer();
    else if (std::abs(value.real()) < 9e18 && (type == 'd' || type == 'i' || type == 'u'))
      number = static_cast<std::int64_t>(value.real());
    else
      in_.fail(Error::type, std::string("%") + type + " needs an integer");
    return formatted(in_, number, parse_format_spec(spec + (type == 'i' || type == 'u' ? 'd' : type)));
  }

  Interpreter& in_;
  const std::string& pattern_;
  const Value& values_;
  std::size_t at_ = 0;
  std::size_t used_ = 0;
};

// One rendering of a pattern with braces.
class BraceFormatter {
 public:
  BraceFormatter(Interpreter& in, const Arguments& arguments) : in_(in), arguments_(arguments) {}

  std::string run(std::string_view pattern, int depth = 0) {
    if (depth > 1) in_.fail(Error::type, "a format is nested too deeply");
    std::string out;
    for (std::size_t at = 0; at < pattern.size();) {
      const char c = pattern[at];
      if ((c == '{' || c == '}') && at + 1 < pattern.size() && pattern[at + 1] == c) {
        out.push_back(c), at += 2;
      } else if (c == '}') {
        in_.fail(Error::type, "a single '}' in a format");
      } else if (c == '{') {
        const std::size_t end = closing(pattern, at);
        out += field(pattern.substr(at + 1, end - at - 1), depth);
        at = end + 1;
      } else {
        out.push_back(c), ++at;
      }
      if (c == '{') in_.limit_bytes(out.size());
    }
    return out;
  }

 private:
  std::size_t closing(std::string_view pattern, std::size_t open) {
    int level = 0;
    for (std::size_t i = open; i < pattern.size(); ++i) {
      if (pattern[i] == '{') ++level;
      if (pattern[i] == '}' && --level == 0) return i;
    }
    in_.fail(Error::type, "a '{' in a format is not closed");
  }

  // name!conversion:spec
  std::string field(std::string_view text, int depth) {
    std::size_t end = 0;
    for (bool inside = false; end < text.size() && (inside || (text[end] != ':' && text[end] != '!')); ++end) {
      if (text[end] == '[') inside = true;
      if (text[end] == ']') inside = false;
    }
    Value value = find(text.substr(0, end));
    text.remove_prefix(end);
    if (text.starts_with('!')) {
      const char conversion = text.size() > 1 ? text[1] : '\0';
      if (conversion == 's')
        value = in_.str(value);
      else if (conversion == 'r' || conversion == 'a')
        value = to_repr(value);
      else
        in_.fail(Error::type, "an unknown conversion in a format");
      text.remove_prefix(2);
    }
    if (text.empty()) return in_.str(value);
    if (!text.starts_with(':')) in_.fail(Error::type, "expected ':' in a format");
    const FormatSpec spec = parse_format_spec(run(text.substr(1), depth + 1));
    return formatted(in_, value, spec);
  }

  // The value of "0", "name" or nothing, with ".attribute" and "[item]" behind.
  Value find(std::string_view text) {
    std::size_t at = std::min(text.find_first_of(".["), text.size());
    Value value = argument(text.substr(0, at));
    while (at < text.size()) {
      const bool bracket = text[at] == '[';
      const std::size_t start = at + 1;
      at = std::min(bracket ? text.find(']', start) : text.find_first_of(".[", start), text.size());
      const std::string_view name = text.substr(start, at - start);
      if (name.empty()) in_.fail(Error::type, "an empty name in a format");
      std::size_t number = 0;
      if (bracket)
        value = in_.item(value, is_number(name, number) ? Value(number) : Value(name));
      else
        value = in_.attribute(value, std::string(name));
      if (bracket) ++at;
    }
    return value;
  }

  Value argument(std::string_view name) {
    std::size_t number = next_;
    if (name.empty()) ++next_;
    if (name.empty() || is_number(name, number)) {
      if (number >= arguments_.plain.size()) in_.fail(Error::type, "too few values for a format");
      return arguments_.plain[number];
    }
    in_.charge(arguments_.named.size() / 8);
    for (const auto& [key, value] : arguments_.named) {
      if (key == name) return value;
    }
    in_.fail(Error::type, "a format names the unknown '" + std::string(name) + "'");
  }

  static bool is_number(std::string_view text, std::size_t& number) {
    const auto done = std::from_chars(text.data(), text.data() + text.size(), number);
    return done.ec == std::errc{} && done.ptr == text.data() + text.size();
  }

  Interpreter& in_;
  const Arguments& arguments_;
  std::size_t next_ = 0;
};

}  // namespace

std::string format_percent(Interpreter& in, const std::string& pattern, const Value& values) {
  in.charge_bytes(pattern.size());
  return PercentFormatter(in, pattern, values).run();
}

std::string format_braces(Interpreter& in, const std::string& pattern, const Arguments& arguments) {
  in.charge_bytes(pattern.size());
  return BraceFormatter(in, arguments).run(pattern);
}

}  // namespace hearth
