// Methods of strings, as Python's; positions and widths count code points.
#include <algorithm>

#include "engine/text/template/call.h"
#include "engine/text/template/unicode.h"

namespace hearth {
namespace {

const std::string& self(const Call& call) {
  call.charge(1 + call.subject.string().size() / 4);
  return call.subject.string();
}

template <bool left, bool right>
Value strip(const Call& call) {
  const std::string& s = self(call);
  const Value given = call.value(0, "chars");
  const bool spaces = given.is_undefined() || given.is_none();
  const std::string chars = spaces ? "" : call.text(0, "chars");
  const std::string_view view = chars;
  return call.made(std::string(strip_text(s, left, right, spaces ? nullptr : &view)));
}

template <std::string (*change)(std::string_view)>
Value changed(const Call& call) {
  return call.made(change(self(call)));
}

Value swap_case(const Call& call) {
  const std::string& s = self(call);
  std::string out;
  for (std::size_t at = 0; at < s.size();) {
    const std::size_t start = at;
    const char32_t code = next_code_point(s, at);
    const std::string_view one = std::string_view(s).substr(start, at - start);
    out += lower_code_point(code) != code ? lower_text(one) : upper_text(one);
  }
  return call.made(std::move(out));
}

// The part of the subject that start and end (arguments 1 and 2) leave, and where it begins in code points.
struct Window {
  std::string text;
  std::int64_t begin = 0;
  bool valid = true;
};
Window window(const Call& call) {
  const std::string& s = self(call);
  if (!call.given(1, "start") && !call.given(2, "end")) return {s};
  const auto offsets = code_point_offsets(s);
  const auto length = static_cast<std::int64_t>(offsets.size()) - 1;
  const auto place = [&](std::int64_t i) { return std::clamp<std::int64_t>(i < 0 ? i + length : i, 0, length); };
  const std::int64_t start = call.integer(1, "start", 0), begin = place(start);
  const std::int64_t end = place(std::min(call.integer(2, "end", length), length));
  if (start > length || end < begin) return {"", begin, false};
  const auto first = offsets[static_cast<std::size_t>(begin)], last = offsets[static_cast<std::size_t>(end)];
  return {s.substr(first, last - first), begin};
}

template <bool start>
Value begins_or_ends(const Call& call) {
  const Window in = window(call);
  const Value given = call.value(0, "prefix");
  const std::vector<Value> options = given.is_list() ? given.list().items : std::vector<Value>{given};
  for (const Value& one : options) {
    if (!one.is_string()) call.fail("startswith and endswith need strings");
    if (in.valid && (start ? in.text.starts_with(one.string()) : in.text.ends_with(one.string()))) return true;
  }
  return false;
}

template <bool from_right, bool must>
Value find(const Call& call) {
  const Window in = window(call);
  const std::string wanted = call.text(0, "sub");
  call.charge_search(in.text.size(), wanted.size());
  const std::size_t at = !in.valid ? std::string::npos : from_right ? in.text.rfind(wanted) : in.text.find(wanted);
  if (at != std::string::npos)
    return in.begin + static_cast<std::int64_t>(text_length(std::string_view(in.text).substr(0, at)));
  if (must) call.fail("substring not found");
  return -1;
}

Value count(const Call& call) {
  const Window in = window(call);
  const std::string wanted = call.text(0, "sub");
  if (!in.valid) return 0;
  if (wanted.empty()) return text_length(in.text) + 1;
  call.charge_search(in.text.size(), wanted.size());
  std::int64_t found = 0;
  for (std::size_t at = 0; (at = in.text.find(wanted, at)) != std::string::npos; at += wanted.size()) ++found;
  return found;
}

Value replace(const Call& call) {
  const std::string &s = self(call), from = call.text(0, "old"), to = call.text(1, "new");
  std::int64_t most = call.integer(2, "count", -1);
  if (most < 0) most = INT64_MAX;
  call.charge_search(s.size(), from.size());
  std::string out;
  std::size_t at = 0;
  if (from.empty()) {  // before every code point and at the end
    while (most > 0) {
      out += to, --most;
      if (at >= s.size()) break;
      const std::size_t start = at;
      next_code_point(s, at);
      out.append(s, start, at - start);
      call.check_size(out.size());
    }
  } else {
    for (std::size_t hit; most-- > 0 && (hit = s.find(from, at)) != s.npos; at = hit + from.size()) {
      out.append(s, at, hit - at).append(to);
      call.check_size(out.size());
    }
  }
  return call.made(out.append(s, std::min(at, s.size()), s.npos));
}

template <bool prefix>
Value remove(const Call& call) {
  const std::string &s = self(call), part = call.text(0, "part");
  if (prefix) return call.made(s.starts_with(part) ? s.substr(part.size()) : s);
  return call.made(s.ends_with(part) ? s.substr(0, s.size() - part.size()) : s);
}

enum class Side { left, right, middle };
template <Side side>
Value justify(const Call& call) {
  const std::string &s = self(call), fill = call.text(1, "fillchar", " ");
  if (text_length(fill) != 1) call.fail("the fill character must be exactly one character long");
  const std::int64_t width = call.integer(0, "width"), length = static_cast<std::int64_t>(text_length(s));
  if (width <= length) return call.made(s);
  const auto missing = static_cast<std::size_t>(width - length);
  if (missing > call.most_bytes()) call.check_size(missing);
  call.check_size(missing * fill.size() + s.size());
  // Python puts the odd one to the left where the width is odd.
  const std::size_t left = side == Side::left    ? 0
                           : side == Side::right ? missing
                                                 : missing / 2 + (missing & static_cast<std::size_t>(width) & 1);
  std::string out;
  for (std::size_t i = 0; i < left; ++i) out += fill;
  out += s;
  for (std::size_t i = left; i < missing; ++i) out += fill;
  return call.made(std::move(out));
}

Value zero_fill(const Call& call) {
  const std::string& s = self(call);
  const std::int64_t width = call.integer(0, "width"), length = static_cast<std::int64_t>(text_length(s));
  if (width <= length) return call.made(s);
  call.check_size(static_cast<std::size_t>(width));
  const bool sign = !s.empty() && (s[0] == '-' || s[0] == '+');
  std::string out = s;
  return call.made(out.insert(sign ? 1 : 0, static_cast<std::size_t>(width - length), '0'));
}

bool is_digit(char32_t code) { return code >= '0' && code <= '9'; }
bool is_letter_or_digit(char32_t code) { return is_letter(code) || is_digit(code); }
bool is_ascii(char32_t code) { return code < 128; }

// Whether there is a code point, and all are of a kind.
template <bool (*kind)(char32_t), bool of_nothing = false>
Value all_are(const Call& call) {
  const std::string& s = self(call);
  for (std::size_t at = 0; at < s.size();)
    if (!kind(next_code_point(s, at))) return false;
  return of_nothing || !s.empty();
}

Value is_upper(const Call& call) {
  return upper_text(self(call)) == call.subject.string() && lower_text(call.subject.string()) != call.subject.string();
}
Value is_lower(const Call& call) {
  return lower_text(self(call)) == call.subject.string() && upper_text(call.subject.string()) != call.subject.string();
}
Value is_title(const Call& call) {
  const std::string& s = self(call);
  return title_text(s) == s && lower_text(s) != s;
}

Value join(const Call& call) {
  std::string out;
  bool first = true;
  for (const Value& one : call.items(call.value(0, "iterable"))) {
    if (!one.is_string()) call.fail("join needs strings");
    if (!std::exchange(first, false)) out += call.subject.string();
    out += one.string();
    call.check_size(out.size());
  }
  return call.made(std::move(out));
}

Value format(const Call& call) { return format_text(call, self(call), call.arguments); }

constexpr NamedFunction kTable[] = {
    {"capitalize", changed<capitalize_text>},
    {"casefold", changed<lower_text>},
    {"center", justify<Side::middle>},
    {"count", count},
    {"endswith", begins_or_ends<false>},
    {"find", find<false, false>},
    {"format", format},
    {"index", find<false, true>},
    {"isalnum", all_are<is_letter_or_digit>},
    {"isalpha", all_are<is_letter>},
    {"isascii", all_are<is_ascii, true>},
    {"isdecimal", all_are<is_digit>},
    {"isdigit", all_are<is_digit>},
    {"islower", is_lower},
    {"isnumeric", all_are<is_digit>},
    {"isspace", all_are<is_python_space>},
    {"istitle", is_title},
    {"isupper", is_upper},
    {"join", join},
    {"ljust", justify<Side::left>},
    {"lower", changed<lower_text>},
    {"lstrip", strip<true, false>},
    {"removeprefix", remove<true>},
    {"removesuffix", remove<false>},
    {"replace", replace},
    {"rfind", find<true, false>},
    {"rindex", find<true, true>},
    {"rjust", justify<Side::right>},
    {"rstrip", strip<false, true>},
    {"startswith", begins_or_ends<true>},
    {"strip", strip<true, true>},
    {"swapcase", swap_case},
    {"title", changed<title_text>},
    {"upper", changed<upper_text>},
    {"zfill", zero_fill},
};

}  // namespace

std::span<const NamedFunction> text_methods() { return kTable; }

}  // namespace hearth
