// Pages that sequences share, and who loses theirs first.
#include "engine/decode/prefix_cache.h"

#include <gtest/gtest.h>

#include <numeric>

namespace hearth {
namespace {

std::vector<int32_t> counting(int32_t first, size_t count) {
  std::vector<int32_t> tokens(count);
  std::iota(tokens.begin(), tokens.end(), first);
  return tokens;
}

PrefixCache::Chain filled(PrefixCache& cache, const std::vector<int32_t>& tokens,
                          const std::vector<float>& setting = {}) {
  PrefixCache::Chain chain = cache.acquire(tokens, setting);
  EXPECT_TRUE(cache.extend(chain, std::span(tokens).subspan(chain.size)));
  return chain;
}

TEST(PrefixCache, FullPagesAreSharedWhileInUse) {
  PrefixCache cache(10, 4);
  auto first = filled(cache, counting(0, 10));
  auto second = cache.acquire(counting(0, 12));
  EXPECT_EQ(second.size, 8u);
  EXPECT_EQ(second.pages, std::vector<uint32_t>(first.pages.begin(), first.pages.begin() + 2));
  EXPECT_EQ(cache.available(), 7u);
  cache.release(first);
  EXPECT_EQ(cache.available(), 8u);  // the page of tokens 8 and 9 alone
  cache.release(second);
  EXPECT_EQ(cache.available(), 10u);
  EXPECT_EQ(cache.held(), 3u);
}

TEST(PrefixCache, WhatIsTakenBackWasNeverThere) {
  PrefixCache cache(4, 4);
  auto chain = filled(cache, counting(0, 15));
  EXPECT_EQ(cache.available(), 0u);
  cache.shrink(chain, 6);
  EXPECT_EQ(chain.size, 6u);
  EXPECT_EQ(chain.pages.size(), 2u);
  EXPECT_EQ(cache.available(), 2u);
  EXPECT_EQ(cache.held(), 2u);
  EXPECT_TRUE(cache.extend(chain, counting(100, 10)));
  cache.release(chain);
  EXPECT_EQ(cache.cached(counting(0, 15)), 4u);
  std::vector<int32_t> kept = counting(0, 6);
  for (const int32_t token : counting(100, 10)) kept.push_back(token);
  EXPECT_EQ(cache.cached(kept), 16u);
}

TEST(PrefixCache, APageThatIsNotFullIsTakenOverAsFarAsItFits) {
  PrefixCache cache(4, 4);
  auto chain = filled(cache, counting(0, 7));
  cache.release(chain);
  const auto asked = std::vector<int32_t>{0, 1, 2, 3, 4, 5, 99, 100};
  EXPECT_EQ(cache.cached(asked), 6u);
  auto again = filled(cache, asked);
  EXPECT_EQ(again.pages.size(), 2u);
  EXPECT_EQ(cache.cached(counting(0, 7)), 4u);  // its last tokens are gone
  cache.release(again);
  EXPECT_EQ(cache.cached(asked), 8u);
}

TEST(PrefixCache, APageInUseThatIsNotFullIsNotShared) {
  PrefixCache cache(4, 4);
  auto first = filled(cache, counting(0, 6));
  EXPECT_EQ(cache.cached(counting(0, 6)), 4u);
  auto second = filled(cache, counting(0, 6));
  EXPECT_NE(first.pages[1], second.pages[1]);
  cache.release(first);
  cache.release(second);
}

TEST(PrefixCache, TheLeastRecentlyUsedLeafGoesFirst) {
  PrefixCache cache(4, 2);
  auto old = filled(cache, {1, 2, 3, 4});
  cache.release(old);
  auto young = filled(cache, {5, 6});
  cache.release(young);
  auto big = filled(cache, {7, 8, 9, 10});  // one free page and the leaf of the oldest
  EXPECT_EQ(cache.cached(std::vector<int32_t>{1, 2, 3, 4}), 2u);
  EXPECT_EQ(cache.cached(std::vector<int32_t>{5, 6}), 2u);
  cache.release(big);
}

TEST(PrefixCache, TooManyTokensChangeNothing) {
  PrefixCache cache(2, 2);
  auto chain = filled(cache, {1});
  EXPECT_FALSE(cache.extend(chain, counting(2, 4)));
  EXPECT_EQ(chain.size, 1u);
  EXPECT_EQ(cache.available(), 1u);
  EXPECT_TRUE(cache.extend(chain, counting(2, 3)));
  cache.release(chain);
  cache.clear();
  EXPECT_EQ(cache.held(), 0u);
  EXPECT_EQ(cache.cached(counting(1, 3)), 0u);
}

TEST(PrefixCache, WhatIsPutUnderOneSettingIsThereUnderNoOther) {
  PrefixCache cache(8, 4);
  auto plain = filled(cache, counting(0, 8)), adapted = filled(cache, counting(0, 6), {0.5f});
  EXPECT_EQ(cache.held(), 4u);
  EXPECT_EQ(cache.cached(counting(0, 8), {0.25f}), 0u);
  EXPECT_FALSE(cache.divergence(counting(0, 8), {0.25f}));
  EXPECT_TRUE(cache.divergence(counting(1, 8), {0.5f}));
  cache.release(plain);
  cache.release(adapted);
  EXPECT_EQ(cache.cached(counting(0, 8)), 8u);
  EXPECT_EQ(cache.cached(counting(0, 8), {0.5f}), 6u);
  EXPECT_EQ(cache.held_of(counting(0, 8)).size(), 2u);
  const auto held = cache.all_held();
  ASSERT_EQ(held.size(), 4u);
  for (const auto& one : held) EXPECT_EQ(one.setting.empty(), one.page == held[2].page || one.page == held[3].page);
  auto again = filled(cache, counting(0, 8), {0.5f});
  cache.release(again);
  auto big = filled(cache, counting(100, 32), {2});  // takes the place of all others
  EXPECT_EQ(cache.cached(counting(0, 8), {0.5f}), 0u);
  cache.release(big);
  cache.clear();
  EXPECT_EQ(cache.held(), 0u);
  auto anew = filled(cache, counting(0, 8), {0.5f});
  EXPECT_EQ(anew.size, 8u);
  cache.release(anew);
}

TEST(PrefixCache, DivergenceIsWhereAPromptLeavesTheCachedOne) {
  PrefixCache cache(8, 4);
  EXPECT_FALSE(cache.divergence(counting(0, 4)));
  auto chain = filled(cache, counting(0, 6));
  cache.release(chain);
  EXPECT_FALSE(cache.divergence(counting(0, 6)));
  EXPECT_FALSE(cache.divergence(counting(0, 9)));  // it only goes on
  const auto inside = cache.divergence(std::vector<int32_t>{0, 1, 50});
  ASSERT_TRUE(inside);
  EXPECT_EQ(inside->position, 2u);
  EXPECT_EQ(inside->cached, 2);
  EXPECT_EQ(inside->asked, 50);
  const auto between = cache.divergence(std::vector<int32_t>{0, 1, 2, 3, 50});
  ASSERT_TRUE(between);
  EXPECT_EQ(between->position, 4u);
  EXPECT_EQ(between->cached, 4);
}

}  // namespace
}  // namespace hearth
