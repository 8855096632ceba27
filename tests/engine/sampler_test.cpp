// What each part of the sampling chain keeps, and that draws follow the probabilities.
#include "engine/decode/sampler.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <random>
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

// Logits with ties, infinities and NaN among them.
std::vector<float> rough_logits(std::mt19937& random, size_t count) {
  std::vector<float> logits(count);
  for (float& logit : logits) {
    const uint32_t what = random() % 64;
    logit = static_cast<float>(static_cast<int>(random() % 400) - 200) / 16;  // many are equal, some both zeros
    if (what == 0) logit = NAN;
    if (what == 1) logit = -INFINITY;
    if (what == 2) logit = -0.0f;
  }
  return logits;
}

TEST(Sampler, CandidatesGiveTheTokensThatAllLogitsGive) {
  std::mt19937 random(3);
  uint32_t compared = 0;
  for (uint32_t trial = 0; trial < 400; ++trial) {
    Sampling options;
    options.temperature = std::array{0.0f, 0.7f, 1.5f}[trial % 3];
    options.top_k = std::array{1u, 5u, 40u, 180u}[trial % 4];
    options.top_p = trial % 5 == 0 ? 1.0f : 0.9f;
    options.min_p = trial % 7 == 0 ? 0.0f : 0.02f;
    if (trial % 2 == 0) {
      options.repeat_penalty = 1.3f;
      options.frequency_penalty = 0.2f;
      options.penalty_window = 16;
    }
    if (trial % 3 == 1) options.logit_bias = {{3, -1.5f}, {3, -0.5f}, {70, -INFINITY}, {100000, -1}};
    Sampler all(options, trial), some(options, trial);
    for (int step = 0; step < 12; ++step) {
      std::vector<float> logits = rough_logits(random, std::array{30u, 100u, 700u}[random() % 3]);
      std::vector<Candidate> largest(some.candidates());
      if (largest.empty()) continue;  // more than a device gives
      choose_candidates(logits, largest);
      const int32_t token = some.draw(largest);
      ASSERT_EQ(token, all.draw(logits)) << "trial " << trial << ", step " << step;
      for (Sampler* one : {&all, &some}) one->accept(token);
      ++compared;
    }
  }
  EXPECT_GT(compared, 4000u);
}

TEST(Sampler, AsksForAllLogitsWhereSomeMayNotDo) {
  const auto asked = [](const auto& change, uint32_t ahead = 0) {
    Sampling options;
    change(options);
    Sampler sampler(options, 1);
    for (const int32_t token : {4, 4, 9}) sampler.accept(token);
    return sampler.candidates(ahead);
  };
  EXPECT_EQ(asked([](Sampling&) {}), 40u);
  EXPECT_EQ(asked([](Sampling& s) { s.temperature = 0; }), 1u);
  EXPECT_EQ(asked([](Sampling& s) { s.presence_penalty = 1; }), 42u);
  EXPECT_EQ(asked([](Sampling& s) { s.presence_penalty = 1; }, 3), 45u) << "each may be another one";
  EXPECT_EQ(asked([](Sampling& s) { s.logit_bias = {{1, -INFINITY}}; }), 41u);
  EXPECT_EQ(asked([](Sampling& s) { s.top_k = kMostCandidates; }), kMostCandidates);
  EXPECT_EQ(asked([](Sampling& s) { s.top_k = kMostCandidates + 1; }), 0u);
  EXPECT_EQ(asked([](Sampling& s) { s.top_k = 0; }), 0u);
  EXPECT_EQ(asked([](Sampling& s) { s.logit_bias = {{1, 1.0f}}; }), 0u) << "that token may become one of the largest";
  EXPECT_EQ(asked([](Sampling& s) { s.repeat_penalty = 0.9f; }), 0u);
  EXPECT_EQ(asked([](Sampling& s) { s.frequency_penalty = -1; }), 0u);
}

TEST(Sampler, SaysTheSameOfLogitsThatAreNoNumbers) {
  const auto told = [](auto&& draw) -> std::string {
    try {
      draw();
    } catch (const Error& error) {
      return error.what();
    }
    return "nothing";
  };
  for (const float temperature : {0.0f, 1.0f})
    for (const float logit : {NAN, -INFINITY, INFINITY}) {
      Sampling options = plain();
      options.temperature = temperature;
      options.top_k = 2;
      std::vector<float> logits(5, logit);
      std::vector<Candidate> largest(Sampler(options, 1).candidates());
      choose_candidates(logits, largest);
      EXPECT_EQ(told([&] { Sampler(options, 1).draw(largest); }), told([&] { Sampler(options, 1).draw(logits); }));
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
