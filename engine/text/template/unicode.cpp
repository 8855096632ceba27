// UTF-8 decoding, Python's white space and line ends; character classes and case come from libutf8proc.
#include "engine/text/template/unicode.h"

#include <utf8proc.h>

namespace hearth {

char32_t next_code_point(std::string_view text, std::size_t& at) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(at++);
  if (first < 0x80) return first;
  int more = 0;
  char32_t code = 0;
  char32_t least = 0;
  if (first >= 0xC2 && first < 0xE0)
    more = 1, code = first & 0x1Fu, least = 0x80;
  else if (first >= 0xE0 && first < 0xF0)
    more = 2, code = first & 0x0Fu, least = 0x800;
  else if (first >= 0xF0 && first < 0xF5)
    more = 3, code = first & 0x07u, least = 0x10000;
  else
    return 0xFFFD;
  std::size_t end = at;
  for (int i = 0; i < more; ++i, ++end) {
    if (end >= text.size() || (byte(end) & 0xC0u) != 0x80) return 0xFFFD;
    code = (code << 6) | (byte(end) & 0x3Fu);
  }
  if (code < least || code > 0x10FFFF) return 0xFFFD;
  at = end;
  return code;
}

void append_code_point(std::string& out, char32_t code) {
  const auto put = [&](char32_t byte) { out.push_back(static_cast<char>(byte)); };
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xC0 | (code >> 6)), put(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    put(0xE0 | (code >> 12)), put(0x80 | ((code >> 6) & 0x3F)), put(0x80 | (code & 0x3F));
  } else {
    put(0xF0 | (code >> 18)), put(0x80 | ((code >> 12) & 0x3F)), put(0x80 | ((code >> 6) & 0x3F)),
        put(0x80 | (code & 0x3F));
  }
}

std::size_t text_length(std::string_view text) {
  std::size_t count = 0;
  for (std::size_t at = 0; at < text.size(); ++count) next_code_point(text, at);
  return count;
}

std::vector<std::size_t> code_point_offsets(std::string_view text) {
  std::vector<std::size_t> offsets;
  for (std::size_t at = 0; at < text.size();) {
    offsets.push_back(at);
    next_code_point(text, at);
  }
  offsets.push_back(text.size());
  return offsets;
}

bool is_python_space(char32_t c) {
  return (c >= 0x09 && c <= 0x0D) || (c >= 0x1C && c <= 0x20) || c == 0x85 || c == 0xA0 || c == 0x1680 ||
         (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F || c == 0x3000;
}

bool is_line_end(char32_t c) {
  return (c >= 0x0A && c <= 0x0D) || (c >= 0x1C && c <= 0x1E) || c == 0x85 || c == 0x2028 || c == 0x2029;
}

namespace {

utf8proc_category_t category(char32_t code) { return utf8proc_category(static_cast<utf8proc_int32_t>(code)); }

}  // namespace

char32_t lower_code_point(char32_t c) {
  return static_cast<char32_t>(utf8proc_tolower(static_cast<utf8proc_int32_t>(c)));
}
char32_t upper_code_point(char32_t c) {
  return static_cast<char32_t>(utf8proc_toupper(static_cast<utf8proc_int32_t>(c)));
}

CharacterClass class_of(char32_t code) {
  switch (category(code)) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LT:
      return CharacterClass::upper;
    case UTF8PROC_CATEGORY_LL:
      return CharacterClass::lower;
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
      return CharacterClass::letter;
    case UTF8PROC_CATEGORY_ND:
      return CharacterClass::digit;
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_NO:
      return CharacterClass::number;
    default:
      return CharacterClass::other;
  }
}

bool is_letter(char32_t code) {
  const CharacterClass found = class_of(code);
  return found == CharacterClass::upper || found == CharacterClass::lower || found == CharacterClass::letter;
}

bool is_cased(char32_t code) {
  const CharacterClass found = class_of(code);
  return found == CharacterClass::upper || found == CharacterClass::lower;
}

bool is_word(char32_t code) { return code == '_' || class_of(code) != CharacterClass::other; }

