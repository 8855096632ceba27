// Unicode through libutf8proc.
#include "engine/text/tokenizer/unicode.h"

#include <utf8proc.h>

namespace hearth {
namespace {

// Bytes that the character announced by its first byte has; 0 where no character begins so.
size_t announced_size(unsigned char first) {
  if (first < 0x80) return 1;
  if (first >= 0xC2 && first < 0xE0) return 2;
  if (first >= 0xE0 && first < 0xF0) return 3;
  if (first >= 0xF0 && first < 0xF5) return 4;
  return 0;
}

// Whether `text` ends inside a character that begins at `at`.
bool is_cut_short(std::string_view text, size_t at) {
  const size_t size = announced_size(static_cast<unsigned char>(text[at]));
  if (size <= text.size() - at) return false;
  for (size_t i = at + 1; i < text.size(); ++i) {
    if ((static_cast<unsigned char>(text[i]) & 0xC0u) != 0x80) return false;
  }
  return true;
}

}  // namespace

Character read_character(std::string_view text, size_t at) {
  const auto first = static_cast<unsigned char>(text[at]);
  if (first < 0x80) return {first, 1, true};
  utf8proc_int32_t code = -1;
  const auto* bytes = reinterpret_cast<const utf8proc_uint8_t*>(text.data() + at);
  const size_t left = text.size() - at < 4 ? text.size() - at : 4;
  const auto size = utf8proc_iterate(bytes, static_cast<utf8proc_ssize_t>(left), &code);
  if (size <= 0) return {0xFFFD, 1, false};
  return {static_cast<char32_t>(code), static_cast<uint32_t>(size), true};
}

bool is_space(char32_t c) {
  return (c >= 0x09 && c <= 0x0D) || c == 0x20 || c == 0x85 || c == 0xA0 || c == 0x1680 ||
         (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F || c == 0x3000;
}

CharKind char_kind(char32_t code) {
  if (is_space(code)) return CharKind::space;
  switch (utf8proc_category(static_cast<utf8proc_int32_t>(code))) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
      return CharKind::letter;
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_NO:
      return CharKind::number;
    case UTF8PROC_CATEGORY_PC:
    case UTF8PROC_CATEGORY_PD:
    case UTF8PROC_CATEGORY_PS:
    case UTF8PROC_CATEGORY_PE:
    case UTF8PROC_CATEGORY_PI:
    case UTF8PROC_CATEGORY_PF:
    case UTF8PROC_CATEGORY_PO:
      return CharKind::punctuation;
    default:
      return CharKind::other;
  }
}

LetterCase letter_case(char32_t code) {
  switch (utf8proc_category(static_cast<utf8proc_int32_t>(code))) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LT:
      return LetterCase::upper;
    case UTF8PROC_CATEGORY_LL:
      return LetterCase::lower;
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_MC:
    case UTF8PROC_CATEGORY_ME:
      return LetterCase::either;
    default:
      return LetterCase::none;
  }
}

bool is_mark(char32_t code) {
  const auto category = utf8proc_category(static_cast<utf8proc_int32_t>(code));
  return category == UTF8PROC_CATEGORY_MN || category == UTF8PROC_CATEGORY_MC || category == UTF8PROC_CATEGORY_ME;
}

bool is_symbol(char32_t code) {
  const auto category = utf8proc_category(static_cast<utf8proc_int32_t>(code));
  return category == UTF8PROC_CATEGORY_SM || category == UTF8PROC_CATEGORY_SC || category == UTF8PROC_CATEGORY_SK ||
         category == UTF8PROC_CATEGORY_SO;
}

bool is_control(char32_t code) {
  const auto category = utf8proc_category(static_cast<utf8proc_int32_t>(code));
  return category == UTF8PROC_CATEGORY_CC || category == UTF8PROC_CATEGORY_CF || category == UTF8PROC_CATEGORY_CS ||
         category == UTF8PROC_CATEGORY_CO || category == UTF8PROC_CATEGORY_CN;
}

void append_plain_lower(char32_t code, std::string& out) {
  utf8proc_int32_t parts[16];  // no character decomposes to more
  int boundary = 0;
  const auto lower = utf8proc_tolower(static_cast<utf8proc_int32_t>(code));
  const auto count = utf8proc_decompose_char(lower, parts, 16, UTF8PROC_DECOMPOSE, &boundary);
  for (utf8proc_ssize_t i = 0; i < count && i < 16; ++i) {
    if (utf8proc_category(parts[i]) == UTF8PROC_CATEGORY_MN) continue;
    utf8proc_uint8_t bytes[4];
    const auto size = utf8proc_encode_char(parts[i], bytes);
    out.append(reinterpret_cast<const char*>(bytes), static_cast<size_t>(size));
  }
}

void move_valid_utf8(std::string& bytes, std::string& out, bool last) {
  size_t at = 0;
  while (at < bytes.size()) {
    const Character character = read_character(bytes, at);
    if (character.valid) {
      out.append(bytes, at, character.size);
    } else {
      if (!last && is_cut_short(bytes, at)) break;
      out += "\xEF\xBF\xBD";
    }
    at += character.size;
  }
  bytes.erase(0, at);
}

}  // namespace hearth
