// Choosing the tokenizer's file, and its metadata.
#include <utility>

#include "engine/convert/vocabulary.h"
#include "engine/include/hearth/hearth.h"
#include "engine/text/tokenizer/pretokenize.h"
#include "formats/byte_cursor.h"
#include "formats/error.h"

namespace hearth {
namespace {

// Tokens that were added after SentencePiece's training, by the files that may name them.
void add_later_tokens(const ModelFolder& folder, ConvertedVocabulary& vocabulary) {
  const auto add = [&](const Json& id, const Json& text, bool special, const std::string& file) {
    if (!id.is_number_unsigned() || !text.is_string() || text.get<std::string>().empty())
      throw FileError(file + ": an added token has no id or no text");
    const ConvertedToken& known = vocabulary.at(id.get<uint64_t>(), file);
    const bool same = known.text == text.get<std::string>();
    if (same && (known.type == TokenType::unknown || known.type == TokenType::control)) return;
    add_token(vocabulary, id.get<uint64_t>(), text, special, file);
  };
  if (const auto json = folder.read_json("added_tokens.json"); json && json->is_object())
    for (const auto& [text, id] : json->items()) add(id, text, false, folder.path_of("added_tokens.json"));
  const std::string file = folder.path_of("tokenizer_config.json");
  const Settings config(folder.read_json("tokenizer_config.json").value_or(Json::object()), file);
  const Settings added = config.object({"added_tokens_decoder"});
  for (const auto& [id, token] : added.json().items()) {
    if (id.empty() || id.size() > 9 || id.find_first_not_of("0123456789") != id.npos || !token.is_object())
      throw FileError(file + ": added_tokens_decoder has an entry without an id");
    add(Json(std::stoull(id)), token.value("content", Json()), token.value("special", Json()) == true, file);
  }
}

ConvertedVocabulary read_vocabulary(const ModelFamily& family, const ModelFolder& folder, const std::string& pre) {
  if (!pre.empty() && !find_pre_tokenizer(pre))
    throw Error(ErrorCode::invalid_argument,
                "there is no pre-tokenizer '" + pre + "'; known are " + known_pre_tokenizers());
  if (const auto bytes = folder.read_text("tokenizer.model")) {
    ConvertedVocabulary vocabulary = read_sentencepiece(*bytes, folder.path_of("tokenizer.model"));
    add_later_tokens(folder, vocabulary);
    return vocabulary;
  }
  const auto json = folder.read_json("tokenizer.json");
  if (!json)
    throw FileError(printable(folder.name(), kLongestPath) + ": has neither tokenizer.json nor tokenizer.model");
  return read_tokenizer_json(*json, folder.path_of("tokenizer.json"), family.architecture, pre);
}

// The id only makes the text one of a kind.
void fill_up(ConvertedVocabulary& vocabulary, uint64_t rows) {
  vocabulary.tokens.resize(rows);
  for (size_t id = 0; id < rows; ++id) {
    ConvertedToken& token = vocabulary.tokens[id];
    if (token.type != TokenType::unused || !token.text.empty()) continue;
    token.text = "[PAD" + std::to_string(id) + "]";
    token.score = vocabulary.model == "llama" ? -10000.0f : 0.0f;
  }
}

}  // namespace

void add_tokenizer_keys(const ModelFamily& family, const ModelFolder& folder, const Settings& config,
                        const ConvertOptions& options, uint64_t rows, Metadata& metadata) {
  ConvertedVocabulary vocabulary = read_vocabulary(family, folder, options.pre);
  if (rows > kMostTokens) config.fail("vocab_size", "is past what any model has");
  fill_up(vocabulary, rows);
  std::vector<std::string> texts;
  std::vector<float> scores;
  std::vector<int32_t> types;
  for (const ConvertedToken& token : vocabulary.tokens) {
    texts.push_back(token.text);
    scores.push_back(token.score);
    types.push_back(static_cast<int32_t>(token.type));
  }
  metadata.set("tokenizer.ggml.model", vocabulary.model);
  metadata.set("tokenizer.ggml.pre", vocabulary.pre);
  metadata.set("tokenizer.ggml.tokens", std::move(texts));
  if (vocabulary.model == "llama") metadata.set("tokenizer.ggml.scores", std::move(scores));
  metadata.set("tokenizer.ggml.token_type", std::move(types));
  if (vocabulary.model == "gpt2") metadata.set("tokenizer.ggml.merges", vocabulary.merges);
  if (vocabulary.model == "bert")
    metadata.set("tokenizer.ggml.token_type_count", config.size({"type_vocab_size"}).value_or(1));
  if (vocabulary.add_space_prefix) {
    const Settings stated(folder.read_json("tokenizer_config.json").value_or(Json::object()),
                          folder.path_of("tokenizer_config.json"));
    metadata.set("tokenizer.ggml.add_space_prefix",
                 stated.flag("add_prefix_space").value_or(*vocabulary.add_space_prefix));
  }
  add_special_tokens(vocabulary, folder, config, metadata);
}

}  // namespace hearth
