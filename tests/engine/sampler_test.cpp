// What each part of the sampling chain keeps, and that draws follow the probabilities.
#include "engine/decode/sampler.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>

namespace hearth {
namespace {

// Everything off but a temperature of 1.
Sampling plain() {
  Sampling options;
  options.temperature = 1;
  options.top_k = 0;
  options.top_p = 1;
  options.min_p = 0;
  return options;
}

std::set<int32_t> drawn(const Sampling& options, const std::vector<float>& logits, int times = 2000) {
  Sampler sampler(options, 1);
  std::set<int32_t> tokens;
  for (int i = 0; i < times; ++i) {
    std::vector<float> copy = logits;
    tokens.insert(sampler.draw(copy));
  }
  return tokens;
}

TEST(Sampler, GreedyTakesTheFirstOfTheLargest) {
  Sampling options = plain();
  options.temperature = 0;
  EXPECT_EQ(drawn(options, {1, 3, 3, 2}), std::set<int32_t>{1});
  EXPECT_EQ(drawn(options, {NAN, 3, NAN, 2}), std::set<int32_t>{1});
}

TEST(Sampler, TopKKeepsTheLargest) {
  Sampling options = plain();
  options.top_k = 2;
  EXPECT_EQ(drawn(options, {0, 1, 0.5f, 0.9f, -1}), (std::set<int32_t>{1, 3}));
}

TEST(Sampler, TopPKeepsTheSmallestSetThatReachesTheShare) {
  Sampling options = plain();
  options.top_p = 0.7f;  // probabilities are 0.5, 0.3, 0.2
  EXPECT_EQ(drawn(options, {std::log(0.3f), std::log(0.5f), std::log(0.2f)}), (std::set<int32_t>{0, 1}));
}

TEST(Sampler, MinPIsAShareOfTheLargest) {
  Sampling options = plain();
  options.min_p = 0.5f;
  EXPECT_EQ(drawn(options, {std::log(0.3f), std::log(0.5f), std::log(0.2f)}), (std::set<int32_t>{0, 1}));
}

// 20000 draws of p = 0.5, 0.3, 0.2: a count lies within 5 standard deviations, sqrt(20000 p (1 - p)) <= 71, of its mean
// but once in a million; the seed is fixed, so the result is the same each time.
TEST(Sampler, DrawsFollowTheProbabilities) {
  Sampler sampler(plain(), 42);
  int counts[3] = {};
  for (int i = 0; i < 20000; ++i) {
    std::vector<float> logits = {std::log(0.5f), std::log(0.3f), std::log(0.2f)};
    ++counts[sampler.draw(logits)];
  }
  EXPECT_NEAR(counts[0], 10000, 355);
  EXPECT_NEAR(counts[1], 6000, 355);
  EXPECT_NEAR(counts[2], 4000, 355);
}

TEST(Sampler, PenaltiesWeakenRecentTokensOnly) {
  Sampling options = plain();
  options.temperature = 0;
  options.repeat_penalty = 2;
  options.penalty_window = 2;
  Sampler sampler(options, 1);
  const std::vector<float> logits = {3, 2, -1};
  const auto draw = [&] {
    std::vector<float> copy = logits;
    return sampler.draw(copy);
  };
  EXPECT_EQ(draw(), 0);
  sampler.accept(0);
  EXPECT_EQ(draw(), 1);
  sampler.accept(2);
  sampler.accept(2);  // 0 has left the window
  EXPECT_EQ(draw(), 0);
}

TEST(Sampler, FrequencyCountsEachTime) {
  Sampling options = plain();
  options.temperature = 0;
  options.frequency_penalty = 1;
  Sampler sampler(options, 1);
  for (const int expected : {0, 0, 1, 0}) {  // 3, 2, then a tie at 1.5 < 2 ...
    std::vector<float> logits = {3, 1.5f};
    const int32_t token = sampler.draw(logits);
    EXPECT_EQ(token, expected);
    sampler.accept(token);
  }
}

TEST(Sampler, OptionsThatCannotBeAreRefused) {
  for (const auto change :
       {+[](Sampling& s) { s.temperature = -1; }, +[](Sampling& s) { s.temperature = NAN; },
        +[](Sampling& s) { s.top_p = 0; }, +[](Sampling& s) { s.top_p = 1.5f; }, +[](Sampling& s) { s.min_p = -0.1f; },
        +[](Sampling& s) { s.repeat_penalty = 0; }, +[](Sampling& s) { s.presence_penalty = INFINITY; }}) {
    Sampling options = plain();
    change(options);
    EXPECT_THROW(Sampler(options, 1), Error);
  }
}

}  // namespace
}  // namespace hearth
