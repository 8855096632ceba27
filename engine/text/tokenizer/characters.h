// A text by characters, each with its class, as pre-tokenizers look at it.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "engine/text/tokenizer/unicode.h"

namespace hearth {

struct Letter {
  char32_t code;
  uint32_t begin;  // in bytes
  CharKind kind;
};

// The text by characters; positions below count these.
class Characters {
 public:
  explicit Characters(std::string_view text) : bytes_(static_cast<uint32_t>(text.size())) {
    letters_.reserve(text.size());
    for (size_t at = 0; at < text.size();) {
      const Character character = read_character(text, at);
      const CharKind kind = character.valid ? char_kind(character.code) : CharKind::other;
      letters_.push_back({character.code, static_cast<uint32_t>(at), kind});
      at += character.size;
    }
  }

  uint32_t size() const { return static_cast<uint32_t>(letters_.size()); }
  uint32_t byte_at(uint32_t i) const { return i < size() ? letters_[i].begin : bytes_; }
  char32_t code(uint32_t i) const { return letters_[i].code; }
  CharKind kind(uint32_t i) const { return letters_[i].kind; }
  bool is(uint32_t i, CharKind wanted) const { return kind(i) == wanted; }
  bool is_newline(uint32_t i) const { return code(i) == '\r' || code(i) == '\n'; }
  // [^\s\p{L}\p{N}]
  bool is_symbol(uint32_t i) const { return is(i, CharKind::punctuation) || is(i, CharKind::other); }

 private:
  uint32_t bytes_;
  std::vector<Letter> letters_;
};

// The first position from `at` on, at most `end`, whose character the test refuses.
template <typename Test>
uint32_t skip(uint32_t at, uint32_t end, Test test) {
  while (at < end && test(at)) ++at;
  return at;
}

inline uint32_t skip_kind(const Characters& text, uint32_t at, uint32_t end, CharKind kind) {
  return skip(at, end, [&](uint32_t i) { return text.is(i, kind); });
}

}  // namespace hearth
