// One pass: each character is what it says, an escape, or nothing to see.
#include "tools/redact/plain_text.h"

#include <algorithm>
#include <array>

namespace hearth::redact {
namespace {

int digit(char c) {
  return c >= '0' && c <= '9'   ? c - '0'
         : c >= 'a' && c <= 'f' ? c - 'a' + 10
         : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                : -1;
}

// The number that `count` hexadecimal digits at the beginning make; -1 where there are none.
int hex_number(std::string_view text, size_t count) {
  if (text.size() < count) return -1;
  int number = 0;
  for (size_t i = 0; i < count; ++i) {
    if (digit(text[i]) < 0) return -1;
    number = number * 16 + digit(text[i]);
  }
  return number;
}

bool is_invisible(int point) {
  return point == 0xAD || point == 0x34F || point == 0x61C || point == 0x180E || (point >= 0x200B && point <= 0x200F) ||
         (point >= 0x202A && point <= 0x202E) || (point >= 0x2060 && point <= 0x206F) ||
         (point >= 0xFE00 && point <= 0xFE0F) || point == 0xFEFF;
}

// The length of an invisible character in UTF-8 at the beginning; 0: it is another.
size_t invisible_length(std::string_view text) {
  const auto byte = [&](size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0; };
  if (byte(0) >= 0xC2 && byte(0) < 0xE0) return is_invisible((byte(0) & 31) << 6 | (byte(1) & 63)) ? 2 : 0;
  if (byte(0) < 0xE0 || byte(0) >= 0xF0) return 0;
  return is_invisible((byte(0) & 15) << 12 | (byte(1) & 63) << 6 | (byte(2) & 63)) ? 3 : 0;
}

// How the character that begins a terminal's sequence is written here; 0: it is not.
size_t escape_length(std::string_view text) {
  constexpr std::array<std::string_view, 9> kForms = {"\x1b",  "\\u001b", "\\u001B", "\\x1b", "\\x1B",
                                                      "\\033", "\\e",     "\\E",     "^["};
  for (const std::string_view form : kForms)
    if (text.starts_with(form)) return form.size();
  return 0;
}

// The length of a sequence that colours or erases: ESC [ parameters letter, or ESC ] words BEL.
size_t terminal_length(std::string_view text) {
  const size_t escape = escape_length(text);
  if (escape == 0 || escape >= text.size()) return 0;
  size_t at = escape + 1;
  if (text[escape] == ']' && text[0] == '\x1b') {
    constexpr size_t kLongest = 2048;
    const size_t end = text.substr(0, kLongest).find_first_of(std::string_view("\x07\x1b", 2), at);
    if (end == text.npos || end >= kLongest) return 0;
    return text[end] == '\x07' ? end + 1 : end + (text.substr(end).starts_with("\x1b\\") ? 2 : 0);
  }
  if (text[escape] != '[') return 0;
  while (at < text.size() && at < 40 && text[at] >= ' ' && text[at] <= '?') ++at;
  return at < text.size() && text[at] >= '@' && text[at] <= '~' ? at + 1 : 0;
}

struct Unit {
  size_t length = 0;   // 0: it is as it is written
  int character = -1;  // -1: nothing to see
};

// What is written as something else: \u003d, \x3d, %3D, \/.
Unit read(std::string_view text) {
  const char c = text.front();
  if (c == '\x1b' || c == '\\' || c == '^')
    if (const size_t length = terminal_length(text); length > 0) return {length};
  if (static_cast<unsigned char>(c) >= 0xC2) return {invisible_length(text)};
  if (c != '\\' && c != '%') return {};
  const auto printable = [](int point) { return point == '\n' || point == '\t' || (point >= ' ' && point < 0x7F); };
  if (c == '%') {
    const int point = hex_number(text.substr(1), 2);
    return printable(point) ? Unit{3, point} : Unit{};
  }
  if (text.starts_with("\\/")) return {2, '/'};
  const bool wide = text.starts_with("\\u");
  if (!wide && !text.starts_with("\\x")) return {};
  const size_t digits = wide ? 4 : 2;
  const int point = hex_number(text.substr(2), digits);
  if (is_invisible(point)) return {2 + digits};
  return printable(point) ? Unit{2 + digits, point} : Unit{};
}

}  // namespace

void PlainText::add(char c, size_t begin, size_t end) {
  const size_t at = plain_.size();
  plain_ += c;
  if (shifts_.empty() || shifts_.back().begin != begin - at || shifts_.back().end != end - at)
    shifts_.push_back({at, begin - at, end - at});
}

std::optional<PlainText> PlainText::of(std::string_view text) {
  constexpr std::string_view kSigns = "\x1b\\^%\xC2\xCD\xD8\xE1\xE2\xEF";
  if (text.find_first_of(kSigns) == text.npos) return std::nullopt;
  PlainText plain;
  bool changed = false;
  for (size_t at = 0; at < text.size();) {
    const Unit unit = read(text.substr(at));
    const size_t length = std::max<size_t>(unit.length, 1);
    if (unit.length == 0)
      plain.add(text[at], at, at + 1);
    else if (unit.character >= 0)
      plain.add(static_cast<char>(unit.character), at, at + length);
    changed |= unit.length > 0;
    at += length;
  }
  if (!changed) return std::nullopt;
  return plain;
}

std::pair<size_t, size_t> PlainText::original(size_t begin, size_t end) const {
  const auto shift = [&](size_t at) { return *std::prev(std::ranges::upper_bound(shifts_, at, {}, &Shift::at)); };
  return {begin + shift(begin).begin, end - 1 + shift(end - 1).end};
}

}  // namespace hearth::redact
