// Copies of states: which is found, and which goes first.
#include "engine/decode/state_cache.h"

#include <gtest/gtest.h>

namespace hearth {
namespace {

using Tokens = std::vector<int32_t>;

bool any(uint32_t) { return true; }

std::vector<std::pair<uint32_t, uint32_t>> copies(StateCache& cache) {
  std::vector<std::pair<uint32_t, uint32_t>> result;
  for (const Batch::Copy& copy : cache.take_copies()) result.emplace_back(copy.from, copy.to);
  return result;
}

TEST(StateCache, FindsTheLongestBeginningThatIsUsable) {
  StateCache cache(4);
  const uint32_t a = cache.take(), b = cache.take();
  cache.copy(a, Tokens{1, 2});
  cache.keep(a, Tokens{1, 2, 3, 4});
  EXPECT_EQ(copies(cache).size(), 1u);
  EXPECT_EQ(cache.longest(Tokens{1, 2, 3, 4, 5}, any), 4u);
  EXPECT_EQ(cache.longest(Tokens{1, 2, 3, 9}, any), 2u);
  EXPECT_EQ(cache.longest(Tokens{1, 2, 3, 4, 5}, [](uint32_t size) { return size < 4; }), 2u);
  EXPECT_EQ(cache.longest(Tokens{2, 1}, any), 0u);
  EXPECT_EQ(cache.longest(Tokens{1}, any), 0u);
  EXPECT_EQ(cache.restore(b, Tokens{1, 2, 3, 4}, any), 4u);
  EXPECT_EQ(copies(cache), (std::vector<std::pair<uint32_t, uint32_t>>{{a, b}}));
  EXPECT_TRUE(cache.take_copies().empty()) << "they are asked for once";
}

TEST(StateCache, TheCopyThatWasNotUsedForLongestGoesFirst) {
  StateCache cache(3);
  const uint32_t running = cache.take();
  cache.copy(running, Tokens{1});
  cache.copy(running, Tokens{2});
  EXPECT_EQ(cache.restore(running, Tokens{1, 5}, any), 1u);
  cache.copy(running, Tokens{3});
  EXPECT_EQ(cache.longest(Tokens{2}, any), 0u);
  EXPECT_EQ(cache.longest(Tokens{1}, any), 1u);
  (void)cache.take();
  (void)cache.take();
  EXPECT_EQ(cache.longest(Tokens{1}, any), 0u) << "running sequences need the places";
  EXPECT_EQ(cache.longest(Tokens{3}, any), 0u);
  cache.copy(running, Tokens{4});
  EXPECT_EQ(cache.longest(Tokens{4}, any), 0u) << "no place is left for a copy";
}

TEST(StateCache, ACopyThatIsAskedForOutlivesThePlaceThatIsTakenForIt) {
  StateCache cache(2);
  cache.keep(cache.take(), Tokens{1});
  cache.keep(cache.take(), Tokens{2});
  cache.touch(Tokens{1, 5}, any);
  EXPECT_EQ(cache.restore(cache.take(), Tokens{1, 5}, any), 1u);
}

TEST(StateCache, AdoptsOnlyPlacesThatNobodyNeeds) {
  StateCache cache(4);
  const uint32_t running = cache.take();
  cache.copy(running, Tokens{1, 2});
  EXPECT_FALSE(cache.place_of(Tokens{1, 2})) << "it is not made yet";
  const auto first = cache.adopt(Tokens{7, 8, 9});
  ASSERT_TRUE(first);
  EXPECT_EQ(cache.place_of(Tokens{7, 8, 9}), first);
  EXPECT_FALSE(cache.adopt(Tokens{7, 8, 9})) << "it is there";
  (void)cache.take_copies();
  EXPECT_TRUE(cache.place_of(Tokens{1, 2}));
  EXPECT_TRUE(cache.adopt(Tokens{3}));
  EXPECT_FALSE(cache.adopt(Tokens{4})) << "all places hold something";
  EXPECT_EQ(cache.held(std::nullopt), (std::vector<Tokens>{{3}, {7, 8, 9}, {1, 2}}));
  EXPECT_EQ(cache.held(Tokens{7, 8, 9, 10}), (std::vector<Tokens>{{7, 8, 9}}));
  cache.keep(running, Tokens{5}, {1.0f});
  EXPECT_EQ(cache.held(std::nullopt).size(), 3u) << "those of adapters are not saved";
  cache.forget_copies();
  EXPECT_TRUE(cache.held(std::nullopt).empty());
}

TEST(StateCache, KeepsOneCopyOfTheSameTokens) {
  StateCache cache(4);
  const uint32_t running = cache.take();
  cache.copy(running, Tokens{1});
  cache.copy(running, Tokens{2});
  cache.copy(running, Tokens{1});
  cache.copy(running, Tokens{3});
  for (const int32_t token : {1, 2, 3}) EXPECT_EQ(cache.longest(Tokens{token}, any), 1u) << token;
  cache.clear();
  EXPECT_EQ(cache.longest(Tokens{1}, any), 0u);
  EXPECT_TRUE(cache.take_copies().empty());
}

}  // namespace
}  // namespace hearth
