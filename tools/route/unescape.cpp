// One pass from left to right.
#include "tools/route/unescape.h"

#include <charconv>
#include <cstdint>
#include <optional>

namespace hearth::route {
namespace {

constexpr size_t kUnit = 6;  // "\u00dc"

// The unit of UTF-16 that begins here.
std::optional<uint32_t> unit_at(std::string_view text, size_t at) {
  if (at + kUnit > text.size() || text[at] != '\\' || text[at + 1] != 'u') return std::nullopt;
  uint32_t unit = 0;
  const char* const end = text.data() + at + kUnit;
  const auto [stopped, error] = std::from_chars(end - 4, end, unit, 16);
  return error == std::errc() && stopped == end ? std::optional(unit) : std::nullopt;
}

void append_utf8(std::string& text, uint32_t code) {
  const auto add = [&](uint32_t byte) { text += static_cast<char>(byte); };
  if (code < 0x80) return add(code);
  if (code < 0x800) {
    add(0xC0 | code >> 6);
  } else if (code < 0x10000) {
    add(0xE0 | code >> 12);
    add(0x80 | (code >> 6 & 0x3F));
  } else {
    add(0xF0 | code >> 18);
    add(0x80 | (code >> 12 & 0x3F));
    add(0x80 | (code >> 6 & 0x3F));
  }
  add(0x80 | (code & 0x3F));
}

}  // namespace

std::string unescaped(std::string_view text) {
  constexpr std::string_view kLetters = "\"\\/bfnrt", kMeanings = "\"\\/\b\f\n\r\t";
  std::string result;
  for (size_t i = 0; i < text.size(); ++i) {
    const size_t letter = text[i] == '\\' && i + 1 < text.size() ? kLetters.find(text[i + 1]) : kLetters.npos;
    if (letter != kLetters.npos) {
      result += kMeanings[letter];
      ++i;
    } else if (auto code = unit_at(text, i)) {
      i += kUnit - 1;
      const auto low = *code >= 0xD800 && *code < 0xDC00 ? unit_at(text, i + 1) : std::nullopt;
      if (low && *low >= 0xDC00 && *low < 0xE000) {
        code = 0x10000 + ((*code - 0xD800) << 10) + (*low - 0xDC00);
        i += kUnit;
      } else if (*code >= 0xD800 && *code < 0xE000) {
        code = 0xFFFD;
      }
      append_utf8(result, *code);
    } else {
      result += text[i];
    }
  }
  return result;
}

}  // namespace hearth::route
