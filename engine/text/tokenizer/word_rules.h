// The rules that pre-tokenizers are made of. Each looks at one place of a text and says how far a word reaches.
#pragma once

#include <cstdint>

#include "engine/text/tokenizer/characters.h"

namespace hearth {

// A rule gets a position and the end of the piece it is in, and gives the end of the word that begins there, or the
// position itself where none does. Each takes time in proportion to the word, or looks at one character more.

// 's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
uint32_t match_gpt2(const Characters& text, uint32_t at, uint32_t end);

// (?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,DIGITS}| and match_symbols; with `marks`
// [\p{L}\p{M}] for \p{L} in the words
uint32_t match_llama3(const Characters& text, uint32_t at, uint32_t end, uint32_t digits, bool marks = false);

// match_cased_word, followed with `contractions` by (?i:'s|'t|'re|'ve|'m|'ll|'d)?, |\p{N}{1,DIGITS}| and match_symbols
uint32_t match_cased(const Characters& text, uint32_t at, uint32_t end, uint32_t digits, bool contractions);

// [!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*| and
// match_lines
uint32_t match_deepseek_v3(const Characters& text, uint32_t at, uint32_t end);

// Letters with case, but for two scripts: what DeepSeek's first tokenizer lists.
bool is_deepseek_letter(char32_t code);

// [!-/:-~！-／：-～‘-‟　-。]
bool is_deepseek_sign(char32_t code);

// \s? and a run of what the test takes, or `at`.
uint32_t match_spaced_run(const Characters& text, uint32_t at, uint32_t end, bool (*test)(char32_t));

// \s?\p{L}+ or \s?\p{P}+
uint32_t match_spaced(const Characters& text, uint32_t at, uint32_t end, CharKind kind);

// [一-龥ࠀ-一가-퟿]: U+0800..U+9FA5 and U+AC00..U+D7FF
bool is_deepseek_block(char32_t code);

// [\p{P}$+<=>^~|`]: Unicode's punctuation, and of ASCII also the symbols
bool is_falcon_punctuation(const Characters& text, uint32_t i);

// [0-9][0-9][0-9]
uint32_t match_three_digits(const Characters& text, uint32_t at, uint32_t end);

}  // namespace hearth
