// Constraints made to cost: each is refused, or followed within bounds.
#include <gtest/gtest.h>

#include <limits>

#include "tests/engine/constraint/constraint_tests.h"

namespace hearth {
namespace {

std::string times(const std::string& text, size_t count) {
  std::string result;
  for (size_t i = 0; i < count; ++i) result += text;
  return result;
}

// Follows random allowed tokens; what counts is that it ends, if need be by an error.
void follow(const Automaton& automaton, size_t tokens) try {
  static const auto vocabulary = small_vocabulary();
  std::mt19937 random(1);
  Matcher matcher(automaton, vocabulary);
  for (size_t i = 0; i < tokens && !matcher.finished(); ++i) {
    std::vector<float> logits(vocabulary->size(), 0.0f);
    ASSERT_TRUE(matcher.mask(logits));
    std::vector<int32_t> allowed;
    for (size_t id = 0; id + 1 < logits.size(); ++id)
      if (logits[id] == 0) allowed.push_back(static_cast<int32_t>(id));
    if (allowed.empty()) return;
    ASSERT_TRUE(matcher.accept(allowed[random() % allowed.size()]));
  }
} catch (const Error& error) {
  EXPECT_EQ(error.code(), ErrorCode::invalid_argument);
}

TEST(HostileGrammar, DeepParenthesesCostNoStack) {
  const Automaton deep = compile_gbnf("root ::= " + times("(", 60'000) + "\"a\"" + times(")", 60'000));
  EXPECT_TRUE(accepts(deep, "a"));
  const Automaton starred = compile_gbnf("root ::= " + times("(", 10'000) + "\"a\"" + times(")*", 10'000));
  EXPECT_TRUE(accepts(starred, "aaa"));
  EXPECT_NE(gbnf_refusal("root ::= " + times("(", 60'000)), "");
}

TEST(HostileGrammar, RepetitionsOfRepetitionsStayBounded) {
  follow(compile_gbnf("root ::= " + times("(", 12) + "\"a\"" + times("{1,1000000000})", 12)), 60);
  follow(compile_gbnf("root ::= " + times("(", 12) + "[ab]" + times("{2})", 12) + "{5}"), 200);
  follow(compile_gbnf("root ::= ([ab]{1,1000} [ab]{1,1000}){1,1000}"), 60);
  follow(compile_gbnf("root ::= ([ab]* [ab]{3,50}){0,90} ([a]{1,90} [ab]{1,90}){1,90}"), 40);
  follow(compile_gbnf("root ::= (\"a\"? \"a\"? \"a\"?){1000,100000} \"b\""), 60);
}

TEST(HostileGrammar, CallsOfCallsStayBounded) {
  std::string doubling = "root ::= r40\nr0 ::= \"a\"\n";
  for (int i = 1; i <= 40; ++i)
    doubling += "r" + std::to_string(i) + " ::= r" + std::to_string(i - 1) + " r" + std::to_string(i - 1) + "\n";
  follow(compile_gbnf(doubling), 300);
  std::string chain = "root ::= r0\n";
  for (int i = 0; i < 9'000; ++i) chain += "r" + std::to_string(i) + " ::= r" + std::to_string(i + 1) + "\n";
  follow(compile_gbnf(chain + "r9000 ::= \"x\""), 5);
  EXPECT_NE(gbnf_refusal(chain + "r9000 ::= r0"), "");
  follow(compile_gbnf("root ::= \"[\" root \"]\" | \"(\" root \")\" | [a-z]"), 2'000);
  follow(compile_gbnf("root ::= a | b\na ::= \"x\" a \"y\" | \"x\" b \"y\" | \"x\"\nb ::= \"x\" b | \"x\" a | \"x\""),
         300);
}

TEST(HostileGrammar, LargeOnesAreRefused) {
  EXPECT_NE(gbnf_refusal("root ::= \"" + std::string(600 << 10, 'a') + "\""), "");
  EXPECT_NE(gbnf_refusal("root ::= " + times("\"a\" | ", 42'000) + "\"b\""), "");
  EXPECT_NE(gbnf_refusal("root ::= " + times("[^a] ", 60'000)), "");
}

// A part used in many places is not copied into all of them.
TEST(HostileGrammar, SharedPartsAreNotCopiedAgainAndAgain) {
  GrammarBuilder builder;
  GrammarPart part = builder.literal("some text");
  for (int i = 0; i < 40; ++i) part = builder.sequence({part, builder.repeat(part, 0, 3), part});
  follow(build_automaton(builder, part), 100);
  GrammarPart wide = builder.choice({builder.literal("a"), builder.literal("b")});
  for (int i = 0; i < 40; ++i) wide = builder.repeat(builder.sequence({wide, wide}), 1, 1000);
  follow(build_automaton(builder, wide), 50);
}

TEST(HostileSchema, CirclesWithoutProgressAreRefused) {
  for (const char* schema :
       {R"({"$ref":"#"})", R"({"$ref":"#/$defs/a","$defs":{"a":{"$ref":"#/$defs/b"},"b":{"$ref":"#/$defs/a"}}})",
        R"({"anyOf":[{"$ref":"#"},{"type":"null"}]})", R"({"oneOf":[{"$ref":"#"},{"type":"null"}]})",
        R"({"allOf":[{"allOf":[{"$ref":"#"}]}]})",
        R"({"$ref":"#/$defs/a","$defs":{"a":{"anyOf":[{"type":"null"},{"allOf":[{"$ref":"#/$defs/a"}]}]}}})"})
    EXPECT_NE(schema_refusal(schema).find("leads back to itself"), std::string::npos) << schema_refusal(schema);
}

TEST(HostileSchema, AlternativesOfAlternativesAreRefused) {
  std::string many = R"({"allOf":[)";
  for (int i = 0; i < 30; ++i)
    many += std::string(i > 0 ? "," : "") + R"({"anyOf":[{"minLength":1},{"maxLength":2},{"minimum":3}]})";
  EXPECT_NE(schema_refusal(many + "]}"), "");
  std::string ones = R"({"oneOf":[)";
  for (int i = 0; i < 3'000; ++i) ones += std::string(i > 0 ? "," : "") + R"({"type":"object"})";
  EXPECT_NE(schema_refusal(ones + "]}"), "");
}

TEST(HostileSchema, LargeOnesAreRefusedOrFollowed) {
  std::string wide = R"({"type":"object","properties":{)";
  for (int i = 0; i < 3'000; ++i) wide += (i > 0 ? ",\"p" : "\"p") + std::to_string(i) + R"(":{"type":"string"})";
  follow(compile_schema(wide + "}}"), 20);
  follow(compile_schema(wide + R"(},"additionalProperties":false})"), 20);
  EXPECT_NE(schema_refusal(wide + R"(},"minProperties":50})"), "");
  std::string names = R"({"enum":[)";
  for (int i = 0; i < 20'000; ++i) names += (i > 0 ? ",\"" : "\"") + std::to_string(i * 7919) + "\"";
  follow(compile_schema(names + "]}"), 20);
  EXPECT_NE(schema_refusal(R"({"const":")" + std::string(1 << 20, 'x') + "\"}"), "");
  EXPECT_NE(schema_refusal(times(R"({"items":)", 5'000) + "{}" + times("}", 5'000)), "");
  EXPECT_NE(schema_refusal(times("[", 500'000)), "");
}

TEST(HostileSchema, PatternsStayBounded) {
  for (const char* pattern :
       {"^((a*)*)*$", "(a|a|ab|b)*c{0,1000000000}", "^(x{1,5000}y?){1,5000}$", "((((((((((a+)+)+)+)+)+)+)+)+)+)"})
    follow(compile_schema(R"({"type":"string","pattern":")" + std::string(pattern) + "\"}"), 200);
  EXPECT_NE(schema_refusal(R"({"type":"string","pattern":")" + times("(", 60'000) + "\"}"), "");
  EXPECT_NE(schema_refusal(R"({"type":"string","pattern":"^(a|b)*a(a|b){30}$","maxLength":1000})"), "");
  EXPECT_NE(schema_refusal(R"({"type":"string","pattern":"^x{1000000}$","maxLength":1000})"), "");
  EXPECT_NE(schema_refusal(R"({"type":"string","pattern":"a{5,0}"})"), "");
}

}  // namespace
}  // namespace hearth
