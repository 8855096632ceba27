// WordPiece: words, pieces, accents, special tokens.
#include <gtest/gtest.h>

#include "tests/engine/text/tiny_vocabulary.h"

namespace hearth {
namespace {

using Ids = std::vector<int32_t>;

// 0 [PAD], 1 [UNK], 2 [CLS], 3 [SEP], 4 [MASK], then pieces.
TinyVocabulary tiny_word_pieces() {
  TinyVocabulary tiny;
  tiny.model = "bert";
  for (const char* special : {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"})
    tiny.add(special, special == std::string("[UNK]") ? TokenType::unknown : TokenType::control);
  for (const char* piece : {"\xE2\x96\x81un", "aff", "able", "\xE2\x96\x81run", "ning", "\xE2\x96\x81,",
                            "\xE2\x96\x81"
                            "ecole",
                            "\xE2\x96\x81\xE4\xB8\xAD", "\xE2\x96\x81+"})
    tiny.add(piece);
  return tiny;
}
constexpr int32_t kUnknown = 1, kUn = 5, kAff = 6, kAble = 7, kRun = 8, kNing = 9, kComma = 10, kEcole = 11,
                  kMiddle = 12, kPlus = 13;

TEST(WordPiece, TakesTheLongestPiecesFromTheBeginning) {
  const Tokenizer tokenizer = tiny_word_pieces().load();
  EXPECT_EQ(tokenizer.encode("unaffable running", false), (Ids{kUn, kAff, kAble, kRun, kNing}));
  EXPECT_EQ(tokenizer.encode("  UnAffAble\n\tRUN  ", false), (Ids{kUn, kAff, kAble, kRun}));
  EXPECT_EQ(tokenizer.encode("", false), Ids{});
}

TEST(WordPiece, AWordThatNoPiecesMakeUpIsOneUnknownToken) {
  const Tokenizer tokenizer = tiny_word_pieces().load();
  EXPECT_EQ(tokenizer.encode("unaffxyz run", false), (Ids{kUnknown, kRun}));
  EXPECT_EQ(tokenizer.encode(std::string(1000000, 'u') + " run", false), (Ids{kUnknown, kRun}));
  std::string long_word = "un";
  while (long_word.size() < 98) long_word += "aff";
  EXPECT_EQ(tokenizer.encode(long_word, false).size(), 33u);  // 98 characters; 101 are past the limit
  EXPECT_EQ(tokenizer.encode(long_word + "aff", false).size(), 1u);
}

TEST(WordPiece, SignsAndIdeographsAreWordsAccentsAreNothing) {
  const Tokenizer tokenizer = tiny_word_pieces().load();
  EXPECT_EQ(tokenizer.encode("run,un+run", false), (Ids{kRun, kComma, kUn, kPlus, kRun}));
  EXPECT_EQ(tokenizer.encode("\xC3\x89"
                             "cole e\xCC\x81"
                             "cole",
                             false),
            (Ids{kEcole, kEcole}));
  EXPECT_EQ(tokenizer.encode("\xE4\xB8\xAD\xE4\xB8\xADrun", false), (Ids{kMiddle, kMiddle, kRun}));
  EXPECT_EQ(tokenizer.encode("r\xE2\x80\x8Bun\xFF", false), Ids{kRun});  // controls and broken bytes are nothing
}

TEST(WordPiece, StandsBetweenClassifyAndSeparator) {
  TinyVocabulary tiny = tiny_word_pieces();
  const Tokenizer plain = tiny.load();
  EXPECT_TRUE(plain.adds_bos());
  EXPECT_TRUE(plain.adds_eos());
  EXPECT_EQ(plain.vocabulary().special().bos, 2);
  EXPECT_EQ(plain.vocabulary().special().eos, 3);
  tiny.more = [](GgufWriter& writer) {
    writer.add("tokenizer.ggml.cls_token_id", uint32_t{4});
    writer.add("tokenizer.ggml.seperator_token_id", uint32_t{0});
  };
  const Tokenizer named = tiny.load();
  EXPECT_EQ(named.vocabulary().special().bos, 4);
  EXPECT_EQ(named.vocabulary().special().eos, 0);
  EXPECT_EQ(named.encode("run [MASK]", true), (Ids{kRun, 4}));
}

TEST(WordPiece, DecodesToWordsWithSpaces) {
  const Tokenizer tokenizer = tiny_word_pieces().load();
  EXPECT_EQ(tokenizer.decode(tokenizer.encode("Unaffable, running", false), false), "unaffable , running");
  EXPECT_EQ(tokenizer.decode(Ids{2, kRun, 3}, false), "run");
}

}  // namespace
}  // namespace hearth
