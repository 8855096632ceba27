// Prompts of gaps, in the format of each family.
#include "engine/text/infill.h"

#include <gtest/gtest.h>

#include "tests/engine/text/tiny_vocabulary.h"
#include "tests/shared_data.h"

namespace hearth {
namespace {

const Infill kGap{"def f(", ")\n", {}, ""};
const Infill kGapInRepository{"def f(", ")\n", {{"a.py", "x = 1"}, {"b.py", "y = 2"}}, "c.py"};

std::string spelled(const Tokenizer& tokenizer, const Infill& gap) {
  return tokenizer.decode(infill_ids(gap, tokenizer), true);
}

Tokenizer shared_tokenizer(const char* name) {
  return Tokenizer::load(Gguf::open(shared_data(std::string("vocab/") + name + ".gguf")));
}

TEST(InfillPrompt, OfQwenHasFilesInFront) {
  HEARTH_REQUIRE_SHARED(shared_data("vocab/qwen2.gguf"));
  const Tokenizer tokenizer = shared_tokenizer("qwen2");
  EXPECT_EQ(spelled(tokenizer, kGap), "<|fim_prefix|>def f(<|fim_suffix|>)\n<|fim_middle|>");
  EXPECT_EQ(spelled(tokenizer, kGapInRepository),
            "<|repo_name|>project\n<|file_sep|>a.py\nx = 1\n<|file_sep|>b.py\ny = 2\n<|file_sep|>c.py\n"
            "<|fim_prefix|>def f(<|fim_suffix|>)\n<|fim_middle|>");
  EXPECT_TRUE(tokenizer.vocabulary().is_end_of_generation(*tokenizer.vocabulary().find("<|file_sep|>")));
}

TEST(InfillPrompt, OfStarCoderHasThePathBehindThePrefix) {
  HEARTH_REQUIRE_SHARED(shared_data("vocab/starcoder.gguf"));
  const Tokenizer tokenizer = shared_tokenizer("starcoder");
  EXPECT_EQ(spelled(tokenizer, kGap), "<fim_prefix>def f(<fim_suffix>)\n<fim_middle>");
  EXPECT_EQ(spelled(tokenizer, kGapInRepository),
            "<repo_name>project<file_sep>a.py\nx = 1<file_sep>b.py\ny = 2<file_sep>"
            "<fim_prefix>c.py\ndef f(<fim_suffix>)\n<fim_middle>");
}

TEST(InfillPrompt, OfDeepSeekHasFilesAsComments) {
  HEARTH_REQUIRE_SHARED(shared_data("vocab/deepseek-coder.gguf"));
  const Tokenizer tokenizer = shared_tokenizer("deepseek-coder");
  const std::string open = "<\xEF\xBD\x9C", close = "\xEF\xBD\x9C>", bar = "\xE2\x96\x81";
  const auto token = [&](const std::string& word) { return open + "fim" + bar + word + close; };
  EXPECT_EQ(spelled(tokenizer, kGap), token("begin") + "def f(" + token("hole") + ")\n" + token("end"));
  EXPECT_EQ(spelled(tokenizer, kGapInRepository),
            token("begin") + "#a.py\nx = 1\n#b.py\ny = 2\n#c.py\ndef f(" + token("hole") + ")\n" + token("end"));
}

// Bytes are 3 and on, then a space mark at 259, "a" at 260 and "b" at 261.
TinyVocabulary with_gap_tokens(std::initializer_list<const char*> texts) {
  TinyVocabulary tiny = TinyVocabulary::sentence_piece();
  for (const char* text : texts) tiny.add(text, TokenType::control);
  return tiny;
}

TEST(InfillPrompt, OfCodeLlamaPutsNoSpaceInFrontOfTheSuffix) {
  const Tokenizer tokenizer = with_gap_tokens({"\xE2\x96\x81<PRE>", "\xE2\x96\x81<SUF>", "\xE2\x96\x81<MID>"}).load();
  const auto id = [&](const char* text) { return *tokenizer.vocabulary().find(text); };
  const int32_t space_a =
      id("\xE2\x96\x81"
         "a");
  EXPECT_EQ(infill_ids({"a", "b", {{"x", "y"}}, "z"}, tokenizer),
            (std::vector<int32_t>{id("\xE2\x96\x81<PRE>"), space_a, id("\xE2\x96\x81<SUF>"), id("b"),
                                  id("\xE2\x96\x81<MID>")}));
  EXPECT_EQ(infill_ids({"a", "", {}, ""}, tokenizer),
            (std::vector<int32_t>{id("\xE2\x96\x81<PRE>"), space_a, id("\xE2\x96\x81<SUF>"), id("\xE2\x96\x81<MID>")}));
}

TEST(InfillPrompt, OfCodestralBeginsWithTheSuffix) {
  const Tokenizer tokenizer = with_gap_tokens({"[PREFIX]", "[SUFFIX]"}).load();
  EXPECT_TRUE(has_infill(tokenizer.vocabulary()));
  EXPECT_EQ(spelled(tokenizer, {"a", "b", {}, ""}), "[SUFFIX]b[PREFIX] a");
  EXPECT_EQ(spelled(tokenizer, {"a", "b", {{"p", "t"}}, "q"}), "[SUFFIX]b[PREFIX] +++++ p\nt\n\n+++++ q\na");
}

TEST(InfillPrompt, TheFilesOwnIdsCount) {
  TinyVocabulary tiny = TinyVocabulary::byte_level();
  for (const char* text : {"<P>", "<S>", "<M>", "<R>", "<F>"}) tiny.add(text, TokenType::control);
  tiny.more = [](GgufWriter& writer) {
    uint32_t id = 261;
    for (const char* key : {"pre", "suf", "mid", "rep", "sep"})
      writer.add(std::string("tokenizer.ggml.fim_") + key + "_token_id", id++);
  };
  const Tokenizer tokenizer = tiny.load();
  EXPECT_EQ(spelled(tokenizer, {"a", "b", {{"x", "y"}}, ""}), "<R>project\n<F>x\ny\n<F>untitled\n<P>a<S>b<M>");
}

TEST(InfillPrompt, WithoutItsTokensThereIsNone) {
  const Tokenizer tokenizer = TinyVocabulary::byte_level().load();
  EXPECT_FALSE(has_infill(tokenizer.vocabulary()));
  EXPECT_THROW(infill_ids(kGap, tokenizer), Error);
  EXPECT_FALSE(has_infill(with_gap_tokens({"<|fim_prefix|>", "<|fim_suffix|>"}).load().vocabulary()));
}

TEST(InfillPrompt, ControlTokensInTextAreText) {
  HEARTH_REQUIRE_SHARED(shared_data("vocab/qwen2.gguf"));
  const Tokenizer tokenizer = shared_tokenizer("qwen2");
  const auto ids = infill_ids({"<|endoftext|>", "<|im_end|>", {{"<|endoftext|>", "<|im_end|>"}}, ""}, tokenizer);
  for (const char* text : {"<|endoftext|>", "<|im_end|>"})
    EXPECT_EQ(std::count(ids.begin(), ids.end(), *tokenizer.vocabulary().find(text)), 0) << text;
}

}  // namespace
}  // namespace hearth
