// Decoding whole sequences and streams.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "engine/text/tokenizer/detokenizer.h"
#include "tests/engine/text/tiny_vocabulary.h"

namespace hearth {
namespace {

using Ids = std::vector<int32_t>;

const std::string kReplacement = "\xEF\xBF\xBD";

TEST(Decode, ByteLevelGivesTheBytesBack) {
  const Tokenizer tokenizer = TinyVocabulary::byte_level().load();
  std::string bytes;
  for (int byte = 255; byte >= 0; --byte) bytes += static_cast<char>(byte);
  EXPECT_EQ(tokenizer.decode(tokenizer.encode(bytes, true), false), bytes);
}

TEST(Decode, ControlTokensAreShownOnlyWhenAskedFor) {
  const Tokenizer tokenizer = TinyVocabulary::byte_level().load();
  const Ids ids{'a', TinyVocabulary::kEnd, TinyVocabulary::kTool};
  EXPECT_EQ(tokenizer.decode(ids, false), "a<tool>");
  EXPECT_EQ(tokenizer.decode(ids, true), "a<|end|><tool>");
}

TEST(Decode, AnIdOutOfRangeIsAnError) {
  const Tokenizer tokenizer = TinyVocabulary::byte_level().load();
  EXPECT_THROW((void)tokenizer.decode(Ids{261}, false), TokenizerError);
  EXPECT_THROW((void)tokenizer.decode(Ids{-1}, false), TokenizerError);
}

TEST(Decode, SentencePieceTakesTheLeadingSpaceAwayOnce) {
  const Tokenizer tokenizer = TinyVocabulary::sentence_piece().load();
  EXPECT_EQ(tokenizer.decode(Ids{1, 264, 264}, false), "a a");
  EXPECT_EQ(tokenizer.decode(Ids{259, 264}, false), " a");
  EXPECT_EQ(tokenizer.decode(Ids{3 + '\n', 264}, false), "\n a");
  EXPECT_EQ(tokenizer.decode(Ids{1, 264}, true), "<s>a");
  EXPECT_EQ(tokenizer.decode(Ids{3 + ' ', 260}, false), " a");  // a byte token is no prefix
}

TEST(Decode, SentencePieceReplacesEachByteThatIsNoUtf8) {
  const Tokenizer tokenizer = TinyVocabulary::sentence_piece().load();
  EXPECT_EQ(tokenizer.decode(Ids{3 + 0xF0, 3 + 0x9F, 260}, false), kReplacement + kReplacement + "a");
}

TEST(Detokenizer, HoldsACharacterUntilItIsWhole) {
  const Tokenizer tokenizer = TinyVocabulary::byte_level().load();
  Detokenizer detokenizer(tokenizer);
  EXPECT_EQ(detokenizer.push('a'), "a");
  EXPECT_EQ(detokenizer.push(0xF0), "");
  EXPECT_EQ(detokenizer.push(0x9F), "");
  EXPECT_EQ(detokenizer.push(0xA6), "");
  EXPECT_EQ(detokenizer.push(0x99), "\xF0\x9F\xA6\x99");
  EXPECT_EQ(detokenizer.push(0xC3), "");
  EXPECT_EQ(detokenizer.push('b'), kReplacement + "b");
  EXPECT_EQ(detokenizer.push(0xE4), "");
  EXPECT_EQ(detokenizer.push(0xB8), "");
  EXPECT_EQ(detokenizer.finish(), kReplacement + kReplacement);
  EXPECT_EQ(detokenizer.finish(), "");
}

TEST(Detokenizer, BytesThatCanBeginNothingDoNotWait) {
  const Tokenizer tokenizer = TinyVocabulary::byte_level().load();
  Detokenizer detokenizer(tokenizer);
  EXPECT_EQ(detokenizer.push(0xFF), kReplacement);
  EXPECT_EQ(detokenizer.push(0x80), kReplacement);
}

TEST(Detokenizer, KeepsTheLeadingSpaceWhereItContinues) {
  const Tokenizer tokenizer = TinyVocabulary::sentence_piece().load();
  Detokenizer fresh(tokenizer);
  EXPECT_EQ(fresh.push(1), "");
  EXPECT_EQ(fresh.push(264), "a");
  EXPECT_EQ(fresh.push(264), " a");
  EXPECT_EQ(fresh.finish(), "");
  EXPECT_EQ(fresh.push(264), "a");  // a new sequence
  Detokenizer continuing(tokenizer, {.continues = true});
  EXPECT_EQ(continuing.push(264), " a");
}

}  // namespace
}  // namespace hearth
