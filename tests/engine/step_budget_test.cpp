// The share of prompts in a step, on made-up machines.
#include "engine/decode/step_budget.h"

#include <gtest/gtest.h>

namespace hearth {
namespace {

// A step takes `fixed` and `each` for every row. Runs steps with `generating` answers beside an endless prompt; the
// prompt tokens of the last one, and the longest of the later half of all steps.
struct Outcome {
  uint32_t prompt_tokens;
  double longest;
};
Outcome run(StepBudget& budget, uint32_t generating, double fixed, double each, uint32_t waiting = 1, int steps = 200) {
  Outcome outcome{0, 0};
  for (int step = 0; step < steps; ++step) {
    const uint32_t prompt = budget.prompt_tokens(generating, waiting);
    const double seconds = fixed + each * (generating + prompt);
    budget.observe(generating, prompt, seconds);
    if (prompt > 0) outcome.prompt_tokens = prompt;
    if (step >= steps / 2) outcome.longest = std::max(outcome.longest, seconds);
  }
  return outcome;
}

TEST(StepBudget, TakesAsManyAsTheStretchAllows) {
  for (const double each : {0.001, 0.01, 0.1})
    for (const uint32_t generating : {1u, 4u, 30u}) {
      StepBudget budget(512);
      const Outcome outcome = run(budget, generating, 1, each);
      const double quiet = 1 + each * generating;
      EXPECT_LE(outcome.longest, 1.02 * StepBudget::kStretch * quiet) << each << " " << generating;
      const double most = (StepBudget::kStretch - 1) * quiet / each;  // rows beside those of answers
      EXPECT_GE(outcome.prompt_tokens, std::min(512.0, 0.75 * most - 2)) << each << " " << generating;
    }
}

TEST(StepBudget, ManyThatWaitGetMoreThanFewThatRead) {
  for (const double each : {0.01, 0.1})
    for (const uint32_t waiting : {2u, 3u, 4u, 40u}) {
      StepBudget budget(4096);
      const double stretch = StepBudget::kStretch * std::min(waiting, 4u), quiet = 1 + each;
      const Outcome outcome = run(budget, 1, 1, each, waiting);
      EXPECT_LE(outcome.longest, 1.02 * stretch * quiet) << each << " " << waiting;
      EXPECT_GE(outcome.prompt_tokens, 0.75 * (stretch - 1) * quiet / each - 2) << each << " " << waiting;
      // Alone again, a prompt has no more than its share at once.
      EXPECT_LE(run(budget, 1, 1, each, 1, 2).longest, 1.02 * StepBudget::kStretch * quiet);
    }
}

TEST(StepBudget, APromptNeverStandsStill) {
  StepBudget budget(512);
  EXPECT_EQ(run(budget, 1, 0, 10).prompt_tokens, 1u);
}

TEST(StepBudget, WithoutAnswersAPromptGetsAll) { EXPECT_EQ(StepBudget(512).prompt_tokens(0, 1), 512u); }

// With prompts without end, the time that a step takes without them would never be seen otherwise.
TEST(StepBudget, WhatAQuietStepTakesIsMeasuredForEachNumberOfAnswersAndAgain) {
  StepBudget budget(512);
  EXPECT_EQ(budget.prompt_tokens(1, 1), 0u);
  run(budget, 1, 0, 1);
  EXPECT_GT(budget.prompt_tokens(1, 1), 0u);
  EXPECT_EQ(budget.prompt_tokens(20, 1), 0u);
  // 20 answers take 20 seconds by themselves, which leaves 30 to prompts.
  EXPECT_GE(run(budget, 20, 0, 1).prompt_tokens, 20u);
  int quiet = 0;
  for (uint64_t step = 0; step < 2 * StepBudget::kStale; ++step) {
    const uint32_t prompt = budget.prompt_tokens(20, 1);
    quiet += prompt == 0 ? 1 : 0;
    budget.observe(20, prompt, 20 + prompt);
  }
  EXPECT_EQ(quiet, 2);
}

TEST(StepBudget, WhatAStepOfRowsTakesIsReadBetweenTheMeasuredOnes) {
  StepBudget budget(64);
  EXPECT_EQ(budget.seconds(1), 0);
  budget.observe(2, 0, 10);
  EXPECT_EQ(budget.seconds(1), 0);
  EXPECT_EQ(budget.seconds(2), 10);
  EXPECT_EQ(budget.seconds(6), 20);  // a guess, until a step has shown it
  budget.observe(6, 0, 18);
  EXPECT_EQ(budget.seconds(4), 14);
  EXPECT_EQ(budget.seconds(6), 18);
  for (uint64_t i = 0; i < StepBudget::kStale; ++i) budget.observe(6, 0, 18);
  EXPECT_EQ(budget.seconds(2), 0) << "that was long ago";
}

}  // namespace
}  // namespace hearth
