// Perplexity and divergence against sums written out by hand.
#include "tools/perplexity/scores.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

namespace hearth {
namespace {

std::vector<float> normal_logits(size_t count, unsigned seed, float deviation) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal(0, deviation);
  std::vector<float> logits(count);
  for (float& logit : logits) logit = normal(random);
  return logits;
}

std::vector<double> probabilities(const std::vector<float>& logits) {
  std::vector<double> result;
  double sum = 0;
  for (const float logit : logits) sum += std::exp(double{logit});
  for (const float logit : logits) result.push_back(std::exp(double{logit}) / sum);
  return result;
}

TEST(Scores, PerplexityOfAGuessIsTheNumberOfChoices) {
  Mean nll;
  for (int token = 0; token < 10; ++token) nll.add(nll_of(std::vector<float>(50, 3.0f), token));
  EXPECT_NEAR(perplexity_of(nll).value, 50, 1e-9);
  EXPECT_NEAR(perplexity_of(nll).error, 0, 1e-4);
}

TEST(Scores, TheErrorIsThatOfTheMean) {
  Mean mean;
  for (const double value : {1.0, 2.0, 3.0, 6.0}) mean.add(value);
  EXPECT_DOUBLE_EQ(mean.estimate().value, 3);
  EXPECT_DOUBLE_EQ(mean.estimate().error, std::sqrt(14.0 / 3 / 4));
  EXPECT_DOUBLE_EQ(perplexity_of(mean).error, std::exp(3.0) * std::sqrt(14.0 / 3 / 4));
}

TEST(Scores, CodedProbabilitiesComeBack) {
  const auto logits = normal_logits(1000, 1, 2);
  const auto expected = probabilities(logits);
  std::vector<uint16_t> codes(logits.size());
  const CodedLogprobs coded = code_logprobs(logits, codes);
  for (size_t i = 0; i < logits.size(); ++i) EXPECT_NEAR(std::exp(coded.logprob(i)) / expected[i], 1, 3e-4) << i;
  // Equal logits need no steps.
  std::vector<uint16_t> flat(8);
  EXPECT_NEAR(code_logprobs(std::vector<float>(8, 5.0f), flat).logprob(3), -std::log(8.0), 1e-6);
}

TEST(Scores, DivergenceIsTheSumWrittenOut) {
  const auto base = normal_logits(500, 2, 2), other = normal_logits(500, 3, 2);
  const auto p = probabilities(base), q = probabilities(other);
  double expected = 0;
  for (size_t i = 0; i < p.size(); ++i) expected += p[i] * std::log(p[i] / q[i]);
  std::vector<uint16_t> codes(base.size());
  const TokenComparison token = compare(other, code_logprobs(base, codes), 17);
  EXPECT_NEAR(token.divergence, expected, 1e-4 * expected);
  EXPECT_NEAR(token.nll, -std::log(q[17]), 1e-6);
  EXPECT_NEAR(token.base_nll, -std::log(p[17]), 3e-4);
  EXPECT_NEAR(token.probability_change, q[17] - p[17], 1e-5);
  EXPECT_FALSE(token.same_top);
}

// A vocabulary in which most tokens are as good as impossible: their codes say 1/e^16, which must not add up.
TEST(Scores, ImpossibleTokensAddNothing) {
  std::vector<float> logits(100000, -40.0f);
  logits[7] = 0;
  std::vector<uint16_t> codes(logits.size());
  EXPECT_NEAR(compare(logits, code_logprobs(logits, codes), 7).divergence, 0, 1e-6);
}

TEST(Scores, TheSameModelDoesNotDiffer) {
  Comparison comparison;
  for (unsigned i = 0; i < 50; ++i) {
    const auto logits = normal_logits(300, i, 2);
    std::vector<uint16_t> codes(logits.size());
    comparison.add(compare(logits, code_logprobs(logits, codes), static_cast<int32_t>(i)));
  }
  const Comparison::Summary summary = comparison.summary();
  EXPECT_NEAR(summary.divergence.value, 0, 2e-5);
  EXPECT_NEAR(summary.log_ratio.value, 0, 1e-4);
  EXPECT_NEAR(summary.correlation, 1, 1e-6);
  EXPECT_EQ(summary.same_top.value, 1);
  EXPECT_NEAR(summary.rms_change.value, 0, 1e-5);
}

TEST(Scores, QuantilesInterpolate) {
  Comparison comparison;
  for (const double value : {4.0, 1.0, 3.0, 2.0, 5.0}) {
    TokenComparison token;
    token.divergence = value;
    comparison.add(token);
  }
  EXPECT_EQ(comparison.divergence_at(0), 1);
  EXPECT_EQ(comparison.divergence_at(0.5), 3);
  EXPECT_NEAR(comparison.divergence_at(0.9), 4.6, 1e-6);
  EXPECT_EQ(comparison.divergence_at(1), 5);
}

}  // namespace
}  // namespace hearth
