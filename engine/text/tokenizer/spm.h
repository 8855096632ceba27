// SentencePiece-style byte pair encoding: characters, joined in the order of the scores of what they make.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "engine/text/tokenizer/merge.h"
#include "engine/text/tokenizer/vocabulary.h"
#include "formats/gguf.h"

namespace hearth {

// How this kind of vocabulary writes a space: U+2581.
constexpr std::string_view kSpaceMark = "\xE2\x96\x81";

// The byte that a token such as <0x0A> stands for; -1 where the text has another form.
int byte_of_token(std::string_view text);

// Immutable: safe to share between threads. Views the texts of the vocabulary, which must outlive it (it may be moved).
class SpmEncoder {
 public:
  // The file's name is for errors. Throws TokenizerError where a byte token has another text than <0xHH>, where there
  // is neither a token for each byte nor an unknown token, and where a token is longer than any trained one.
  SpmEncoder(const Gguf& gguf, const Vocabulary& vocabulary);

  // Appends the ids of a text without special tokens, with a space put in front where `prefix` says so. A character
  // that is no token becomes its bytes, or the unknown token (one for a run of such characters) where a byte has no
  // token.
  void encode(std::string_view text, bool prefix, std::vector<int32_t>& ids) const;

 private:
  struct Piece {
    Merge merge;
    bool unused;
  };
  // Where a piece that may not appear in the result was put together: piece id -> bytes of its left part.
  using Seams = std::unordered_map<int32_t, uint32_t>;

  void load_bytes(const Gguf& gguf, const Vocabulary& vocabulary);
  void load_pieces(const Gguf& gguf, const Vocabulary& vocabulary);
  void encode_word(std::string_view word, Merger& merger, std::vector<Symbol>& symbols, bool& after_unknown,
                   std::vector<int32_t>& ids) const;
  void append(std::string_view piece, const Seams& seams, bool& after_unknown, std::vector<int32_t>& ids) const;
  void append_bytes(std::string_view character, bool& after_unknown, std::vector<int32_t>& ids) const;

  std::unordered_map<std::string_view, Piece> pieces_;
  size_t longest_ = 0;  // piece, in bytes
  // No piece goes on with a space mark after another character, so words can be encoded one by one.
  bool words_stand_alone_ = true;
  std::array<int32_t, 256> byte_ids_;
  int32_t unknown_ = kNoToken;
};

}  // namespace hearth
