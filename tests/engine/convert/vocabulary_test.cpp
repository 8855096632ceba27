// Tokenizers, from both kinds of files.
#include "engine/convert/vocabulary.h"

#include "tests/engine/convert/hf_folder.h"

namespace hearth {
namespace {

const std::string kFile = "tokenizer";

// As it is read from a file, where whole numbers are unsigned.
Json stored(const Json& json) { return Json::parse(json.dump()); }

Json byte_level_tokenizer(const Json& pre_tokenizer) {
  return {{"added_tokens",
           {{{"id", 4}, {"content", "<|end|>"}, {"special", false}},
            {{"id", 5}, {"content", "\xE2\x96\x81tool"}, {"special", false}}}},
          {"pre_tokenizer", pre_tokenizer},
          {"decoder", {{"type", "ByteLevel"}}},
          {"model",
           {{"type", "BPE"},
            {"ignore_merges", false},
            {"vocab", {{"a", 0}, {"b", 1}, {"\xC4\xA0", 2}, {"ab", 3}}},
            {"merges", Json::array({"a b", Json::array({" ", "a"})})}}}};
}
const Json kGpt2 = {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"use_regex", true}};

std::string json_error(const Json& json) {
  return file_error([&] { (void)read_tokenizer_json(stored(json), kFile, "llama", ""); });
}

TEST(ConvertVocabulary, ByteLevelHasMergesAndAddedTokens) {
  const ConvertedVocabulary vocabulary = read_tokenizer_json(stored(byte_level_tokenizer(kGpt2)), kFile, "gpt2", "");
  EXPECT_EQ(vocabulary.model, "gpt2");
  EXPECT_EQ(vocabulary.pre, "gpt-2");
  EXPECT_EQ(vocabulary.merges, (std::vector<std::string>{"a b", "\xC4\xA0 a"}));
  ASSERT_EQ(vocabulary.tokens.size(), 6u);
  EXPECT_EQ(vocabulary.tokens[3].type, TokenType::normal);
  EXPECT_EQ(vocabulary.tokens[4].type, TokenType::control);  // by its looks
  EXPECT_EQ(vocabulary.tokens[5].type, TokenType::user_defined);
  EXPECT_EQ(vocabulary.tokens[5].text, " tool");
}

TEST(ConvertVocabulary, RulesForWordsAreRecognisedOrNamed) {
  const auto split = [](const char* regex) {
    return Json{{"type", "Sequence"},
                {"pretokenizers",
                 {{{"type", "Split"}, {"pattern", {{"Regex", regex}}}, {"behavior", "Isolated"}, {"invert", false}},
                  {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"use_regex", false}}}}};
  };
  constexpr const char* kLlama =
      R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
  Json tokenizer = byte_level_tokenizer(split(kLlama));
  const auto pre = [&](const char* architecture) { return recognise_pre_tokenizer(tokenizer, kFile, architecture); };
  EXPECT_EQ(pre("olmo2"), "dbrx");
  EXPECT_EQ(pre("glm4"), "glm4");
  tokenizer["model"]["ignore_merges"] = true;
  EXPECT_EQ(pre("llama"), "llama-bpe");
  tokenizer = byte_level_tokenizer(split("\\S+"));
  EXPECT_NE(json_error(tokenizer).find("pre_tokenizer is unknown (Split \\x5cS+; ByteLevel plain); --pre"),
            std::string::npos)
      << json_error(tokenizer);
  EXPECT_EQ(read_tokenizer_json(stored(tokenizer), kFile, "llama", "qwen2").pre, "qwen2");
  Json spaced = kGpt2;
  spaced["add_prefix_space"] = true;
  EXPECT_NE(json_error(byte_level_tokenizer(spaced)).find("space in front"), std::string::npos);
}

