// Requests in one batch get what they would get alone, whatever joins, leaves or runs out of pages.
#include "engine/decode/scheduler.h"

#include <gtest/gtest.h>

#include <chrono>
#include <optional>
#include <random>

#include "engine/decode/worker.h"
#include "tests/engine/recording_plan.h"

namespace hearth {
namespace {

class SchedulerTest : public testing::Test {
 protected:
  void make(uint32_t pages, uint32_t page_size, uint32_t rows, uint32_t parallel) {
    limits.pages = pages;
    limits.page_size = page_size;
    limits.rows = rows;
    limits.states = states;
    program.vocabulary = kVocabulary;
    program.ops = {Select{}};
    program.adapters = 2;
    program.state_width.assign(states == 0 ? 0 : 1, 1);
    plan = std::make_unique<RecordingPlan>(program, limits);
    plan->memory = memory;
    draft_plan = std::make_unique<RecordingPlan>(program, limits);
    draft_plan->memory = memory;
    plan->clock = draft_plan->clock = &now;
    const auto clock = [this] { return now; };
    draft.emplace(*draft_plan, limits, kVocabulary, clock);
    speculation.emplace(SpeculationOptions{.lookup = lookup, .draft = drafts ? &*draft : nullptr});
    scheduler = std::make_unique<Scheduler>(*plan, limits, kVocabulary,
                                            SchedulerOptions{.parallel = parallel,
                                                             .speculation = lookup || drafts ? &*speculation : nullptr,
                                                             .clock = clock,
                                                             .on_divergence = {}});
  }
  std::shared_ptr<Greedy> add(std::vector<int32_t> prompt, size_t count, std::vector<float> adapters = {}) {
    auto task = std::make_shared<Greedy>(std::move(prompt), count);
    task->adapters = std::move(adapters);
    task->memory = memory;
    task->speculates = lookup || drafts;
    task->largest = largest;
    scheduler->add(task);
    return task;
  }
  void run() {
    for (size_t i = 0; !scheduler->idle(); ++i) {
      ASSERT_LT(i, 100000u) << "it does not come to an end";
      scheduler->step();
    }
    EXPECT_EQ(scheduler->statistics().pages_used, 0u) << "pages were not given back";
  }
  Program program;
  Limits limits;
  size_t memory = SIZE_MAX;  // of successors
  bool lookup = false, drafts = false;
  uint32_t largest = 0;  // logits that tasks ask for; 0: all
  double now = 0;        // seconds: what plans take, and nothing else
  uint32_t states = 0;   // places for states; 0: the program keeps none
  std::unique_ptr<RecordingPlan> plan, draft_plan;
  std::optional<DraftModel> draft;
  std::optional<Speculation> speculation;
  std::unique_ptr<Scheduler> scheduler;
};

TEST_F(SchedulerTest, ManyTasksShareTheSteps) {
  make(512, 4, 32, 8);
  std::vector<std::shared_ptr<Greedy>> tasks;
  for (uint32_t i = 0; i < 8; ++i) tasks.push_back(add(prompt(i, 5 + i), 100));
  run();
  for (const auto& task : tasks) EXPECT_EQ(task->answer, task->expected());
  EXPECT_EQ(plan->most_sequences, 8u);
  // One after the other would take more than 800.
  EXPECT_LT(plan->steps, 250u);
}

TEST_F(SchedulerTest, ATaskJoinsWhileOthersRun) {
  make(64, 4, 32, 4);
  const auto first = add(prompt(1, 6), 20);
  for (int i = 0; i < 5; ++i) scheduler->step();
  const auto second = add(prompt(2, 6), 3);
  for (int i = 0; i < 5; ++i) scheduler->step();
  EXPECT_TRUE(second->ended);
  EXPECT_FALSE(first->ended);
  run();
  EXPECT_EQ(first->answer, first->expected());
  EXPECT_EQ(second->answer, second->expected());
}

// Appends its successors several at a time: what it would have drawn one by one.
class Leaping : public Greedy {
 public:
  using Greedy::Greedy;
  void on_logits(uint32_t position, std::span<float> logits) override {
    Greedy::on_logits(position, logits);
    for (int i = 0; i < 6 && answer.size() < wanted_tokens; ++i) {
      answer.push_back(successor(tokens));
      if (answer.size() < wanted_tokens) tokens.push_back(answer.back());
    }
    if (answer.size() == wanted_tokens) tokens.resize(position + 1);
  }
};

TEST_F(SchedulerTest, ATaskMayAppendSeveralTokensForOneStep) {
  make(200, 4, 64, 4);
  const auto leaping = std::make_shared<Leaping>(prompt(1, 5), 40);
  scheduler->add(leaping);
  const auto other = add(prompt(2, 5), 20);
  run();
  EXPECT_EQ(leaping->answer, leaping->expected());
  EXPECT_EQ(other->answer, other->expected());
  EXPECT_EQ(leaping->positions.size(), 6u);  // 7 tokens each
}

TEST_F(SchedulerTest, ALongPromptLeavesRoomForRunningAnswers) {
  make(200, 4, 64, 4);
  const auto answer = add(prompt(1, 3), 60);
  for (int i = 0; i < 4; ++i) scheduler->step();
  const size_t before = answer->answer.size();
  const auto long_prompt = add(prompt(2, 300), 1);
  size_t steps = 0;
  while (!long_prompt->ended && steps < 1000) scheduler->step(), ++steps;
  EXPECT_GE(steps, 300u / 64);
  EXPECT_EQ(answer->answer.size(), std::min(before + steps, size_t{60})) << "an answer missed a step";
  run();
  EXPECT_EQ(long_prompt->answer, long_prompt->expected());
}

TEST_F(SchedulerTest, ThePrefixOfAnEarlierTaskIsNotComputedAgain) {
  make(64, 4, 32, 4);
  const auto first = add(prompt(1, 21), 5);
  run();
  const auto again = add(prompt(1, 21), 5);
  run();
  EXPECT_EQ(first->cached, 0u);
  EXPECT_EQ(again->cached, 20u);
  EXPECT_EQ(again->answer, first->answer);
  const auto logits_of_all = std::make_shared<Greedy>(prompt(1, 21), 5);
  logits_of_all->from_cache = false;
  scheduler->add(logits_of_all);
  run();
  EXPECT_EQ(logits_of_all->cached, 0u);
  EXPECT_EQ(logits_of_all->answer, first->answer);
}

TEST_F(SchedulerTest, EqualPromptsAtOnceAreComputedOnce) {
  make(64, 4, 16, 8);
  std::vector<std::shared_ptr<Greedy>> tasks;
  for (int i = 0; i < 4; ++i) tasks.push_back(add(prompt(1, 42), 5));
  run();
  for (size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(tasks[i]->answer, tasks[i]->expected());
    if (i > 0) {
      EXPECT_GE(tasks[i]->cached, 40u);
    }
  }
}

// Keys and values are what the adapters made of them.
TEST_F(SchedulerTest, EqualPromptsWithOtherAdaptersShareNothing) {
  for (const uint32_t places : {0u, 24u}) {
    states = places;
    make(120, 4, 16, 8);
    std::vector<std::shared_ptr<Greedy>> tasks;
    for (const auto& adapters : std::vector<std::vector<float>>{{}, {1, 0}, {0.5f, 0}, {0, 1}, {1, 1}})
      tasks.push_back(add(prompt(1, 21), 5, adapters));
    run();
    for (const auto& task : tasks) {
      EXPECT_EQ(task->cached, 0u);
      EXPECT_EQ(task->answer, task->expected());
    }
    const auto again = add(prompt(1, 21), 5, {0.5f, 0}), without = add(prompt(1, 21), 5);
    run();
    EXPECT_EQ(again->cached, 20u);
    EXPECT_EQ(without->cached, 20u);
    EXPECT_EQ(again->answer, tasks[2]->answer);
    EXPECT_EQ(without->answer, tasks[0]->answer);
  }
}

TEST_F(SchedulerTest, WantedPositionsAreGivenOnceEach) {
  make(64, 4, 8, 4);
  const auto task = std::make_shared<Greedy>(prompt(1, 20), 2);
  task->wanted = {0, 7, 8, 18};
  scheduler->add(task);
  run();
  EXPECT_EQ(task->positions, (std::vector<uint32_t>{0, 7, 8, 18, 19, 20}));
  EXPECT_EQ(task->answer, task->expected());
  const auto again = std::make_shared<Greedy>(prompt(1, 20), 1);
  again->wanted = {10};
  scheduler->add(again);
  run();
  EXPECT_EQ(again->positions, (std::vector<uint32_t>{10, 19}));
  EXPECT_LE(again->cached, 10u);
}

TEST_F(SchedulerTest, WhenPagesRunOutTheNewestIsComputedAgainLater) {
  make(8, 4, 16, 4);
  const auto a = add(prompt(1, 6), 20), b = add(prompt(2, 6), 20), c = add(prompt(3, 6), 20);
  run();
  EXPECT_GT(scheduler->statistics().set_back, 0u);
  EXPECT_EQ(a->starts, 1u);
  for (const auto& task : {a, b, c}) EXPECT_EQ(task->answer, task->expected());
}

TEST_F(SchedulerTest, CancelledTasksLeaveAtTheNextStep) {
  make(16, 4, 16, 1);
  const auto running = add(prompt(1, 6), 40), waiting = add(prompt(2, 6), 40), other = add(prompt(3, 6), 4);
  for (int i = 0; i < 3; ++i) scheduler->step();
  running->cancel = waiting->cancel = true;
  scheduler->step();
  EXPECT_TRUE(running->ended);
  EXPECT_TRUE(waiting->ended);
  EXPECT_EQ(waiting->starts, 0u);
  run();
  EXPECT_EQ(other->answer, other->expected());
}

TEST_F(SchedulerTest, ATaskThatThrowsEndsAlone) {
  make(64, 4, 32, 4);
  const auto bad = add(prompt(1, 6), 10), good = add(prompt(2, 6), 10);
  bad->throws = bad->throws_at_end = true;
  run();
  EXPECT_TRUE(bad->error != nullptr);
  EXPECT_EQ(good->answer, good->expected());
}

TEST_F(SchedulerTest, AFailedStepEndsWhatRanAndForgetsTheCache) {
  make(64, 4, 32, 2);
  const auto a = add(prompt(1, 9), 10), b = add(prompt(2, 6), 10), later = add(prompt(1, 9), 10);
  for (int i = 0; i < 3; ++i) scheduler->step();
  plan->fails = true;
  scheduler->step();
  plan->fails = false;
  EXPECT_TRUE(a->error != nullptr);
  EXPECT_TRUE(b->error != nullptr);
  run();
  EXPECT_EQ(later->cached, 0u);
  EXPECT_EQ(later->answer, later->expected());
}

TEST_F(SchedulerTest, TextsThatRepeatTakeFewerStepsByLookingThemUp) {
  lookup = true;
  memory = 1;
  make(512, 4, 64, 4);
  plan->pause = std::chrono::microseconds(500);  // rows cost nothing beside it
  std::vector<std::shared_ptr<Greedy>> tasks;
  for (uint32_t i = 0; i < 3; ++i) tasks.push_back(add(prompt(i, 5 + i), 200));
  run();
  for (const auto& task : tasks) EXPECT_EQ(task->answer, task->expected());
  const SchedulerStatistics statistics = scheduler->statistics();
  EXPECT_GT(statistics.came_true, 200u);
  EXPECT_LE(statistics.came_true, statistics.guessed);
  EXPECT_LT(plan->steps, 150u);  // 200 and more without
}

TEST_F(SchedulerTest, TasksThatNeedTheLargestLogitsAloneGetNoOthers) {
  memory = 1;
  for (const bool guesses : {false, true}) {
    lookup = drafts = guesses;
    for (largest = 1; largest <= 3; largest += 2) {
      make(512, 4, 64, 4);
      plan->pause = std::chrono::microseconds(500);
      std::vector<std::shared_ptr<Greedy>> tasks;
      for (uint32_t i = 0; i < 4; ++i) tasks.push_back(add(prompt(i, 5 + i), 50));
      run();
      for (const auto& task : tasks) EXPECT_EQ(task->answer, task->expected());
      EXPECT_EQ(plan->whole_rows, 0u);
      EXPECT_EQ(draft_plan->whole_rows, 0u);
    }
  }
}

TEST_F(SchedulerTest, TasksThatNeedAllLogitsShareStepsWithOthers) {
  make(512, 4, 64, 4);
  std::vector<std::shared_ptr<Greedy>> tasks;
  for (const uint32_t count : {0u, 2u, 0u, 1u}) {
    largest = count;
    tasks.push_back(add(prompt(count + 7 * static_cast<uint32_t>(tasks.size()), 9), 20));
    tasks.back()->wanted = {2, 5};  // of these all
  }
  run();
  for (const auto& task : tasks) {
    EXPECT_EQ(task->answer, task->expected());
    EXPECT_EQ(task->positions.size(), 22u);
  }
  EXPECT_EQ(plan->whole_rows, 4 * 2 + 2 * 20u);
}

TEST_F(SchedulerTest, ADraftModelThatAgreesSavesSteps) {
  drafts = true;
  make(512, 4, 64, 4);
  plan->pause = std::chrono::milliseconds(2);
  std::vector<std::shared_ptr<Greedy>> tasks;
  for (uint32_t i = 0; i < 3; ++i) tasks.push_back(add(prompt(i, 70 + i), 60));
  run();
  for (const auto& task : tasks) EXPECT_EQ(task->answer, task->expected());
  EXPECT_EQ(scheduler->statistics().came_true, scheduler->statistics().guessed);
  EXPECT_LT(plan->steps, 40u);  // 60 and more without
}

TEST_F(SchedulerTest, ADraftModelThatIsWrongOrFailsChangesNoAnswer) {
  drafts = true;
  for (const bool fails : {false, true}) {
    make(512, 4, 64, 4);
    plan->pause = std::chrono::microseconds(500);
    draft_plan->memory = 3;
    draft_plan->pause = 4 * plan->pause;
    draft_plan->fails = fails;
    const auto task = add(prompt(1, 9), 100);
    run();
    EXPECT_EQ(task->error, nullptr);
    EXPECT_EQ(task->answer, task->expected());
    EXPECT_EQ(draft_plan->steps == 0, fails);
    EXPECT_LT(draft_plan->steps, 60u) << "it is asked on though nothing comes true";
  }
}

TEST_F(SchedulerTest, WhatWasOnlyGuessedIsInNoCache) {
  lookup = true;
  memory = 2;
  make(128, 4, 64, 1);
  plan->pause = std::chrono::microseconds(500);
  // As if all guesses had come true so far, so that poor ones are tried.
  for (int i = 0; i < 200; ++i)
    for (uint8_t kind = 0; kind < kTextKinds; ++kind)
      speculation->observe({.tokens = {1}, .kinds = {kind}}, std::vector<int32_t>{1});
  const auto first = add(prompt(1, 50), 200);
  run();
  EXPECT_EQ(first->answer, first->expected());
  EXPECT_GT(scheduler->statistics().guessed, scheduler->statistics().came_true);
  const auto again = add(first->tokens, 3);
  run();
  EXPECT_EQ(again->cached, first->tokens.size() - 1);
  EXPECT_EQ(again->answer, again->expected());
}

TEST_F(SchedulerTest, APromptGoesOnFromTheStateNearTheEndOfAnEqualOne) {
  states = 4;
  make(64, 4, 32, 2);
  const auto first = add(prompt(1, 22), 5);
  run();
  const auto again = add(prompt(1, 22), 5);
  run();
  EXPECT_EQ(first->cached, 0u);
  EXPECT_EQ(again->cached, 20u) << "whole pages";
  for (const auto& task : {first, again}) EXPECT_EQ(task->answer, task->expected());
}

TEST_F(SchedulerTest, AConversationGoesOnFromTheStateAtTheEndOfAnAnswer) {
  states = 4;
  make(64, 4, 32, 2);
  const auto first = add(prompt(1, 22), 8);
  run();
  std::vector<int32_t> more = first->tokens;  // the last token of the answer was not computed
  EXPECT_EQ(more.size(), 29u);
  more.insert(more.end(), {1, 2, 3});
  const auto second = add(more, 4);
  run();
  EXPECT_EQ(second->cached, 29u);
  EXPECT_EQ(second->answer, second->expected());
}

TEST_F(SchedulerTest, WherePromptsLeaveEachOtherAStateIsKeptForTheNext) {
  states = 6;
  make(64, 4, 32, 2);
  std::vector<std::shared_ptr<Greedy>> tasks;
  for (const uint32_t seed : {2u, 3u, 4u}) {
    std::vector<int32_t> tokens = prompt(1, 14);
    const std::vector<int32_t> own = prompt(seed, 10);
    tokens.insert(tokens.end(), own.begin(), own.end());
    tasks.push_back(add(tokens, 3));
    run();
  }
  EXPECT_EQ(tasks[1]->cached, 0u) << "nobody knew that it would be of use";
  EXPECT_EQ(tasks[2]->cached, 12u);
  for (const auto& task : tasks) EXPECT_EQ(task->answer, task->expected());
}

TEST_F(SchedulerTest, EqualPromptsAtOnceShareAState) {
  states = 12;
  make(64, 4, 16, 8);
  std::vector<std::shared_ptr<Greedy>> tasks;
  for (int i = 0; i < 4; ++i) tasks.push_back(add(prompt(1, 42), 5));
  run();
  for (size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(tasks[i]->answer, tasks[i]->expected());
    EXPECT_EQ(tasks[i]->cached, i == 0 ? 0u : 40u);
  }
}

TEST_F(SchedulerTest, WithoutPlacesForCopiesNothingIsShared) {
  states = 2;
  make(64, 4, 16, 8);
  std::vector<std::shared_ptr<Greedy>> tasks;
  for (uint32_t i = 0; i < 6; ++i) tasks.push_back(add(prompt(i % 2, 30), 5));
  run();
  EXPECT_LE(plan->most_sequences, 2u);
  for (const auto& task : tasks) EXPECT_EQ(task->answer, task->expected());
}

TEST_F(SchedulerTest, AFailedStepForgetsTheStates) {
  states = 4;
  make(64, 4, 16, 2);
  (void)add(prompt(1, 22), 5);
  run();
  const auto failed = add(prompt(2, 22), 5);
  plan->fails = true;
  run();
  EXPECT_NE(failed->error, nullptr);
  plan->fails = false;
  const auto again = add(prompt(1, 22), 5);
  run();
  EXPECT_EQ(again->cached, 0u);
  EXPECT_EQ(again->answer, again->expected());
}

// A small cache, prompts that often begin alike, arrivals and cancellations at random.
TEST_F(SchedulerTest, NothingIsMixedUpUnderRandomLoad) {
  for (uint32_t seed = 0; seed < 60; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    lookup = seed % 2 == 1;
    drafts = seed % 3 == 1;
    memory = lookup ? 1 + random() % 3 : SIZE_MAX;
    states = seed < 30 ? 0 : 1 + random() % 8;
    if (states > 0) lookup = drafts = false;
    make(12 + random() % 20, 1 + random() % 5, 4 + random() % 30, 1 + random() % 6);
    const size_t longest = size_t{limits.pages} * limits.page_size;
    std::vector<std::shared_ptr<Greedy>> tasks;
    for (int step = 0; step < 300; ++step) {
      if (random() % 4 == 0) {
        std::vector<int32_t> tokens = prompt(random() % 3, 1 + random() % (longest / 2));
        if (random() % 2 == 0) tokens.push_back(static_cast<int32_t>(random() % kVocabulary));
        const std::vector<float> settings[] = {{}, {}, {0.5f, 0}, {0, 0.5f}, {1, 0}};
        tasks.push_back(add(tokens, 1 + random() % (longest - tokens.size()), settings[random() % 5]));
      }
      if (!tasks.empty() && random() % 16 == 0) tasks[random() % tasks.size()]->cancel = true;
      scheduler->step();
    }
    run();
    for (const auto& task : tasks) {
      EXPECT_TRUE(task->ended);
      EXPECT_EQ(task->error, nullptr);
      if (!task->cancel) {
        EXPECT_EQ(task->answer, task->expected());
      }
    }
  }
}

TEST_F(SchedulerTest, TheWorkerEndsWhatIsLeft) {
  make(64, 4, 32, 2);
  std::vector<std::shared_ptr<Greedy>> tasks;
  {
    std::vector<std::unique_ptr<Scheduler>> schedulers;
    schedulers.push_back(std::move(scheduler));
    Worker worker(std::move(schedulers));
    for (uint32_t i = 0; i < 5; ++i) {
      tasks.push_back(std::make_shared<Greedy>(prompt(i, 5), 200));
      EXPECT_TRUE(worker.add(tasks.back(), 5));
    }
  }
  for (const auto& task : tasks) EXPECT_TRUE(task->ended);
}

}  // namespace
}  // namespace hearth
