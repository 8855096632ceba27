// Vocabularies of a few tokens, written as GGUF files so that a test can make each part of them wrong.
#pragma once

#include <unistd.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/text/tokenizer/byte_level.h"
#include "engine/text/tokenizer/tokenizer.h"
#include "formats/gguf.h"
#include "formats/gguf_writer.h"

namespace hearth {

struct TinyVocabulary {
  std::string model = "gpt2";
  std::string pre = "gpt-2";  // empty: no key
  std::vector<std::string> tokens;
  std::vector<int32_t> types;
  std::vector<float> scores;  // empty: no key
  std::vector<std::string> merges;
  std::function<void(GgufWriter&)> more;  // adds further keys
  std::string left_out;                   // a key that is not written

  void add(std::string text, TokenType type = TokenType::normal, float score = 0) {
    tokens.push_back(std::move(text));
    types.push_back(static_cast<int32_t>(type));
    if (model == "llama") scores.push_back(score);
  }

  // Byte-level: all bytes, the words "ab", "abc" and " a", and two special tokens.
  static TinyVocabulary byte_level() {
    TinyVocabulary tiny;
    for (unsigned byte = 0; byte < 256; ++byte) tiny.add(byte_level_text(static_cast<unsigned char>(byte)));
    tiny.add("ab");
    tiny.add("abc");
    tiny.add(
        "\xC4\xA0"
        "a");
    tiny.merges = {"a b", "ab c", "\xC4\xA0 a"};
    tiny.add("<|end|>", TokenType::control);
    tiny.add("<tool>", TokenType::user_defined);
    return tiny;
  }
  static constexpr int32_t kAb = 256, kAbc = 257, kSpaceA = 258, kEnd = 259, kTool = 260;

  // SentencePiece: 0 <unk>, 1 <s>, 2 </s>, the 256 bytes from 3, then a few pieces.
  static TinyVocabulary sentence_piece(bool with_bytes = true) {
    TinyVocabulary tiny;
    tiny.model = "llama";
    tiny.pre = "default";
    tiny.add("<unk>", TokenType::unknown);
    tiny.add("<s>", TokenType::control);
    tiny.add("</s>", TokenType::control);
    for (unsigned byte = 0; with_bytes && byte < 256; ++byte) {
      constexpr char kHex[] = "0123456789ABCDEF";
      tiny.add(std::string("<0x") + kHex[byte / 16] + kHex[byte % 16] + ">", TokenType::byte);
    }
    float score = 0;
    for (const char* piece : {"\xE2\x96\x81", "a", "b", "c", "ab",
                              "\xE2\x96\x81"
                              "a",
                              "abc", "\xC3\xA9"}) {
      tiny.add(piece, TokenType::normal, score--);
    }
    return tiny;
  }

  // The file is gone when this returns; a mapping of it stays.
  Gguf write() const {
    const auto path = std::filesystem::temp_directory_path() / ("hearth_tiny_" + std::to_string(::getpid()) + ".gguf");
    GgufWriter writer(path);
    const auto wanted = [&](std::string_view key) { return left_out != key; };
    const auto views = [](const std::vector<std::string>& texts) {
      return std::vector<std::string_view>(texts.begin(), texts.end());
    };
    if (wanted("tokenizer.ggml.model")) writer.add("tokenizer.ggml.model", std::string_view(model));
    if (!pre.empty()) writer.add("tokenizer.ggml.pre", std::string_view(pre));
    if (wanted("tokenizer.ggml.tokens")) writer.add_strings("tokenizer.ggml.tokens", views(tokens));
    if (wanted("tokenizer.ggml.token_type")) {
      writer.add_array("tokenizer.ggml.token_type", std::span<const int32_t>(types));
    }
    if (!scores.empty() && wanted("tokenizer.ggml.scores")) {
      writer.add_array("tokenizer.ggml.scores", std::span<const float>(scores));
    }
    if (model == "gpt2" && wanted("tokenizer.ggml.merges")) writer.add_strings("tokenizer.ggml.merges", views(merges));
    if (more) more(writer);
    writer.finish();
    Gguf gguf = Gguf::open(path);
    std::filesystem::remove(path);
    return gguf;
  }
  Tokenizer load(const TokenizerOptions& options = {}) const { return Tokenizer::load(write(), options); }
};

}  // namespace hearth
