// The parts of encoding: words, merges, special tokens, unknown bytes.
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "engine/text/tokenizer/pretokenize.h"
#include "tests/engine/text/tiny_vocabulary.h"

namespace hearth {
namespace {

using Ids = std::vector<int32_t>;

// The words with a bar between them.
std::string cut(PreTokenizer rules, std::string_view text) {
  std::string out;
  uint32_t begin = 0;
  for (const uint32_t end : pre_tokenize(rules, text)) {
    if (begin != 0) out += "|";
    out += text.substr(begin, end - begin);
    begin = end;
  }
  EXPECT_EQ(begin, text.size());
  return out;
}

TEST(PreTokenize, Gpt2) {
  EXPECT_EQ(cut(PreTokenizer::gpt2, "I'll don't  go 1234!!\n\n x"), "I|'ll| don|'t| | go| 1234|!!|\n\n| x");
  EXPECT_EQ(cut(PreTokenizer::gpt2, "I'LL  "), "I|'|LL|  ");
  EXPECT_EQ(cut(PreTokenizer::gpt2, "a\tb"), "a|\t|b");
}

TEST(PreTokenize, Llama3TakesThreeDigitsAndAnyCase) {
  EXPECT_EQ(cut(PreTokenizer::llama3, "I'LL 12345"), "I|'LL| |123|45");
  EXPECT_EQ(cut(PreTokenizer::llama3, "(a) ;\n\n x  \n  y"), "(a|)| ;\n\n| x|  \n| | y");
  EXPECT_EQ(cut(PreTokenizer::llama3, "it'\xC5\xBFx"), "it|'\xC5\xBF|x");  // long s
}

TEST(PreTokenize, Qwen2TakesOneDigit) { EXPECT_EQ(cut(PreTokenizer::qwen2, "a 12'S"), "a| |1|2|'S"); }

TEST(PreTokenize, StarcoderCutsNumbersFirst) {
  EXPECT_EQ(cut(PreTokenizer::starcoder, "x 12  y's"), "x| |1|2| | y|'s");
}

TEST(PreTokenize, FalconCutsPunctuationFirst) {
  EXPECT_EQ(cut(PreTokenizer::falcon, "it's $12345 a+b"), "it|'|s| |$|123|45| a|+|b");
}

TEST(PreTokenize, DeepseekCoderCutsNewlinesAndBlocks) {
  EXPECT_EQ(cut(PreTokenizer::deepseek_coder, "a\n\n b\xE4\xB8\xAD.12"), "a|\n|\n| b|\xE4\xB8\xAD|.|1|2");
}

TEST(PreTokenize, InvalidBytesAreSymbols) { EXPECT_EQ(cut(PreTokenizer::gpt2, "a\xFF\xE4 b"), "a|\xFF\xE4| b"); }

TEST(ByteLevel, EveryByteHasATextOfItsOwn) {
  for (unsigned byte = 0; byte < 256; ++byte) {
    const auto c = static_cast<unsigned char>(byte);
    EXPECT_EQ(byte_level_bytes(byte_level_text(c)), std::string(1, static_cast<char>(c)));
  }
  EXPECT_EQ(byte_level_text(' '), "\xC4\xA0");
  EXPECT_EQ(byte_level_text('\n'), "\xC4\x8A");
}

TEST(SpecialTokens, TheLeftmostWinsThenTheLongest) {
  const std::vector<SpecialTokens::Token> tokens{{"<a>", 1}, {"<a><b>", 2}, {"b><c", 3}, {"", 4}, {"<a>", 5}};
  const SpecialTokens special(tokens);
  const auto found = [&](std::string_view text) {
    Ids ids;
    for (const auto& match : special.find(text)) ids.push_back(match.id);
    return ids;
  };
  EXPECT_EQ(found("<a><b><c>"), Ids{2});
  EXPECT_EQ(found("<a><bb><c>"), (Ids{1, 3}));
  EXPECT_EQ(found("<<a>>"), Ids{1});
  EXPECT_EQ(found("<a"), Ids{});
  const auto match = special.find("xx<a>yy").at(0);
  EXPECT_EQ(match.begin, 2u);
  EXPECT_EQ(match.end, 5u);
}

TEST(SpecialTokens, ManyLongTokensInHostileText) {
  std::vector<std::string> texts;
  for (int i = 1; i <= 500; ++i) texts.push_back(std::string(static_cast<size_t>(i) * 4, 'a') + "b");
  std::vector<SpecialTokens::Token> tokens;
  for (size_t i = 0; i < texts.size(); ++i) tokens.push_back({texts[i], static_cast<int32_t>(i)});
  const SpecialTokens special(tokens);
  EXPECT_TRUE(special.find(std::string(1000000, 'a')).empty());
  const auto matches = special.find(std::string(1000000, 'a') + "b");
  ASSERT_EQ(matches.size(), 1u);
  EXPECT_EQ(matches[0].id, 499);  // the leftmost is the longest: 2000 letters before the b
}

TEST(BpeEncoder, MergesByRank) {
  const Tokenizer tokenizer = TinyVocabulary::byte_level().load();
  EXPECT_EQ(tokenizer.encode("abc ab a", false),
            (Ids{TinyVocabulary::kAbc, ' ', TinyVocabulary::kAb, TinyVocabulary::kSpaceA}));
  EXPECT_EQ(tokenizer.encode("", false), Ids{});
}

TEST(BpeEncoder, OnlyLlama3TakesAWholeWordThatMergesDoNotReach) {
  auto tiny = TinyVocabulary::byte_level();
  tiny.add("xyz");
  EXPECT_EQ(tiny.load({.pre = "llama-bpe"}).encode("xyz", false), Ids{261});
  EXPECT_EQ(tiny.load({.pre = "dbrx"}).encode("xyz", false), (Ids{'x', 'y', 'z'}));
}

TEST(BpeEncoder, AByteWithoutATokenIsUnknownOrNothing) {
  auto tiny = TinyVocabulary::byte_level();
  tiny.tokens['q'] = "qq";
  EXPECT_EQ(tiny.load().encode("aqa", false), (Ids{'a', 'a'}));
  tiny.add("<unk>", TokenType::unknown);
  tiny.more = [](GgufWriter& writer) { writer.add("tokenizer.ggml.unknown_token_id", uint32_t{261}); };
  EXPECT_EQ(tiny.load().encode("aqa", false), (Ids{'a', 261, 'a'}));
}

TEST(Tokenizer, ControlTokensAreTextUnlessAskedForUserDefinedOnesNever) {
  const Tokenizer tokenizer = TinyVocabulary::byte_level().load();
  EXPECT_EQ(tokenizer.encode("<|end|><tool>", true), (Ids{TinyVocabulary::kEnd, TinyVocabulary::kTool}));
  EXPECT_EQ(tokenizer.encode("<|end|><tool>", false), (Ids{'<', '|', 'e', 'n', 'd', '|', '>', TinyVocabulary::kTool}));
}

TEST(SpmEncoder, MergesByScoreAndPutsASpaceInFront) {
  const Tokenizer tokenizer = TinyVocabulary::sentence_piece().load();
  const int32_t mark = 259, a = 260, b = 261, c = 262, ab = 263, mark_a = 264;
  EXPECT_EQ(tokenizer.encode("ab", false), (Ids{mark, ab}));  // ab scores above mark_a
  EXPECT_EQ(tokenizer.encode("a", false), Ids{mark_a});
  EXPECT_EQ(tokenizer.encode("c a", false), (Ids{mark, c, mark_a}));
  EXPECT_EQ(tokenizer.encode("", false), Ids{});
  EXPECT_EQ(tokenizer.encode("</s>b", true), (Ids{2, mark, b}));
  EXPECT_EQ(tokenizer.encode("z", false), (Ids{mark, 3 + 'z'}));
  auto bare = TinyVocabulary::sentence_piece();
  bare.more = [](GgufWriter& writer) { writer.add("tokenizer.ggml.add_space_prefix", false); };
  EXPECT_EQ(bare.load().encode("a", false), Ids{a});
}

TEST(SpmEncoder, AnUnusedPieceIsTakenApartAgain) {
  auto tiny = TinyVocabulary::sentence_piece();
  tiny.types[263] = static_cast<int32_t>(TokenType::unused);  // ab
  const Tokenizer tokenizer = tiny.load();
  EXPECT_EQ(tokenizer.encode("ab", false), (Ids{259, 260, 261}));
  EXPECT_EQ(tokenizer.encode("abc", false), (Ids{259, 265}));  // still a step to abc
}

TEST(SpmEncoder, APieceAcrossWordsIsFound) {
  auto tiny = TinyVocabulary::sentence_piece();
  tiny.add("a\xE2\x96\x81", TokenType::normal, 1);
  tiny.add(
      "a\xE2\x96\x81"
      "b",
      TokenType::normal, 1);
  EXPECT_EQ(tiny.load().encode("a b", false), (Ids{259, 268}));
}

TEST(SpmEncoder, WithoutByteTokensUnknownRunsBecomeOneToken) {
  const Tokenizer tokenizer = TinyVocabulary::sentence_piece(false).load();
  EXPECT_EQ(tokenizer.encode("xyza\xFFq", false), (Ids{3, 0, 4, 0}));
}

TEST(SpmEncoder, TheAddedTokensOfPhi3SwallowWhiteSpace) {
  auto tiny = TinyVocabulary::sentence_piece();
  tiny.add("<|user|>", TokenType::control);
  tiny.add("<|endoftext|>", TokenType::control);
  tiny.more = [](GgufWriter& writer) { writer.add("general.architecture", std::string_view("phi3")); };
  EXPECT_EQ(tiny.load().encode("<|user|> \n\ta<|user|>\n", true), (Ids{267, 264, 267}));
  EXPECT_EQ(tiny.load().encode("<|endoftext|>\n", true), (Ids{268, 259, 3 + '\n'}));
  tiny.more = nullptr;
  EXPECT_EQ(tiny.load().encode("<|user|>\n", true), (Ids{267, 259, 3 + '\n'}));
}

}  // namespace
}  // namespace hearth
