// Tokenizer metadata that is missing or makes no sense gives one error that names the key.
#include <gtest/gtest.h>

#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "formats/error.h"
#include "tests/engine/text/tiny_vocabulary.h"

namespace hearth {
namespace {

// The message of the error that loading ends with; "" where it does not fail.
std::string load_error(const TinyVocabulary& tiny, const TokenizerOptions& options = {}) {
  try {
    (void)tiny.load(options);
  } catch (const TokenizerError& error) {
    return error.what();
  } catch (const FileError& error) {
    return error.what();
  }
  return "";
}

void expect_error(const TinyVocabulary& tiny, std::initializer_list<std::string_view> parts) {
  const std::string error = load_error(tiny);
  EXPECT_EQ(error.find('\n'), error.npos);
  EXPECT_NE(error.find("hearth_tiny"), error.npos) << "no file name in '" << error << "'";
  for (const auto part : parts) EXPECT_NE(error.find(part), error.npos) << "no '" << part << "' in '" << error << "'";
}

TEST(TokenizerMetadata, GoodOnesLoad) {
  EXPECT_EQ(load_error(TinyVocabulary::byte_level()), "");
  EXPECT_EQ(load_error(TinyVocabulary::sentence_piece()), "");
  EXPECT_EQ(load_error(TinyVocabulary::sentence_piece(false)), "");
}

TEST(TokenizerMetadata, AMissingKeyIsNamed) {
  for (const char* key :
       {"tokenizer.ggml.model", "tokenizer.ggml.tokens", "tokenizer.ggml.token_type", "tokenizer.ggml.merges"}) {
    auto tiny = TinyVocabulary::byte_level();
    tiny.left_out = key;
    expect_error(tiny, {key, "missing"});
  }
  auto tiny = TinyVocabulary::sentence_piece();
  tiny.left_out = "tokenizer.ggml.scores";
  expect_error(tiny, {"tokenizer.ggml.scores", "missing"});
}

TEST(TokenizerMetadata, AnUnknownModelIsNamed) {
  auto tiny = TinyVocabulary::byte_level();
  tiny.model = "t5";
  expect_error(tiny, {"tokenizer.ggml.model", "'t5'", "llama", "gpt2", "bert"});
  tiny.model = "bert";
  expect_error(tiny, {"tokenizer.ggml.unknown_token_id", "missing"});
}

TEST(TokenizerMetadata, AnUnknownPreTokenizerIsNamedWithTheKnownOnesAndCanBeOverridden) {
  auto tiny = TinyVocabulary::byte_level();
  tiny.pre = "made-up";
  expect_error(tiny, {"tokenizer.ggml.pre", "'made-up'", "gpt-2", "llama-bpe", "qwen2", "deepseek-coder", "falcon"});
  EXPECT_EQ(load_error(tiny, {.pre = "qwen2"}), "");
  EXPECT_NE(load_error(tiny, {.pre = "other"}).find("'other'"), std::string::npos);
  tiny.pre = "default";
  expect_error(tiny, {"tokenizer.ggml.pre", "'default'"});
  tiny.pre = "";
  expect_error(tiny, {"tokenizer.ggml.pre", "missing"});
}

TEST(TokenizerMetadata, LengthsMustAgree) {
  auto types = TinyVocabulary::byte_level();
  types.types.pop_back();
  expect_error(types, {"tokenizer.ggml.token_type", "260 types for 261 tokens"});
  auto scores = TinyVocabulary::sentence_piece();
  scores.scores.push_back(0);
  expect_error(scores, {"tokenizer.ggml.scores", "268 scores for 267 tokens"});
  TinyVocabulary empty;
  expect_error(empty, {"tokenizer.ggml.tokens", "empty"});
}

TEST(TokenizerMetadata, WrongElementTypesAreNamed) {
  auto tokens = TinyVocabulary::byte_level();
  tokens.left_out = "tokenizer.ggml.tokens";
  tokens.more = [](GgufWriter& writer) {
    writer.add_array("tokenizer.ggml.tokens", std::span<const int32_t>(std::vector<int32_t>(261)));
  };
  expect_error(tokens, {"tokenizer.ggml.tokens"});
  auto scores = TinyVocabulary::sentence_piece();
  scores.left_out = "tokenizer.ggml.scores";
  scores.more = [](GgufWriter& writer) {
    writer.add_array("tokenizer.ggml.scores", std::span<const int8_t>(std::vector<int8_t>(267)));
  };
  expect_error(scores, {"tokenizer.ggml.scores"});
  auto types = TinyVocabulary::byte_level();
  types.left_out = "tokenizer.ggml.token_type";
  types.more = [](GgufWriter& writer) {
    writer.add_array("tokenizer.ggml.token_type", std::span<const float>(std::vector<float>(261)));
  };
  expect_error(types, {"tokenizer.ggml.token_type"});
  auto flag = TinyVocabulary::byte_level();
  flag.more = [](GgufWriter& writer) { writer.add("tokenizer.ggml.add_bos_token", uint32_t{1}); };
  expect_error(flag, {"tokenizer.ggml.add_bos_token"});
  auto pre = TinyVocabulary::byte_level();
  pre.pre = "";
  pre.more = [](GgufWriter& writer) { writer.add("tokenizer.ggml.pre", uint32_t{1}); };
  expect_error(pre, {"tokenizer.ggml.pre"});
}

TEST(TokenizerMetadata, TypesAndScoresMustMakeSense) {
  auto types = TinyVocabulary::byte_level();
  types.types[7] = 7;
  expect_error(types, {"tokenizer.ggml.token_type", "token 7", "type 7"});
  types.types[7] = -1;
  expect_error(types, {"tokenizer.ggml.token_type", "token 7", "type -1"});
  auto scores = TinyVocabulary::sentence_piece();
  scores.scores[5] = std::numeric_limits<float>::quiet_NaN();
  expect_error(scores, {"tokenizer.ggml.scores", "token 5"});
  auto byte = TinyVocabulary::sentence_piece();
  byte.tokens[9] = "<0xG1>";
  expect_error(byte, {"tokenizer.ggml.tokens", "token 9", "<0xHH>"});
  auto piece = TinyVocabulary::sentence_piece();
  piece.add(std::string(5000, 'a'));
  expect_error(piece, {"tokenizer.ggml.tokens", "token 267", "5000 bytes"});
}

TEST(TokenizerMetadata, TooMuchTextInSpecialTokensIsRefused) {
  auto tiny = TinyVocabulary::byte_level();
  tiny.add(std::string(9 << 20, 'x'), TokenType::control);
  expect_error(tiny, {"tokenizer.ggml.tokens", "9437197 bytes", "8388608"});
}

TEST(TokenizerMetadata, AnIdOutOfRangeIsNamed) {
  for (const char* key : {"tokenizer.ggml.bos_token_id", "tokenizer.ggml.eos_token_id", "tokenizer.ggml.eot_token_id",
                          "tokenizer.ggml.unknown_token_id", "tokenizer.ggml.padding_token_id"}) {
    auto tiny = TinyVocabulary::byte_level();
    tiny.more = [&](GgufWriter& writer) { writer.add(key, uint32_t{261}); };
    expect_error(tiny, {key, "261"});
    tiny.more = [&](GgufWriter& writer) { writer.add(key, int32_t{-2}); };
    expect_error(tiny, {key, "-2"});
    tiny.more = [&](GgufWriter& writer) { writer.add(key, uint64_t{1} << 63); };
    expect_error(tiny, {key});
    tiny.more = [&](GgufWriter& writer) { writer.add(key, uint32_t{0xFFFFFFFF}); };  // none
    EXPECT_EQ(load_error(tiny), "");
  }
}

TEST(TokenizerMetadata, AMergeMustJoinTwoTokensToAThird) {
  for (const auto& [merge, what] :
       std::vector<std::pair<std::string, std::string>>{{"ab", "is not two texts"},
                                                        {"a b c", "is not two texts"},
                                                        {"", "is not two texts"},
                                                        {"a xyz", "names a text that is no token"},
                                                        {"xyz a", "names a text that is no token"},
                                                        {" a", "names a text that is no token"},
                                                        {"a z", "makes a text that is no token"}}) {
    auto tiny = TinyVocabulary::byte_level();
    tiny.merges.push_back(merge);
    expect_error(tiny, {"tokenizer.ggml.merges", "merge 3", what});
  }
}

TEST(TokenizerMetadata, ASentencePieceVocabularyNeedsBytesOrAnUnknownToken) {
  auto tiny = TinyVocabulary::sentence_piece(false);
  tiny.types[0] = static_cast<int32_t>(TokenType::normal);
  expect_error(tiny, {"tokenizer.ggml.unknown_token_id"});
}

TEST(TokenizerMetadata, EndOfGenerationIsWhatTheKeysAndTheTextsSay) {
  auto tiny = TinyVocabulary::byte_level();
  tiny.add("<|im_end|>", TokenType::control);
  tiny.add("<|eot_id|>");  // of type normal: text that only looks so
  tiny.add("bye", TokenType::control);
  tiny.more = [](GgufWriter& writer) {
    writer.add("tokenizer.ggml.eos_token_id", uint32_t{263});
    writer.add("tokenizer.ggml.eom_token_id", uint32_t{3});
  };
  const Tokenizer tokenizer = tiny.load();
  EXPECT_EQ(tokenizer.vocabulary().end_of_generation(), (std::vector<int32_t>{3, TinyVocabulary::kEnd, 261, 263}));
  EXPECT_TRUE(tokenizer.vocabulary().is_end_of_generation(261));
  EXPECT_FALSE(tokenizer.vocabulary().is_end_of_generation(262));
}

TEST(TokenizerMetadata, BosIsTheFilesWordOrTheCustomOfTheKind) {
  EXPECT_FALSE(TinyVocabulary::byte_level().load().adds_bos());
  EXPECT_TRUE(TinyVocabulary::byte_level().load({.pre = "llama-bpe"}).adds_bos());
  EXPECT_TRUE(TinyVocabulary::sentence_piece().load().adds_bos());
  auto tiny = TinyVocabulary::sentence_piece();
  tiny.more = [](GgufWriter& writer) {
    writer.add("tokenizer.ggml.add_bos_token", false);
    writer.add("tokenizer.ggml.add_eos_token", true);
  };
  EXPECT_FALSE(tiny.load().adds_bos());
  EXPECT_TRUE(tiny.load().adds_eos());
}

}  // namespace
}  // namespace hearth
