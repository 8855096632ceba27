// Text to token ids and back, as the model's own tokenizer does it.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "engine/text/tokenizer/bpe.h"
#include "engine/text/tokenizer/error.h"
#include "engine/text/tokenizer/special_tokens.h"
#include "engine/text/tokenizer/spm.h"
#include "engine/text/tokenizer/vocabulary.h"
#include "engine/text/tokenizer/wordpiece.h"
#include "formats/gguf.h"

namespace hearth {

struct TokenizerOptions {
  // Instead of the file's tokenizer.ggml.pre; empty: the file's. Of no effect on SentencePiece vocabularies.
  std::string pre;
};

// Owns all it holds, so the file may go after load. Immutable: safe to share between threads.
class Tokenizer {
 public:
  // Throws TokenizerError or FileError: one line that names the metadata key and what is wrong with it.
  static Tokenizer load(const Gguf& gguf, const TokenizerOptions& options = {});

  // The ids of a text; neither bos nor eos is added. User-defined tokens are recognised wherever they stand, control
  // and unknown tokens only with `parse_special`; the leftmost wins, and of those the longest. Takes any bytes; those
  // that are no UTF-8 are encoded one by one. Time n log n. TokenizerError for texts above kLongestText bytes.
  // `literal`: rising offsets at which control and unknown tokens that begin there are text after all.
  std::vector<int32_t> encode(std::string_view text, bool parse_special, std::span<const size_t> literal = {}) const;
  static constexpr size_t kLongestText = size_t{1} << 30;

  // The text of a whole sequence. Control tokens have none unless `show_special`. Byte-level vocabularies give back the
  // very bytes that were encoded; SentencePiece ones take away the space that encoding put in front, as WordPiece ones
  // do (whose text is lower-case words with a space between), and give U+FFFD for each byte that is no UTF-8.
  // TokenizerError for an id that the vocabulary has not.
  std::string decode(std::span<const int32_t> ids, bool show_special) const;

  // Appends the bytes of one token, as part of a sequence: `at_start` is true until a token has had text.
  void append_bytes(int32_t id, bool show_special, bool& at_start, std::string& bytes) const;

  // Whether the model expects bos before a text and eos after it: the file's word, or else the custom of its kind.
  bool adds_bos() const { return adds_bos_; }
  bool adds_eos() const { return adds_eos_; }

  const Vocabulary& vocabulary() const { return vocabulary_; }

 private:
  using Encoder = std::variant<SpmEncoder, BpeEncoder, WordPieceEncoder>;

  Tokenizer(const Gguf& gguf, Vocabulary vocabulary, Encoder encoder);
  void load_pieces();
  void load_stripping(const Gguf& gguf);
  void encode_plain(std::string_view text, bool after_special, std::vector<int32_t>& ids) const;
  bool is_hidden(int32_t id) const;
  std::string_view piece(int32_t id) const;

  Vocabulary vocabulary_;
  Encoder encoder_;
  SpecialTokens user_defined_;
  SpecialTokens all_special_;
  bool adds_bos_ = false, adds_eos_ = false;
  bool adds_space_prefix_ = false;
  std::vector<char> pieces_;           // what each token means in bytes, one after the other
  std::vector<size_t> piece_offsets_;  // [vocabulary size + 1] into pieces_
  std::vector<bool> strips_after_;     // [vocabulary size], or empty: tokens that swallow the white space behind them
};

}  // namespace hearth
