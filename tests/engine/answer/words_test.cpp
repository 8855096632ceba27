// Markers as words, and where texts may be cut.
#include "engine/text/answer/words.h"

#include <gtest/gtest.h>

namespace hearth {
namespace {

TEST(WordsTest, are_tags_and_what_stands_between_white_space) {
  EXPECT_EQ(split_words("\n<tool_call>\n<function="), (Words{"<tool_call>", "<function="}));
  EXPECT_EQ(split_words("[TOOL_CALLS] ["), (Words{"[TOOL_CALLS]", "["}));
  EXPECT_EQ(split_words("<a><b>x y"), (Words{"<a>", "<b>", "x", "y"}));
  EXPECT_EQ(split_words(" \n"), Words());
  EXPECT_EQ(split_words("1 < 2 > 1"), (Words{"1", "<", "2", ">", "1"}));
}

TEST(WordsTest, match_with_white_space_between_them) {
  const Words words = {"<a>", "b"};
  EXPECT_EQ(match_words(" <a>\n b!", 0, words).end, 7u);
  EXPECT_EQ(match_words("<a>", 0, words).kind, WordsMatch::Kind::partial);
  EXPECT_EQ(match_words("<", 0, words).kind, WordsMatch::Kind::partial);
  EXPECT_EQ(match_words("<a>c", 0, words).kind, WordsMatch::Kind::no);
  EXPECT_EQ(match_words("x", 0, {}).kind, WordsMatch::Kind::yes);
  EXPECT_EQ(match_words(std::string(kMostSpace + 1, ' ') + "<a>b", 0, words).kind, WordsMatch::Kind::no);
}

TEST(WordsTest, texts_are_compared_in_whole_tags) {
  EXPECT_EQ(common_beginning("x<think>a", "x<tool>a"), 1u);
  EXPECT_EQ(common_end("<end><begin>", "x<begin>"), 7u);
  EXPECT_EQ(common_end(">\n<parameter=", "</parameter>\n<parameter="), std::string_view("\n<parameter=").size());
  EXPECT_EQ(common_beginning("same", "same"), 4u);
  EXPECT_EQ(common_beginning("name1", "name2"), 0u);
}

TEST(WordsTest, an_end_is_held_where_a_marker_may_begin) {
  EXPECT_EQ(held_end("abc<to", "<tool>"), 3u);
  EXPECT_EQ(held_end("abc", "<tool>"), 0u);
  EXPECT_EQ(held_end("<tool>", "<tool>"), 0u);
}

}  // namespace
}  // namespace hearth
