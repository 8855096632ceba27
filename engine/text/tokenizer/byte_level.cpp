// The two directions of the byte-level mapping.
#include "engine/text/tokenizer/byte_level.h"

#include <array>

#include "engine/text/tokenizer/unicode.h"

namespace hearth {
namespace {

constexpr bool prints(unsigned byte) {
  return (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || (byte >= 174 && byte <= 255);
}

constexpr unsigned kHidden = 68;  // how many bytes do not print

struct Mapping {
  std::array<char32_t, 256> code{};
  std::array<unsigned char, kHidden> byte{};  // of U+0100 and on
};

constexpr Mapping make_mapping() {
  Mapping mapping;
  unsigned hidden = 0;
  for (unsigned byte = 0; byte < 256; ++byte) {
    if (prints(byte)) {
      mapping.code[byte] = byte;
    } else {
      mapping.code[byte] = 0x100 + hidden;
      mapping.byte[hidden++] = static_cast<unsigned char>(byte);
    }
  }
  return mapping;
}

constexpr Mapping kMapping = make_mapping();

}  // namespace

std::string byte_level_text(unsigned char byte) {
  const char32_t code = kMapping.code[byte];
  if (code < 0x80) return std::string(1, static_cast<char>(code));
  return {static_cast<char>(0xC0 | (code >> 6)), static_cast<char>(0x80 | (code & 0x3F))};
}

std::string byte_level_bytes(std::string_view text) {
  std::string bytes;
  bytes.reserve(text.size());
  for (size_t at = 0; at < text.size();) {
    const Character character = read_character(text, at);
    const char32_t code = character.code;
    if (code < 0x100 && prints(code))
      bytes.push_back(static_cast<char>(code));
    else if (code >= 0x100 && code < 0x100 + kHidden)
      bytes.push_back(static_cast<char>(kMapping.byte[code - 0x100]));
    else
      bytes.append(text, at, character.size);
    at += character.size;
  }
  return bytes;
}

}  // namespace hearth
