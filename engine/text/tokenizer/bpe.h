// Byte-level byte pair encoding: words of bytes, joined pair by pair in the order of the file's merges.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "engine/text/tokenizer/merge.h"
#include "engine/text/tokenizer/pretokenize.h"
#include "engine/text/tokenizer/vocabulary.h"
#include "formats/gguf.h"

namespace hearth {

// Immutable: safe to share between threads. Keeps nothing of the file or the vocabulary but ids.
class BpeEncoder {
 public:
  // Reads tokenizer.ggml.merges. Throws TokenizerError where it is missing, or where a merge does not join two tokens
  // of the vocabulary to a third; FileError where it is no array of strings.
  BpeEncoder(const Gguf& gguf, const Vocabulary& vocabulary, PreTokenizer rules);

  // Appends the ids of a text without special tokens. A byte that the vocabulary has no token for becomes the unknown
  // token where there is one of that type, and nothing otherwise, as in the models' own tokenizers.
  void encode(std::string_view text, std::vector<int32_t>& ids) const;

 private:
  // The merges sorted by left and right id: no file can make a lookup slow, as it could with hashing.
  class MergeTable {
   public:
    struct Row {
      int32_t left, right;
      Merge merge;
    };
    MergeTable() = default;
    // Of rows with the same pair the lowest rank counts.
    MergeTable(std::vector<Row> rows, int32_t vocabulary_size);
    Merge find(int32_t left, int32_t right) const;  // either may be kNoToken

   private:
    std::vector<Row> rows_;
    std::vector<uint32_t> first_;  // [vocabulary size + 1]: the first row of each left id
  };

  void load_merges(const Gguf& gguf, const Vocabulary& vocabulary);
  void load_whole_words(const Vocabulary& vocabulary);

  PreTokenizer rules_;
  std::array<int32_t, 256> byte_ids_;
  int32_t unknown_ = kNoToken;
  MergeTable merges_;
  // Llama 3's tokenizer takes a word that is a token as it is, even where merges would not lead there.
  bool takes_whole_words_;
  std::vector<char> word_bytes_;                         // of all normal tokens; only where whole words are taken
  std::unordered_map<std::string_view, int32_t> words_;  // views of word_bytes_
};

}  // namespace hearth
