// Which guesses are tried, on made-up machines.
#include "engine/decode/speculation/speculation.h"

#include <gtest/gtest.h>

#include <functional>
#include <numeric>

namespace hearth {
namespace {

using Tokens = std::vector<int32_t>;

// A machine whose steps take so long for 1 to 32 rows.
StepBudget machine(const std::function<double(uint32_t)>& seconds) {
  StepBudget budget(64);
  for (uint32_t rows = 1; rows <= 32; ++rows) budget.observe(rows, 0, seconds(rows));
  return budget;
}

double rows_are_free(uint32_t) { return 1; }
double rows_cost_all(uint32_t rows) { return rows; }

// A text that has said all of it twice.
Tokens repeated(size_t length) {
  Tokens tokens(length);
  std::iota(tokens.begin(), tokens.end(), 0);
  tokens.insert(tokens.end(), tokens.begin(), tokens.end());
  return tokens;
}

uint32_t tried(Speculation& speculation, const Tokens& tokens, const StepBudget& budget, uint32_t most = 100) {
  Speculation::Sequence sequence{tokens, most, {}};
  speculation.guess({&sequence, 1}, 1, budget);
  return sequence.tried;
}

TEST(Speculation, TriesManyGuessesWhereRowsCostNothingAndNoneWhereTheyCostAll) {
  Speculation speculation({.lookup = true});
  EXPECT_EQ(tried(speculation, repeated(50), machine(rows_are_free)), 16u);
  EXPECT_EQ(tried(speculation, repeated(50), machine(rows_cost_all)), 0u);
  EXPECT_EQ(tried(speculation, repeated(50), machine(rows_are_free), 3), 3u);
}

TEST(Speculation, StopsWhereAStepBeginsToTakeLonger) {
  Speculation speculation({.lookup = true});
  const auto steep = [](uint32_t rows) { return rows <= 4 ? 1.0 : rows; };
  EXPECT_EQ(tried(speculation, repeated(50), machine(steep)), 3u);
}

TEST(Speculation, WithoutAMeasuredStepNothingIsTried) {
  Speculation speculation({.lookup = true});
  EXPECT_EQ(tried(speculation, repeated(50), StepBudget(64)), 0u);
}

TEST(Speculation, GuessesThatDoNotComeTrueAreTriedNoMoreAndThoseThatDoAgain) {
  Speculation speculation({.lookup = true});
  const Tokens tokens = repeated(50);
  const StepBudget budget = machine([](uint32_t rows) { return 1 + 0.25 * (rows - 1); });
  EXPECT_GT(tried(speculation, tokens, budget), 0u);
  const auto follow = [&](int32_t offset) {
    Speculation::Sequence sequence{tokens, 4, {}};
    speculation.guess({&sequence, 1}, 1, budget);
    Tokens followed = sequence.guess.tokens;
    for (int32_t& token : followed) token += offset;
    speculation.observe(sequence.guess, followed);
  };
  for (int i = 0; i < 100; ++i) follow(1);
  EXPECT_EQ(tried(speculation, tokens, budget), 0u);
  for (int i = 0; i < 100; ++i) follow(0);  // seen though they were not tried
  EXPECT_GT(tried(speculation, tokens, budget), 0u);
}

TEST(Speculation, OfSeveralSequencesTheLikelyGuessesGoFirst) {
  Speculation speculation({.lookup = true});
  const Tokens sure = repeated(50), unsure = {1, 2, 3, 1};
  std::vector<Speculation::Sequence> sequences = {{unsure, 9, {}}, {sure, 9, {}}};
  speculation.guess(sequences, 2, machine([](uint32_t rows) { return 1 + 0.3 * (rows - 2); }));
  EXPECT_EQ(sequences[0].tried, 0u);
  EXPECT_GT(sequences[1].tried, 0u);
}

}  // namespace
}  // namespace hearth