bool is_printable(char32_t code) {
  if (code == ' ') return true;
  switch (category(code)) {
    case UTF8PROC_CATEGORY_CC:
    case UTF8PROC_CATEGORY_CF:
    case UTF8PROC_CATEGORY_CS:
    case UTF8PROC_CATEGORY_CO:
    case UTF8PROC_CATEGORY_CN:
    case UTF8PROC_CATEGORY_ZS:
    case UTF8PROC_CATEGORY_ZL:
    case UTF8PROC_CATEGORY_ZP:
      return false;
    default:
      return true;
  }
}

std::string lower_text(std::string_view text) {
  constexpr char32_t kSigma = 0x3A3, kSmallSigma = 0x3C3, kFinalSigma = 0x3C2;
  std::string out;
  out.reserve(text.size());
  bool inside = false;  // behind a cased letter
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t start = at;
    const char32_t code = next_code_point(text, at);
    std::size_t ahead = at;
    const bool ends = at >= text.size() || !is_cased(next_code_point(text, ahead));
    const char32_t mapped = code == kSigma ? (inside && ends ? kFinalSigma : kSmallSigma) : lower_code_point(code);
    if (mapped == code)
      out.append(text.substr(start, at - start));
    else
      append_code_point(out, mapped);
    inside = is_cased(code);
  }
  return out;
}

std::string upper_text(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t start = at;
    const char32_t code = next_code_point(text, at);
    const char32_t mapped = upper_code_point(code);
    if (code == 0xDF)
      out += "SS";
    else if (mapped == code)
      out.append(text.substr(start, at - start));
    else
      append_code_point(out, mapped);
  }
  return out;
}

namespace {

void append_titled(std::string& out, std::string_view character, char32_t code) {
  const auto mapped = static_cast<char32_t>(utf8proc_totitle(static_cast<utf8proc_int32_t>(code)));
  if (code == 0xDF)
    out += "Ss";
  else if (mapped == code)
    out += character;
  else
    append_code_point(out, mapped);
}

}  // namespace

std::string title_text(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    // A word is a run of cased letters.
    std::size_t start = at;
    const char32_t code = next_code_point(text, at);
    append_titled(out, text.substr(start, at - start), code);
    if (!is_cased(code)) continue;
    start = at;
    for (std::size_t ahead = at; ahead < text.size() && is_cased(next_code_point(text, ahead));) at = ahead;
    out += lower_text(text.substr(start, at - start));
  }
  return out;
}

std::string capitalize_text(std::string_view text) {
  if (text.empty()) return {};
  std::string out;
  std::size_t at = 0;
  const char32_t code = next_code_point(text, at);
  append_titled(out, text.substr(0, at), code);
  return out += lower_text(text.substr(at));
}

std::vector<std::string_view> split_lines(std::string_view text, bool keep_ends) {
  std::vector<std::string_view> lines;
  for (std::size_t start = 0, at = 0; start < text.size(); start = at) {
    std::size_t end = text.size();
    while (at < text.size()) {
      const std::size_t before = at;
      const char32_t code = next_code_point(text, at);
      if (!is_line_end(code)) continue;
      end = before;
      if (code == '\r' && at < text.size() && text[at] == '\n') ++at;
      break;
    }
    lines.push_back(text.substr(start, (keep_ends ? at : end) - start));
  }
  return lines;
}

std::string_view strip_text(std::string_view text, bool left, bool right, const std::string_view* chars) {
  std::vector<char32_t> set;
  if (chars != nullptr) {
    for (std::size_t at = 0; at < chars->size();) set.push_back(next_code_point(*chars, at));
  }
  const auto removed = [&](char32_t code) {
    if (chars == nullptr) return is_python_space(code);
    for (const char32_t one : set) {
      if (one == code) return true;
    }
    return false;
  };
  while (left && !text.empty()) {
    std::size_t at = 0;
    if (!removed(next_code_point(text, at))) break;
    text.remove_prefix(at);
  }
  while (right && !text.empty()) {
    std::size_t start = text.size() - 1;
    while (start > 0 && text.size() - start < 4 && (static_cast<unsigned char>(text[start]) & 0xC0u) == 0x80) --start;
    std::size_t at = start;
    char32_t code = next_code_point(text, at);
    if (at != text.size()) start = text.size() - 1, code = 0xFFFD;
    if (!removed(code)) break;
    text = text.substr(0, start);
  }
  return text;
}

}  // namespace hearth
