// libFuzzer target: any bytes are a text; ids are the same each time, byte-level ones give the bytes back, and streams
// are valid UTF-8 that adds up to the whole decode.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/text/tokenizer/detokenizer.h"
#include "engine/text/tokenizer/tokenizer.h"
#include "engine/text/tokenizer/unicode.h"
#include "tests/engine/text/tiny_vocabulary.h"

namespace {

using namespace hearth;

void require(bool holds) {
  if (!holds) __builtin_trap();
}

std::string repaired(std::string bytes) {
  std::string text;
  move_valid_utf8(bytes, text, true);
  return text;
}

void check(const Tokenizer& tokenizer, std::string_view text, bool parse_special) {
  const std::vector<int32_t> ids = tokenizer.encode(text, parse_special);
  require(ids == tokenizer.encode(text, parse_special));
  for (const int32_t id : ids) require(tokenizer.vocabulary().contains(id));
  const std::string decoded = tokenizer.decode(ids, true);
  if (tokenizer.vocabulary().model() == Vocabulary::Model::byte_level) require(decoded == text);
  Detokenizer detokenizer(tokenizer, {.continues = false, .show_special = true});
  std::string streamed;
  const auto add = [&](const std::string& piece) {
    require(repaired(piece) == piece);
    streamed += piece;
  };
  for (const int32_t id : ids) add(detokenizer.push(id));
  add(detokenizer.finish());
  require(streamed == repaired(decoded));
}

std::vector<Tokenizer> make_tokenizers() {
  std::vector<Tokenizer> tokenizers;
  const auto byte_level = TinyVocabulary::byte_level();
  for (const char* pre : {"gpt-2", "llama-bpe", "qwen2", "deepseek-coder", "falcon", "starcoder"}) {
    tokenizers.push_back(byte_level.load({.pre = pre}));
  }
  tokenizers.push_back(TinyVocabulary::sentence_piece().load());
  tokenizers.push_back(TinyVocabulary::sentence_piece(false).load());
  return tokenizers;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const std::vector<Tokenizer> tokenizers = make_tokenizers();
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  for (const Tokenizer& tokenizer : tokenizers) {
    check(tokenizer, text, false);
    check(tokenizer, text, true);
  }
  return 0;
}
