// Methods of str that make another text or judge one: case, padding, stripping, replacing, classes of characters.
#include <algorithm>

#include "engine/text/template/filters.h"
#include "engine/text/template/format_spec.h"
#include "engine/text/template/format_text.h"
#include "engine/text/template/texts.h"

namespace hearth {
namespace {

using Error = TemplateError::Kind;

template <std::string (*map)(std::string_view)>
Value mapped(Interpreter& in, const Value& self, const Bound&) {
  return in.text(map(self.string()));
}

std::string swap_case(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t start = at;
    const bool upper = class_of(next_code_point(text, at)) == CharacterClass::upper;
    const std::string_view one = text.substr(start, at - start);
    out += upper ? lower_text(one) : upper_text(one);
  }
  return out;
}

Value casefold(Interpreter& in, const Value& self, const Bound&) {
  return in.text(replace_text(in, lower_text(self.string()), "ß", "ss", -1));
}

template <bool left, bool right>
Value strip(Interpreter& in, const Value& self, const Bound& a) {
  if (!a.given(0)) return in.text(std::string(strip_text(self.string(), left, right)));
  const std::string_view chars = a.string(0);
  in.charge_search(self.string().size(), chars.size());
  return in.text(std::string(strip_text(self.string(), left, right, &chars)));
}

Value remove_prefix(Interpreter& in, const Value& self, const Bound& a) {
  const std::string& s = self.string();
  return in.text(s.starts_with(a.string(0)) ? s.substr(a.string(0).size()) : s);
}
Value remove_suffix(Interpreter& in, const Value& self, const Bound& a) {
  const std::string& s = self.string();
  return in.text(s.ends_with(a.string(0)) ? s.substr(0, s.size() - a.string(0).size()) : s);
}

template <char align>
Value justify(Interpreter& in, const Value& self, const Bound& a) {
  const std::string fill = a.find(1) ? a.string(1) : " ";
  if (text_length(fill) != 1) in.fail(Error::type, "the fill must be one character");
  const auto width = static_cast<std::size_t>(std::max<std::int64_t>(0, a.integer(0)));
  in.charge_bytes(std::min<std::size_t>(width, SIZE_MAX / 8) * fill.size());
  const std::string& s = self.string();
  const std::size_t length = text_length(s);
  // str.center puts an odd blank to the left where the width is odd.
  if (align == '^' && width > length && (width - length) % 2 == 1 && width % 2 == 1)
    return in.text(aligned(aligned(s, length + 1, '>', fill), width, '^', fill));
  return in.text(aligned(s, width, align, fill));
}

Value zfill(Interpreter& in, const Value& self, const Bound& a) {
  const std::string& s = self.string();
  const auto width = static_cast<std::size_t>(std::max<std::int64_t>(0, a.integer(0)));
  in.charge_bytes(width);
  const std::size_t length = text_length(s);
  if (width <= length) return self;
  const std::size_t sign = s.starts_with('+') || s.starts_with('-') ? 1 : 0;
  return in.text(s.substr(0, sign) + std::string(width - length, '0') + s.substr(sign));
}

Value expand_tabs(Interpreter& in, const Value& self, const Bound& a) {
  const std::int64_t size = a.integer(0, 8);
  std::string out;
  std::int64_t column = 0;
  for (std::size_t at = 0; at < self.string().size();) {
    const std::size_t start = at;
    const char32_t code = next_code_point(self.string(), at);
    if (code != '\t') {
      out.append(self.string(), start, at - start);
      column = code == '\n' || code == '\r' ? 0 : column + 1;
      continue;
    }
    const std::int64_t blanks = size > 0 ? size - column % size : 0;
    in.charge_bytes(static_cast<std::size_t>(blanks));
    out.append(static_cast<std::size_t>(blanks), ' ');
    column += blanks;
  }
  return in.text(out);
}

Value replace(Interpreter& in, const Value& self, const Bound& a) {
  return in.text(replace_text(in, self.string(), a.string(0), a.string(1), a.integer(2, -1)));
}

Value join(Interpreter& in, const Value& self, const Bound& a) {
  const std::vector<Value> parts = in.items_of(*a.find(0));
  std::string out;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (i > 0) out += self.string();
    if (!parts[i].is_string()) in.fail(Error::type, "join needs strings");
    out += parts[i].string();
    in.limit_bytes(out.size());
  }
  return in.text(out);
}

Value format(Interpreter& in, const Value& self, const Bound& a) {
  return in.text(format_braces(in, self.string(), a.all()));
}

