// UTF-8 decoding, Python's white space, and case mapping for ASCII, Latin-1, Latin Extended-A, Greek and Cyrillic.
#include "engine/text/template/unicode.h"

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

char32_t lower_code_point(char32_t c) {
  if (c >= 'A' && c <= 'Z') return c + 32;
  if (c < 0xC0) return c;
  if (c <= 0xDE && c != 0xD7) return c + 32;
  if (c >= 0x100 && c <= 0x137 && c != 0x130) return c | 1u;
  if (c >= 0x139 && c <= 0x148) return (c & 1u) ? c + 1 : c;
  if (c >= 0x14A && c <= 0x177) return c | 1u;
  if (c == 0x178) return 0xFF;
  if (c >= 0x179 && c <= 0x17E) return (c & 1u) ? c + 1 : c;
  if (c == 0x386) return 0x3AC;
  if (c >= 0x388 && c <= 0x38A) return c + 37;
  if (c == 0x38C) return 0x3CC;
  if (c == 0x38E || c == 0x38F) return c + 63;
  if (c >= 0x391 && c <= 0x3AB && c != 0x3A2) return c + 32;
  if (c >= 0x400 && c <= 0x40F) return c + 80;
  if (c >= 0x410 && c <= 0x42F) return c + 32;
  if (c >= 0x460 && c <= 0x481) return c | 1u;
  return c;
}

char32_t upper_code_point(char32_t c) {
  if (c >= 'a' && c <= 'z') return c - 32;
  if (c < 0xB5) return c;
  if (c == 0xB5) return 0x39C;
  if (c >= 0xE0 && c <= 0xFE && c != 0xF7) return c - 32;
  if (c == 0xFF) return 0x178;
  if (c == 0x131) return 'I';
  if (c == 0x17F) return 'S';
  if (c == 0x3C2) return 0x3A3;
  if (c >= 0x100 && c <= 0x17F) {
    const char32_t below = c - 1;
    return lower_code_point(below) == c ? below : c;
  }
  if (c >= 0x3AC && c <= 0x45F) {
    for (const char32_t distance : {32u, 80u, 37u, 38u, 63u, 64u}) {
      if (c > distance && lower_code_point(c - distance) == c && c - distance != c) return c - distance;
    }
  }
  if (c >= 0x461 && c <= 0x481 && (c & 1u)) return c - 1;
  return c;
}

bool is_letter(char32_t c) {
  if (c < 0x80) return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  return lower_code_point(c) != c || upper_code_point(c) != c || c == 0xDF;
}

namespace {
template <typename Map>
std::string map_text(std::string_view text, Map map) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t start = at;
    const char32_t code = next_code_point(text, at);
    const char32_t mapped = map(code);
    if (mapped == code)
      out.append(text.substr(start, at - start));
    else
      append_code_point(out, mapped);
  }
  return out;
}
}  // namespace

std::string lower_text(std::string_view text) { return map_text(text, lower_code_point); }

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

std::string title_text(std::string_view text) {
  bool inside = false;
  return map_text(text, [&inside](char32_t code) {
    const char32_t mapped = inside ? lower_code_point(code) : upper_code_point(code);
    inside = is_letter(code);
    return mapped;
  });
}

std::string capitalize_text(std::string_view text) {
  bool first = true;
  return map_text(text, [&first](char32_t code) {
    const char32_t mapped = first ? upper_code_point(code) : lower_code_point(code);
    first = false;
    return mapped;
  });
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
