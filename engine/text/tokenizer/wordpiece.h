// WordPiece: words of lower-case letters without accents, each cut into the longest pieces from its beginning.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/text/tokenizer/vocabulary.h"
#include "formats/gguf.h"

namespace hearth {

// Immutable: safe to share between threads. Views the vocabulary, which must outlive it (it may be moved, not copied).
class WordPieceEncoder {
 public:
  // Pieces that begin a word are written with U+2581 in front. Throws TokenizerError where the vocabulary has no
  // unknown token.
  WordPieceEncoder(const Gguf& gguf, const Vocabulary& vocabulary);

  // Appends the ids of a text without special tokens. Signs and ideographs are words of their own; a word that no
  // pieces make up, and one of more than 100 characters, is one unknown token.
  void encode(const Vocabulary& vocabulary, std::string_view text, std::vector<int32_t>& ids) const;

 private:
  void encode_word(const Vocabulary& vocabulary, const std::string& word, std::vector<int32_t>& ids) const;

  size_t longest_ = 0;  // piece, in bytes
  int32_t unknown_ = 0;
};

}  // namespace hearth
