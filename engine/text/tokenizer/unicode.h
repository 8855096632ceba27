// UTF-8 and the character classes that pre-tokenizers speak of.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace hearth {

// Unicode's general categories L*, N* and P*, the property White_Space, and all else.
enum class CharKind : uint8_t { letter, number, space, punctuation, other };

struct Character {
  char32_t code;  // U+FFFD where the bytes are no UTF-8
  uint32_t size;  // in bytes; 1 where the bytes are no UTF-8
  bool valid;
};

// The character at `at`, which is inside the text. Strict: no surrogates, no overlong forms, nothing above U+10FFFF.
Character read_character(std::string_view text, size_t at);

CharKind char_kind(char32_t code);
bool is_space(char32_t code);

// Moves what is complete from the front of `bytes` to `out`, with U+FFFD for each byte that is no part of a character.
// A character whose end may still come stays in `bytes`, unless `last`.
void move_valid_utf8(std::string& bytes, std::string& out, bool last);

}  // namespace hearth
