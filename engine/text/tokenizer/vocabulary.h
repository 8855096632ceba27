// The tokens of a model: their texts, types and scores, and which of them have a special meaning.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "formats/gguf.h"

namespace hearth {

// What a token is; the numbers are those of tokenizer.ggml.token_type.
enum class TokenType : uint8_t { undefined, normal, unknown, control, user_defined, unused, byte };

// Ids that the metadata names by purpose; nullopt where it names none.
struct SpecialIds {
  std::optional<int32_t> bos, eos, eot, eom, unknown, separator, padding, mask, classify;
  std::optional<int32_t> fim_prefix, fim_suffix, fim_middle, fim_pad, fim_repository, fim_separator;
};

// Owns all it holds, so the file may go. Immutable: safe to share between threads. Moving it keeps views valid.
class Vocabulary {
 public:
  // The kinds of tokenizer.ggml.model that are understood: `llama`, `gpt2` and `bert`.
  enum class Model : uint8_t { sentence_piece, byte_level, word_piece };

  // Throws TokenizerError where a key is missing or its value makes no sense, FileError where its type does not fit;
  // both name the key.
  static Vocabulary load(const Gguf& gguf);

  Vocabulary(Vocabulary&&) = default;
  Vocabulary& operator=(Vocabulary&&) = default;

  Model model() const { return model_; }
  int32_t size() const { return static_cast<int32_t>(types_.size()); }
  bool contains(int64_t id) const { return id >= 0 && id < size(); }

  // Of an id that the vocabulary contains. The text is the file's: byte-level tokens are in their printable disguise.
  std::string_view text(int32_t id) const;
  TokenType type(int32_t id) const { return types_[static_cast<size_t>(id)]; }
  float score(int32_t id) const;  // 0 where the file has no scores

  // The token with exactly this text; the lowest id where there are several.
  std::optional<int32_t> find(std::string_view text) const;

  const SpecialIds& special() const { return special_; }
  // Whether the model expects bos in front of a text, eos behind it, and (sentence_piece only) a space in front.
  // nullopt: the file does not say.
  std::optional<bool> add_bos() const { return add_bos_; }
  std::optional<bool> add_eos() const { return add_eos_; }
  std::optional<bool> add_space_prefix() const { return add_space_prefix_; }

  // eos, eot, eom, what divides files, and special tokens with one of the well-known texts that end an answer. Sorted.
  const std::vector<int32_t>& end_of_generation() const { return end_of_generation_; }
  bool is_end_of_generation(int32_t id) const;

 private:
  Vocabulary() = default;
  void load_tokens(const Gguf& gguf);
  void load_types(const Gguf& gguf);
  void load_scores(const Gguf& gguf);
  void load_special(const Gguf& gguf);
  void find_end_of_generation();

  Model model_ = Model::sentence_piece;
  std::vector<char> texts_;      // of all tokens, one after the other
  std::vector<size_t> offsets_;  // [size + 1] into texts_
  std::vector<TokenType> types_;
  std::vector<float> scores_;  // empty where the file has none
  std::unordered_map<std::string_view, int32_t> ids_;
  SpecialIds special_;
  std::optional<bool> add_bos_, add_eos_, add_space_prefix_;
  std::vector<int32_t> end_of_generation_;
};

}  // namespace hearth
