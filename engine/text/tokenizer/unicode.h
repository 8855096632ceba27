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
// What words are made of where capitals begin them: Lu and Lt, Ll, and what may stand with either (Lm, Lo, M*).
enum class LetterCase : uint8_t { none, upper, lower, either };
LetterCase letter_case(char32_t code);
// The general categories M*, S* and C*.
bool is_mark(char32_t code);
bool is_symbol(char32_t code);
bool is_control(char32_t code);
// Appends the characters that a lower-case letter without its marks (Mn) is made of, as BERT's tokenizers see it.
void append_plain_lower(char32_t code, std::string& out);
bool is_space(char32_t code);

// Moves what is complete from the front of `bytes` to `out`, with U+FFFD for each byte that is no part of a character.
// A character whose end may still come stays in `bytes`, unless `last`.
void move_valid_utf8(std::string& bytes, std::string& out, bool last);

}  // namespace hearth
