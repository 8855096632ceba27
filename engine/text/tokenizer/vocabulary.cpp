// Reads and checks the tokenizer metadata of a GGUF file.
#include "engine/text/tokenizer/vocabulary.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <utility>

#include "engine/text/tokenizer/error.h"

namespace hearth {
namespace {

[[noreturn]] void fail(const Gguf& gguf, std::string_view key, const std::string& what) {
  throw TokenizerError(gguf.name() + ": " + std::string(key) + ": " + what);
}

struct SpecialKey {
  std::string_view key;
  std::optional<int32_t> SpecialIds::*id;
};

constexpr SpecialKey kSpecialKeys[] = {
    {"tokenizer.ggml.bos_token_id", &SpecialIds::bos},
    {"tokenizer.ggml.eos_token_id", &SpecialIds::eos},
    {"tokenizer.ggml.eot_token_id", &SpecialIds::eot},
    {"tokenizer.ggml.eom_token_id", &SpecialIds::eom},
    {"tokenizer.ggml.unknown_token_id", &SpecialIds::unknown},
    {"tokenizer.ggml.seperator_token_id", &SpecialIds::separator},  // the format's own spelling
    {"tokenizer.ggml.padding_token_id", &SpecialIds::padding},
    {"tokenizer.ggml.mask_token_id", &SpecialIds::mask},
    {"tokenizer.ggml.cls_token_id", &SpecialIds::classify},
    {"tokenizer.ggml.fim_pre_token_id", &SpecialIds::fim_prefix},
    {"tokenizer.ggml.fim_suf_token_id", &SpecialIds::fim_suffix},
    {"tokenizer.ggml.fim_mid_token_id", &SpecialIds::fim_middle},
    {"tokenizer.ggml.fim_pad_token_id", &SpecialIds::fim_pad},
    {"tokenizer.ggml.fim_rep_token_id", &SpecialIds::fim_repository},
    {"tokenizer.ggml.fim_sep_token_id", &SpecialIds::fim_separator},
};

// Texts by which the widely used model families end a turn or a document.
constexpr std::string_view kEndTexts[] = {
    "<|eot_id|>",
    "<|eom_id|>",
    "<|im_end|>",
    "<|end|>",
    "<end_of_turn>",
    "<|endoftext|>",
    "<|end_of_text|>",
    "<|EOT|>",
    "<|eot|>",
    "<|end_of_turn|>",
    "<|end_of_role|>",
    "<|return|>",
    "<|call|>",
    "<EOT>",
    "\xE2\x96\x81<EOT>",
    "<|fim_pad|>",
    "<|repo_name|>",
    "<|file_sep|>",
    "<fim_pad>",
    "<repo_name>",
    "<file_sep>",
    "<\xEF\xBD\x9C"
    "end\xE2\x96\x81of\xE2\x96\x81sentence\xEF\xBD\x9C>",
};

}  // namespace

Vocabulary Vocabulary::load(const Gguf& gguf) {
  constexpr std::string_view kModel = "tokenizer.ggml.model";
  const auto model = gguf.find_string(kModel);
  if (!model) fail(gguf, kModel, "missing; the file has no tokenizer");
  Vocabulary vocabulary;
  if (*model == "llama")
    vocabulary.model_ = Model::sentence_piece;
  else if (*model == "gpt2")
    vocabulary.model_ = Model::byte_level;
  else if (*model == "bert")
    vocabulary.model_ = Model::word_piece;
  else
    fail(gguf, kModel, "'" + std::string(*model) + "' is not supported; known are llama, gpt2 and bert");
  vocabulary.load_tokens(gguf);
  vocabulary.load_types(gguf);
  vocabulary.load_scores(gguf);
  vocabulary.load_special(gguf);
  vocabulary.find_end_of_generation();
  return vocabulary;
}

void Vocabulary::load_tokens(const Gguf& gguf) {
  constexpr std::string_view kTokens = "tokenizer.ggml.tokens";
  const auto tokens = gguf.find_strings(kTokens);
  if (!tokens) fail(gguf, kTokens, "missing");
  if (tokens->empty()) fail(gguf, kTokens, "empty");
  if (tokens->size() > static_cast<size_t>(std::numeric_limits<int32_t>::max())) {
    fail(gguf, kTokens, std::to_string(tokens->size()) + " tokens are more than an id can number");
  }
  size_t total = 0;
  offsets_.reserve(tokens->size() + 1);
  offsets_.push_back(0);
  for (const auto& token : *tokens) offsets_.push_back(total += token.size());
  texts_.reserve(total);
  ids_.reserve(tokens->size());
  for (const auto& token : *tokens) texts_.insert(texts_.end(), token.begin(), token.end());
  for (size_t id = 0; id < tokens->size(); ++id) {
    ids_.try_emplace({texts_.data() + offsets_[id], (*tokens)[id].size()}, static_cast<int32_t>(id));
  }
}

void Vocabulary::load_types(const Gguf& gguf) {
  constexpr std::string_view kTypes = "tokenizer.ggml.token_type";
  const size_t tokens = offsets_.size() - 1;
  const auto types = gguf.find_ints(kTypes);
  if (!types) fail(gguf, kTypes, "missing");
  if (types->size() != tokens) {
    fail(gguf, kTypes, std::to_string(types->size()) + " types for " + std::to_string(tokens) + " tokens");
  }
  types_.reserve(tokens);
  for (size_t id = 0; id < tokens; ++id) {
    const int64_t type = (*types)[id];
    if (type < 0 || type > static_cast<int64_t>(TokenType::byte)) {
      fail(gguf, kTypes, "token " + std::to_string(id) + " has the unknown type " + std::to_string(type));
    }
    types_.push_back(static_cast<TokenType>(type));
  }
}

void Vocabulary::load_scores(const Gguf& gguf) {
  constexpr std::string_view kScores = "tokenizer.ggml.scores";
  auto scores = gguf.find_floats(kScores);
  if (!scores) {
    if (model_ == Model::sentence_piece) fail(gguf, kScores, "missing");
    return;
  }
  if (scores->size() != types_.size()) {
    fail(gguf, kScores, std::to_string(scores->size()) + " scores for " + std::to_string(types_.size()) + " tokens");
  }
  for (size_t id = 0; id < scores->size(); ++id) {
    if (std::isnan((*scores)[id])) fail(gguf, kScores, "the score of token " + std::to_string(id) + " is not a number");
  }
  scores_ = std::move(*scores);
}

void Vocabulary::load_special(const Gguf& gguf) {
  for (const auto& [key, member] : kSpecialKeys) {
    const auto id = gguf.find_int(key);
    // All bits set is how writers say "none".
    if (!id || *id == -1 || *id == std::numeric_limits<uint32_t>::max()) continue;
    if (!contains(*id)) {
      fail(gguf, key, "id " + std::to_string(*id) + " is not one of the " + std::to_string(size()) + " tokens");
    }
    special_.*member = static_cast<int32_t>(*id);
  }
  if (model_ == Model::word_piece) {  // what stands in front of a text and behind it has other names there
    if (!special_.bos) special_.bos = special_.classify ? special_.classify : find("[CLS]");
    if (!special_.eos) special_.eos = special_.separator ? special_.separator : find("[SEP]");
  }
  add_bos_ = gguf.find_bool("tokenizer.ggml.add_bos_token");
  add_eos_ = gguf.find_bool("tokenizer.ggml.add_eos_token");
  add_space_prefix_ = gguf.find_bool("tokenizer.ggml.add_space_prefix");
}

void Vocabulary::find_end_of_generation() {
  auto& ids = end_of_generation_;
  // A gap that is filled ends where padding, or the next file, would begin.
  for (const auto& id :
       {special_.eos, special_.eot, special_.eom, special_.fim_pad, special_.fim_repository, special_.fim_separator}) {
    if (id) ids.push_back(*id);
  }
  for (const auto text : kEndTexts) {
    const auto id = find(text);
    if (id && (type(*id) == TokenType::control || type(*id) == TokenType::user_defined)) ids.push_back(*id);
  }
  std::sort(ids.begin(), ids.end());
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
}

std::string_view Vocabulary::text(int32_t id) const {
  const auto at = static_cast<size_t>(id);
  return {texts_.data() + offsets_[at], offsets_[at + 1] - offsets_[at]};
}

float Vocabulary::score(int32_t id) const { return scores_.empty() ? 0.0f : scores_[static_cast<size_t>(id)]; }

std::optional<int32_t> Vocabulary::find(std::string_view text) const {
  const auto found = ids_.find(text);
  return found == ids_.end() ? std::nullopt : std::optional(found->second);
}

bool Vocabulary::is_end_of_generation(int32_t id) const {
  return std::binary_search(end_of_generation_.begin(), end_of_generation_.end(), id);
}

}  // namespace hearth
