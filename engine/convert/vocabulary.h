// The tokens of a model as GGUF has them, from the tokenizer files of a folder.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/convert/convert.h"
#include "engine/convert/families.h"
#include "engine/text/tokenizer/vocabulary.h"

namespace hearth {

struct ConvertedToken {
  std::string text;
  float score = 0;
  TokenType type = TokenType::unused;
};

struct ConvertedVocabulary {
  std::string model;  // tokenizer.ggml.model: llama, gpt2 or bert
  std::string pre;    // tokenizer.ggml.pre
  std::vector<ConvertedToken> tokens;
  std::vector<std::string> merges;       // of gpt2
  std::optional<bool> add_space_prefix;  // of llama

  // Grows the vocabulary as needed; throws FileError where the id is past kMostTokens. `file` appears in errors.
  ConvertedToken& at(uint64_t id, const std::string& file);
};

inline constexpr uint64_t kMostTokens = uint64_t{1} << 21;

// Replaces a token by one that was added to it.
void add_token(ConvertedVocabulary& vocabulary, uint64_t id, std::string text, bool special, const std::string& file);

// From the text of tokenizer.json. `architecture` chooses among names of one pre-tokenizer; `pre` names it where it is
// not empty. All three throw FileError naming `file`, which is what errors call it.
ConvertedVocabulary read_tokenizer_json(const Json& tokenizer, const std::string& file, std::string_view architecture,
                                        const std::string& pre);
// From the bytes of tokenizer.model, a protocol buffer of SentencePiece.
ConvertedVocabulary read_sentencepiece(std::string_view bytes, const std::string& file);
// The name of the rules by which a byte-level tokenizer cuts words, for tokenizer.ggml.pre.
std::string recognise_pre_tokenizer(const Json& tokenizer, const std::string& file, std::string_view architecture);

// Adds tokenizer.* for a model whose embedding has `rows` rows: what is missing to that is filled up with unused
// tokens, and tokens past it are left out, since the model cannot take them.
void add_tokenizer_keys(const ModelFamily& family, const ModelFolder& folder, const Settings& config,
                        const ConvertOptions& options, uint64_t rows, Metadata& metadata);

// Adds the ids of special tokens, whether bos and eos are added, and chat templates.
void add_special_tokens(const ConvertedVocabulary& vocabulary, const ModelFolder& folder, const Settings& config,
                        Metadata& metadata);

}  // namespace hearth
