// Guesses from what a text says already.
#include "engine/decode/speculation/lookup.h"

#include <gtest/gtest.h>

namespace hearth {
namespace {

using Tokens = std::vector<int32_t>;

TEST(Lookup, GoesOnAsTheTextDidBefore) {
  EXPECT_EQ(look_up(Tokens{1, 2, 3, 4, 5, 9, 2, 3}, 3).tokens, (Tokens{4, 5, 9}));
}

TEST(Lookup, TheLongestRunCountsAndAmongEqualOnesTheLatest) {
  const Tokens tokens = {7, 1, 2, 50, 1, 2, 60, 8, 1, 2, 70, 9, 7, 1, 2};
  EXPECT_EQ(look_up(tokens, 1).tokens, (Tokens{50}));
  const Tokens equal = {1, 2, 50, 8, 1, 2, 60, 9, 1, 2};
  EXPECT_EQ(look_up(equal, 1).tokens, (Tokens{60}));
}

TEST(Lookup, AGuessThatReachesTheEndGoesOnWithItself) {
  EXPECT_EQ(look_up(Tokens{5, 1, 2, 3, 1, 2, 3}, 7).tokens, (Tokens{1, 2, 3, 1, 2, 3, 1}));
}

TEST(Lookup, ANewTokenGivesNoGuess) {
  EXPECT_TRUE(look_up(Tokens{1, 2, 3}, 4).tokens.empty());
  EXPECT_TRUE(look_up(Tokens{1}, 4).tokens.empty());
  EXPECT_TRUE(look_up(Tokens{}, 4).tokens.empty());
  EXPECT_TRUE(look_up(Tokens{1, 1}, 0).tokens.empty());
}

TEST(Lookup, KindsTellHowLongTheRunWas) {
  Tokens tokens;
  for (int32_t i = 0; i < 40; ++i) tokens.push_back(i);
  tokens.push_back(20);
  EXPECT_EQ(look_up(tokens, 4).kinds, (std::vector<uint8_t>{0, 1, 2, 3}));
  for (int32_t i = 21; i < 35; ++i) tokens.push_back(i);
  EXPECT_EQ(look_up(tokens, 3).kinds, (std::vector<uint8_t>{6, 7, 7}));  // after 15
}

}  // namespace
}  // namespace hearth