TEST(ConvertVocabulary, MergesBecomeScoresOfSentencePiece) {
  const Json tokenizer = {
      {"added_tokens", {{{"id", 0}, {"content", "<unk>"}, {"special", true}}}},
      {"normalizer", {{"type", "Sequence"}, {"normalizers", {{{"type", "Prepend"}, {"prepend", "\xE2\x96\x81"}}}}}},
      {"model",
       {{"type", "BPE"},
        {"byte_fallback", true},
        {"unk_token", "<unk>"},
        {"vocab", {{"<unk>", 0}, {"<0x41>", 1}, {"a", 2}, {"b", 3}, {"ab", 4}, {"aba", 5}}},
        {"merges", {"a b", "ab a", "a ba"}}}}};
  const ConvertedVocabulary vocabulary = read_tokenizer_json(stored(tokenizer), kFile, "llama", "");
  EXPECT_EQ(vocabulary.model, "llama");
  EXPECT_EQ(vocabulary.add_space_prefix, true);
  EXPECT_EQ(vocabulary.tokens[0].type, TokenType::unknown);
  EXPECT_EQ(vocabulary.tokens[1].type, TokenType::byte);
  EXPECT_GT(vocabulary.tokens[4].score, vocabulary.tokens[5].score);
  EXPECT_GT(vocabulary.tokens[5].score, vocabulary.tokens[2].score);
}

TEST(ConvertVocabulary, WrongTokenizersAreNamed) {
  const auto with = [](const char* name, const Json& value) {
    Json tokenizer = byte_level_tokenizer(kGpt2);
    tokenizer["model"][name] = value;
    return json_error(tokenizer);
  };
  EXPECT_NE(with("type", "Unigram").find("\"Unigram\""), std::string::npos);
  EXPECT_NE(with("vocab", Json::object()).find("no vocab"), std::string::npos);
  EXPECT_NE(with("vocab", {{"a", -1}}).find("no whole number"), std::string::npos);
  EXPECT_NE(with("vocab", {{"a", 1}, {"b", 1}}).find("two tokens with the id 1"), std::string::npos);
  EXPECT_NE(with("vocab", {{"a", uint64_t{1} << 40}}).find("past what any model has"), std::string::npos);
  EXPECT_NE(with("merges", Json::array({"ab"})).find("no pair"), std::string::npos);
  EXPECT_NE(with("merges", Json::array({Json::array({"a", 1})})).find("no pair"), std::string::npos);
  EXPECT_NE(json_error(Json::object()).find("has no model"), std::string::npos);
  EXPECT_NE(json_error(Json::array()).find("has no model"), std::string::npos);
  const Json cased = {{"normalizer", {{"type", "BertNormalizer"}, {"lowercase", false}}},
                      {"model", {{"type", "WordPiece"}, {"vocab", {{"[UNK]", 0}}}}}};
  EXPECT_NE(json_error(cased).find("upper from lower case"), std::string::npos);
}

TEST(ConvertVocabulary, SentencePieceModelsAreRead) {
  SentencePieceFile file;
  file.piece("<unk>", 0, 2);
  file.piece("\xE2\x96\x81\xE2\x96\x81", -1, 4);
  file.piece("a", -2.5f, 1);
  file.trainer(2);
  file.normalizer(false);
  file.bytes += SentencePieceFile::text(9, "unknown fields are passed over");
  const ConvertedVocabulary vocabulary = read_sentencepiece(file.bytes, kFile);
  ASSERT_EQ(vocabulary.tokens.size(), 3u);
  EXPECT_EQ(vocabulary.tokens[0].type, TokenType::unknown);
  EXPECT_EQ(vocabulary.tokens[1].type, TokenType::user_defined);
  EXPECT_EQ(vocabulary.tokens[1].text, "  ");
  EXPECT_EQ(vocabulary.tokens[2].score, -2.5f);
  EXPECT_EQ(vocabulary.add_space_prefix, false);
}

TEST(ConvertVocabulary, WrongSentencePieceModelsAreNamed) {
  const auto error = [](const std::string& bytes) {
    return file_error([&] { (void)read_sentencepiece(bytes, kFile); });
  };
  SentencePieceFile unigram;
  unigram.piece("a", 0, 1);
  EXPECT_NE(error(unigram.bytes).find("unigram"), std::string::npos);
  EXPECT_NE(error("").find("no SentencePiece model"), std::string::npos);
  EXPECT_NE(error("version https://git-lfs").find("no SentencePiece model"), std::string::npos);
  EXPECT_NE(error(unigram.bytes.substr(0, unigram.bytes.size() - 1)).find("no SentencePiece model"), std::string::npos);
  SentencePieceFile kind;
  kind.piece("a", 0, 9);
  EXPECT_NE(error(kind.bytes).find("unknown kind"), std::string::npos);
  SentencePieceFile byte;
  byte.piece("<0xZZ>", 0, 6);
  EXPECT_NE(error(byte.bytes).find("stands for a byte"), std::string::npos);
}

}  // namespace
}  // namespace hearth
