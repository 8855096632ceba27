// Tokens on automata: what is forced, where an answer may end, and vocabularies with spaces of their own.
#include <gtest/gtest.h>

#include <atomic>
#include <limits>
#include <thread>

#include "engine/decode/constraint/constraint_cache.h"
#include "tests/engine/constraint/constraint_tests.h"
#include "tests/shared_data.h"

namespace hearth {
namespace {

std::string text_of(const TokenTrie& tokens, const std::vector<int32_t>& ids) {
  std::string text;
  for (const int32_t id : ids) text += std::string(tokens.bytes(id)) + "|";
  return text;
}

TEST(Matcher, ForcedTokensAreTheLongestThatAreCertain) {
  const auto tokens =
      std::make_shared<TokenTrie>(std::vector<std::string>{"a", "b", "c", "ab", "abc", "bc", "{\"", "na", "me", "name",
                                                           "\":", "\":\"", "\"", ":", "x", ""},
                                  std::vector<int32_t>{15});
  // The text that must come ends with `":"`, which no longer token could go on from.
  Matcher member(compile_gbnf("root ::= \"{\\\"name\\\":\\\"\" [a-z]* \"\\\"\""), tokens);
  EXPECT_EQ(text_of(*tokens, member.forced()), "{\"|name|\":\"|");
  // After `ab`, which is certain, the model may want `abc`.
  Matcher open(compile_gbnf("root ::= \"ab\" [cx]"), tokens);
  EXPECT_EQ(text_of(*tokens, open.forced()), "");
  Matcher closed(compile_gbnf("root ::= \"ab\""), tokens);
  EXPECT_EQ(text_of(*tokens, closed.forced()), "ab|");
  Matcher longer(compile_gbnf("root ::= \"abcx\" [abc]"), tokens);
  EXPECT_EQ(text_of(*tokens, longer.forced()), "abc|x|");
  Matcher free_end(compile_gbnf("root ::= \"x\" \"a\"?"), tokens);
  EXPECT_EQ(text_of(*tokens, free_end.forced()), "x|");
  // No token says what must come.
  Matcher stuck(compile_gbnf("root ::= \"z\""), tokens);
  EXPECT_EQ(text_of(*tokens, stuck.forced()), "");
  std::vector<float> logits(tokens->size(), 0.0f);
  EXPECT_FALSE(stuck.mask(logits));
}

TEST(Matcher, TextWithMuchToRememberIsForcedInParts) {
  const auto tokens = small_vocabulary();
  Matcher matcher(compile_gbnf("root ::= (\"a\"{1,15}){500}"), tokens);
  size_t said = 0, parts = 0;
  for (auto ids = matcher.forced(); !ids.empty(); ids = matcher.forced(), ++parts)
    for (const int32_t id : ids) ASSERT_TRUE(matcher.accept(id)) << ++said;
  EXPECT_GT(parts, 1u);
  EXPECT_TRUE(matcher.accept_bytes("a"));
}

TEST(Matcher, EndsAreAllowedWhereTheTextIsWhole) {
  const auto tokens = small_vocabulary();
  const auto end = tokens->size() - 1;
  Matcher matcher(compile_gbnf("root ::= \"a\" \"b\"?"), tokens);
  const auto may_end = [&](bool may_stop) {
    std::vector<float> logits(tokens->size() + 5, 1.0f);
    matcher.mask(logits, may_stop);
    for (size_t i = tokens->size(); i < logits.size(); ++i)
      EXPECT_EQ(logits[i], -std::numeric_limits<float>::infinity()) << "padding";
    return logits[end] == 1;
  };
  EXPECT_FALSE(may_end(true));
  EXPECT_FALSE(matcher.accept(static_cast<int32_t>(end)));
  ASSERT_TRUE(matcher.accept('a'));
  EXPECT_TRUE(may_end(true));
  EXPECT_FALSE(may_end(false));
  EXPECT_TRUE(matcher.may_end());
  EXPECT_FALSE(matcher.finished());
  EXPECT_FALSE(matcher.accept('a'));
  ASSERT_TRUE(matcher.accept('b'));
  EXPECT_TRUE(matcher.finished());
}

TEST(Matcher, SomethingMayComeHoweverUnlikely) {
  const auto tokens = small_vocabulary();
  Matcher matcher(compile_gbnf("root ::= [ab]"), tokens);
  std::vector<float> logits(tokens->size(), -std::numeric_limits<float>::infinity());
  EXPECT_TRUE(matcher.mask(logits));
  EXPECT_GT(logits['a'], -std::numeric_limits<float>::infinity());
  EXPECT_EQ(logits['c'], -std::numeric_limits<float>::infinity());
}

TEST(Matcher, LongAnswersNeedLittleMemory) {
  const auto tokens = small_vocabulary();
  Matcher matcher(
      compile_schema(R"({"type":"array","items":{"type":"array","items":{"type":"integer"}},"maxItems":1000000})"),
      tokens);
  ASSERT_TRUE(matcher.accept_bytes("[[1]"));
  std::vector<float> logits(tokens->size());
  for (int i = 0; i < 50'000; ++i) {
    ASSERT_TRUE(matcher.accept_bytes(",[1,2]"));
    if (i % 1'000 == 0) ASSERT_TRUE(matcher.mask(logits));
  }
  EXPECT_TRUE(matcher.accept_bytes("]"));
  EXPECT_TRUE(matcher.finished());
}

TEST(Matcher, TextUpToAMark) {
  GrammarBuilder builder;
  const std::vector<std::string> marks = {"</tool>", "</to", "ąa"};
  const Automaton automaton = build_automaton(
      builder,
      builder.sequence({builder.literal("<tool>"), builder.text_until(marks), builder.optional(builder.literal("!"))}));
  for (const char* text : {"<tool></to", "<tool>a<</</to!", "<tool>ęąąa", "<tool>🙂 ąb\n</to"})
    EXPECT_TRUE(accepts(automaton, text)) << text;
  for (const char* text : {"<tool>", "<tool></t", "<tool></to</to", "<tool>ąaą", "<tool>ab"})
    EXPECT_FALSE(accepts(automaton, text)) << text;
  EXPECT_NE(refusal([&] { builder.text_until(std::vector<std::string>{""}); }), "");
}

TEST(Matcher, PartsOfToolCallsGoTogether) {
  GrammarBuilder builder;
  const GrammarPart call = builder.sequence(
      {builder.literal("<call>{\"name\": \"add\", \"arguments\": "),
       builder.json_schema(R"({"type":"object","properties":{"a":{"type":"integer"}},"required":["a"]})",
                           {.lenient = true, .closed = true, .comma = ", ", .colon = ": "}),
       builder.literal("}</call>")});
  const Automaton automaton = build_automaton(builder, builder.repeat(call, 1, 2));
  EXPECT_TRUE(accepts(automaton, R"(<call>{"name": "add", "arguments": {"a": 1}}</call>)"));
  EXPECT_FALSE(accepts(automaton, R"(<call>{"name": "add", "arguments": {}}</call>)"));
}

// A SentencePiece token that begins a text loses its space there, and only there.
TEST(Matcher, SentencePieceSpacesAtTheStart) {
  const auto path = shared_data("vocab/llama-spm.gguf");
  HEARTH_REQUIRE_SHARED(path);
  const Tokenizer tokenizer = Tokenizer::load(Gguf::open(path));
  const auto tokens = TokenTrie::make(tokenizer);
  const Automaton automaton = compile_gbnf("root ::= \"hello\" \" hello\"?");
  const int32_t spaced = *tokenizer.vocabulary().find("\u2581hello");
  Matcher at_start(automaton, tokens, true);
  EXPECT_TRUE(at_start.accept(spaced));
  EXPECT_TRUE(at_start.accept(spaced));
  EXPECT_TRUE(at_start.finished());
  Matcher within(automaton, tokens, false);
  EXPECT_FALSE(within.accept(spaced));
  EXPECT_FALSE(within.accept(*tokenizer.vocabulary().special().bos));
  EXPECT_FALSE(within.accept(-1));
  EXPECT_FALSE(within.accept(1 << 20));
  // Every forced or allowed token decodes to what it was taken for.
  Matcher forced(compile_gbnf("root ::= \"hello world, ąčę 🙂 {}\""), tokens, true);
  const auto ids = forced.forced();
  EXPECT_EQ(tokenizer.decode(ids, false), "hello world, ąčę 🙂 {}");
}

TEST(ConstraintCache, KeepsWhatWasUsedLastWithinItsBounds) {
  ConstraintCache cache(2, 1 << 20);
  const auto first = cache.find(JsonSchema{"{}"});
  EXPECT_EQ(cache.find(JsonSchema{"{}"}), first);
  EXPECT_NE(cache.find(JsonSchema{"{ }"}), first);
  EXPECT_EQ(cache.find(JsonSchema{"{}"}), first);
  cache.find(Grammar{"root ::= \"a\""});  // takes the place of "{ }"
  EXPECT_EQ(cache.find(JsonSchema{"{}"}), first);
  EXPECT_EQ(cache.find(Constraint()), nullptr);
  ConstraintCache small(10, 10);
  EXPECT_NE(small.find(JsonSchema{"{}"}), small.find(JsonSchema{"{}"}));
  EXPECT_NE(refusal([&] { cache.find(JsonSchema{"false"}); }), "");
}

TEST(ConstraintCache, ManyThreadsMayAskAndFollow) {
  ConstraintCache cache;
  const auto tokens = small_vocabulary();
  std::vector<std::thread> threads;
  std::atomic<int> good = 0;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&, i] {
      for (int round = 0; round < 20; ++round) {
        const auto automaton = cache.find(
            Grammar{"root ::= [a-c]{3} \"" + std::string(1, static_cast<char>('d' + (round + i) % 3)) + "\""});
        Matcher matcher(automaton, tokens);
        std::vector<float> logits(tokens->size(), 0.0f);
        good +=
            matcher.mask(logits) && matcher.accept_bytes("abc") && !matcher.finished() && matcher.forced().size() == 1;
      }
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(good, 80);
}

}  // namespace
}  // namespace hearth