// True where the text is not empty and every character is of the kind.
template <bool (*holds)(char32_t)>
Value every(Interpreter&, const Value& self, const Bound&) {
  const std::string& s = self.string();
  for (std::size_t at = 0; at < s.size();) {
    if (!holds(next_code_point(s, at))) return false;
  }
  return !s.empty();
}
bool is_digit(char32_t c) { return class_of(c) == CharacterClass::digit; }
bool is_superscript(char32_t c) {
  return c == 0xB2 || c == 0xB3 || c == 0xB9 || c == 0x2070 || (c >= 0x2074 && c <= 0x2079);
}
bool is_digit_like(char32_t c) { return is_digit(c) || is_superscript(c); }
bool is_numeric(char32_t c) { return is_digit(c) || class_of(c) == CharacterClass::number; }
bool is_alphanumeric(char32_t c) { return is_letter(c) || is_numeric(c); }
bool is_ascii(char32_t c) { return c < 0x80; }

Value is_ascii_text(Interpreter& in, const Value& self, const Bound& a) {
  return self.string().empty() || every<is_ascii>(in, self, a).truthy();
}
Value is_printable_text(Interpreter& in, const Value& self, const Bound& a) {
  return self.string().empty() || every<is_printable>(in, self, a).truthy();
}
Value is_upper(Interpreter&, const Value& self, const Bound&) {
  return is_of_case(self.string(), CharacterClass::upper);
}
Value is_lower(Interpreter&, const Value& self, const Bound&) {
  return is_of_case(self.string(), CharacterClass::lower);
}

Value is_title(Interpreter&, const Value& self, const Bound&) {
  bool cased = false, inside = false;
  for (std::size_t at = 0; at < self.string().size();) {
    const CharacterClass found = class_of(next_code_point(self.string(), at));
    const bool upper = found == CharacterClass::upper;
    const bool lower = found == CharacterClass::lower;
    if ((upper && inside) || (lower && !inside)) return false;
    inside = upper || lower;
    cased = cased || inside;
  }
  return cased;
}

Value is_identifier(Interpreter&, const Value& self, const Bound&) {
  const std::string& s = self.string();
  for (std::size_t at = 0; at < s.size();) {
    const bool first = at == 0;
    const char32_t code = next_code_point(s, at);
    if (!is_word(code) || (first && is_numeric(code))) return false;
  }
  return !s.empty();
}

constexpr Filter kTextMethods[] = {{"upper", "", mapped<upper_text>},
                                   {"lower", "", mapped<lower_text>},
                                   {"casefold", "", casefold},
                                   {"title", "", mapped<title_text>},
                                   {"capitalize", "", mapped<capitalize_text>},
                                   {"swapcase", "", mapped<swap_case>},
                                   {"strip", "chars", strip<true, true>},
                                   {"lstrip", "chars", strip<true, false>},
                                   {"rstrip", "chars", strip<false, true>},
                                   {"removeprefix", "prefix!", remove_prefix},
                                   {"removesuffix", "suffix!", remove_suffix},
                                   {"ljust", "width! fillchar", justify<'<'>},
                                   {"rjust", "width! fillchar", justify<'>'>},
                                   {"center", "width! fillchar", justify<'^'>},
                                   {"zfill", "width!", zfill},
                                   {"expandtabs", "tabsize", expand_tabs},
                                   {"replace", "old! new! count", replace},
                                   {"join", "iterable!", join},
                                   {"format", "*", format},
                                   {"isalpha", "", every<is_letter>},
                                   {"isalnum", "", every<is_alphanumeric>},
                                   {"isdecimal", "", every<is_digit>},
                                   {"isdigit", "", every<is_digit_like>},
                                   {"isnumeric", "", every<is_numeric>},
                                   {"isspace", "", every<is_python_space>},
                                   {"isascii", "", is_ascii_text},
                                   {"isprintable", "", is_printable_text},
                                   {"isupper", "", is_upper},
                                   {"islower", "", is_lower},
                                   {"istitle", "", is_title},
                                   {"isidentifier", "", is_identifier}};

}  // namespace

std::span<const Filter> text_methods() { return kTextMethods; }

bool is_of_case(std::string_view text, CharacterClass wanted) {
  bool cased = false;
  for (std::size_t at = 0; at < text.size();) {
    const char32_t code = next_code_point(text, at);
    if (!is_cased(code)) continue;
    if (class_of(code) != wanted) return false;
    cased = true;
  }
  return cased;
}

std::string replace_text(Interpreter& in, const std::string& s, const std::string& from, const std::string& to,
                         std::int64_t count) {
  in.charge_search(s.size(), from.size());
  std::string out;
  std::size_t at = 0;
  const auto put = [&](std::size_t end) {
    out.append(s, at, end - at);
    in.limit_bytes(out.size() + to.size());
    at = end;
  };
  if (from.empty()) {  // between all characters
    for (std::size_t end = 0; count != 0; next_code_point(s, end), --count) {
      put(end);
      out += to;
      if (end >= s.size()) break;
    }
  } else {
    for (std::size_t hit; count != 0 && (hit = s.find(from, at)) != s.npos; --count) {
      put(hit);
      out += to, at += from.size();
    }
  }
  return out.append(s, at, s.npos);
}

}  // namespace hearth
