// Grammars in GBNF: what they mean, and what they say of mistakes.
#include <gtest/gtest.h>

#include "tests/engine/constraint/constraint_tests.h"

namespace hearth {
namespace {

void expect_texts(const char* grammar, const std::vector<std::string>& in, const std::vector<std::string>& out) {
  const Automaton automaton = compile_gbnf(grammar);
  for (const std::string& text : in) EXPECT_TRUE(accepts(automaton, text)) << grammar << ": " << text;
  for (const std::string& text : out) EXPECT_FALSE(accepts(automaton, text)) << grammar << ": " << text;
}

TEST(Gbnf, EveryPartOfTheNotation) {
  expect_texts("root ::= \"a\" \"\\n\\t\\x41\\u00e9\\\"\\\\\"", {"a\n\tA\u00e9\"\\"}, {"a"});
  expect_texts("root ::= [a-cx] [^a-c\\n] .", {"xzę", "aü\n"}, {"dzz", "aaa", "xz"});
  expect_texts("root ::= \"ab\"+ [0-9]* \"c\"? ( \"d\" | \"e\" )", {"abd", "abab12ce"}, {"d", "abcc"});
  expect_texts("root ::= \"a\"{2} \"b\"{1,} \"c\"{0,2}", {"aab", "aabbbcc"}, {"ab", "aa", "aabccc"});
  expect_texts("# c\nroot ::= # d\n  item (\n  \",\" item # e\n)* |\n \"none\"\nitem ::= [a-z]+\n", {"none", "a,b,cc"},
               {"", "a,", ",a"});
  expect_texts("root ::= x-1 | \"\"\nx-1 ::= \"(\" root \")\"", {"", "(())"}, {"(()", ")("});
  expect_texts("root ::= [\\]\\-^] [-a]", {"]-", "^a", "--"}, {"b-"});
  expect_texts("root::=\"a\"\r\n\r\nother ::= \"b\"", {"a"}, {"b"});
}

TEST(Gbnf, RepetitionsNestWithoutEnd) {
  expect_texts("root ::= (\"a\"*)*", {"", "aaaa"}, {"b"});
  expect_texts("root ::= ((\"a\"?){3})* \"b\"", {"b", "aaaab"}, {"a"});
  expect_texts("root ::= (\"a\"*){2,5} \"b\"", {"b", "aaaaaaab"}, {"a"});
  expect_texts("root ::= ((\"a\" | \"\")+ | \"\")* \"b\"", {"b", "ab"}, {"a"});
  expect_texts("root ::= (\"a\" [bc]{100,1000000000}){2}", {}, {"ab", "abab"});
  const Automaton counted = compile_gbnf("root ::= ([ab] [ab]){100,200}");
  EXPECT_TRUE(accepts(counted, std::string(400, 'a')));
  EXPECT_TRUE(accepts(counted, std::string(200, 'a')));
  EXPECT_FALSE(accepts(counted, std::string(198, 'a')));
  EXPECT_FALSE(accepts(counted, std::string(201, 'a')));
  EXPECT_FALSE(accepts(counted, std::string(402, 'a')));
}

TEST(Gbnf, MistakesAreNamedWithTheirLine) {
  for (const auto& [grammar, expected] : std::vector<std::pair<const char*, const char*>>{
           {"", "no rule named root"},
           {"rot ::= \"a\"", "no rule named root"},
           {"root ::= a", "line 1: the rule a is used, but not defined"},
           {"root ::= \"a\"\nroot ::= \"b\"", "line 2: the rule root is defined twice"},
           {"root ::= \"a", "line 1: a \" is missing"},
           {"root ::= [a", "a ] is missing"},
           {"root ::= (\"a\"", "a ) is missing"},
           {"root ::= \"a\")", "something is left"},
           {"root : \"a\"", "::= is expected"},
           {"root ::= \"a\"{5,0}", "most below its least"},
           {"root ::= \"a\"{1,99999999999}", "too large"},
           {"root ::= \"a\"{x}", "a number is expected"},
           {"root ::= [z-a]", "range of characters falls"},
           {"root ::= \"\\q\"", "escape is not known"},
           {"root ::= \"\\ud800\"", "no character"},
           {"root ::= \xff", "no UTF-8"},
           {"\n\nroot ::= %", "line 3"},
           {"root ::= root \"a\" | \"b\"", "the rule root begins with itself"},
           {"root ::= a \"x\"\na ::= b\nb ::= \"\" root | \"q\"", "left recursion"},
           {"root ::= \"\"? root | \"a\"", "left recursion"},
           {"root ::= e root \"a\" | \"b\"\ne ::= \"x\"*", "left recursion"},
           {"root ::= root", "no text"},
           {"root ::= \"a\" root", "no text"}}) {
    const std::string said = gbnf_refusal(grammar);
    EXPECT_NE(said.find(expected), std::string::npos) << grammar << ": " << said;
  }
}

TEST(Gbnf, PartsThatLeadNowhereAreLeftOut) {
  const Automaton automaton = compile_gbnf("root ::= \"a\" (dead | \"b\")\ndead ::= \"x\" dead");
  Matcher matcher(automaton, small_vocabulary());
  EXPECT_EQ(matcher.forced_bytes(), "ab");
}

}  // namespace
}  // namespace hearth
