// Requests in one batch get what they would get alone, whatever joins, leaves or runs out of pages.
#include "engine/decode/scheduler.h"

#include <gtest/gtest.h>

#include <chrono>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <thread>

#include "engine/decode/worker.h"

namespace hearth {
namespace {

constexpr uint32_t kVocabulary = 97;

// The token that follows a sequence: a number made of all of it, or of its end alone, so that texts soon repeat.
int32_t successor(std::span<const int32_t> tokens, size_t memory = SIZE_MAX) {
  tokens = tokens.last(std::min(memory, tokens.size()));
  uint64_t hash = 1469598103934665603u;
  for (const int32_t token : tokens) hash = (hash ^ static_cast<uint64_t>(token)) * 1099511628211u;
  return static_cast<int32_t>(hash >> 33) % static_cast<int32_t>(kVocabulary);
}

// Keeps tokens in its cells instead of keys and values, and gives logits that prefer the successor of what the pages of
// a sequence hold. So a wrong page, a page shared too early or one overwritten changes the answer. The state of a
// sequence is the tokens that it has seen.
class RecordingPlan : public Plan {
 public:
  RecordingPlan(const Program& program, const Limits& limits)
      : program_(program),
        limits_(limits),
        cells_(size_t{limits.pages} * limits.page_size, -1),
        states_(limits.states) {}

  void submit(const Batch& batch) override {
    check_batch(batch, program_, limits_);
    if (fails) throw DeviceError("the device is lost");
    ++steps;
    std::this_thread::sleep_for(pause);
    logits_.assign(batch.outputs.size() * kVocabulary, 0);
    follow_states(batch);
    std::map<uint32_t, size_t> output_of_row;
    for (size_t i = 0; i < batch.outputs.size(); ++i) output_of_row[batch.outputs[i]] = i;
    // As on a device: what the step computes is there for all rows, and nothing later.
    std::set<uint64_t> written;
    for (uint32_t s = 0; s + 1 < batch.row_begin.size(); ++s)
      for (uint32_t row = batch.row_begin[s]; row < batch.row_begin[s + 1]; ++row) {
        const uint64_t cell = cell_of(batch, s, batch.positions[row]);
        EXPECT_TRUE(written.insert(cell).second) << "two rows write one cell";
        cells_[cell] = batch.tokens[row];
      }
    for (uint32_t s = 0; s + 1 < batch.row_begin.size(); ++s) {
      const uint32_t rows = batch.row_begin[s + 1] - batch.row_begin[s];
      most_rows_of_a_sequence = std::max(most_rows_of_a_sequence, rows);
      for (uint32_t row = batch.row_begin[s]; row < batch.row_begin[s + 1]; ++row) {
        const auto output = output_of_row.find(row);
        if (output == output_of_row.end()) continue;
        std::vector<int32_t> seen;
        for (uint32_t p = 0; p <= batch.positions[row]; ++p) seen.push_back(cells_[cell_of(batch, s, p)]);
        logits_[output->second * kVocabulary + static_cast<size_t>(successor(seen, memory))] = 1;
      }
    }
    most_sequences = std::max(most_sequences, batch.row_begin.size() - 1);
  }
  StepResult wait() override { return {logits_}; }

  size_t steps = 0, most_sequences = 0;
  uint32_t most_rows_of_a_sequence = 0;
  bool fails = false;
  size_t memory = SIZE_MAX;            // of successors
  std::chrono::microseconds pause{0};  // that a step takes besides

 private:
  void follow_states(const Batch& batch) {
    for (const Batch::Copy& copy : batch.state_copies) states_[copy.to] = states_[copy.from];
    for (uint32_t s = 0; s < batch.states.size(); ++s) {
      std::vector<int32_t>& state = states_[batch.states[s]];
      const uint32_t first = batch.row_begin[s], position = batch.positions[first];
      if (position == 0) state.clear();
      std::vector<int32_t> before;
      for (uint32_t p = 0; p < position; ++p) before.push_back(cells_[cell_of(batch, s, p)]);
      EXPECT_EQ(state, before) << "the state is not that after the position before";
      state.insert(state.end(), batch.tokens.begin() + first, batch.tokens.begin() + batch.row_begin[s + 1]);
    }
  }
  uint64_t cell_of(const Batch& batch, uint32_t s, uint32_t position) const {
    return uint64_t{batch.pages[batch.page_begin[s] + position / limits_.page_size]} * limits_.page_size +
           position % limits_.page_size;
  }

  const Program& program_;
  Limits limits_;
  std::vector<int32_t> cells_;
  std::vector<std::vector<int32_t>> states_;
  std::vector<float> logits_;
};

// Goes on with the likeliest token until it has `wanted_tokens`.
class Greedy : public Task {
 public:
  Greedy(std::vector<int32_t> prompt, size_t count) : prompt_size(prompt.size()), wanted_tokens(count) {
    tokens = std::move(prompt);
  }
  bool cancelled() const override { return cancel; }
  void on_start(uint32_t found) override { cached = found, ++starts; }
  void on_logits(uint32_t position, std::span<float> logits) override {
    EXPECT_EQ(logits.size(), kVocabulary);
    positions.push_back(position);
    if (throws) throw std::runtime_error("this task alone");
    if (position + 1 < tokens.size()) return;
    const auto token = static_cast<int32_t>(std::max_element(logits.begin(), logits.end()) - logits.begin());
    answer.push_back(token);
    if (answer.size() < wanted_tokens) tokens.push_back(token);
    if (speculates) guesses = static_cast<uint32_t>(wanted_tokens - std::min(wanted_tokens, answer.size() + 1));
  }
  void on_end(std::exception_ptr failure) override {
    EXPECT_FALSE(ended) << "ended twice";
    ended = true;
    error = failure;
    if (throws_at_end) throw std::runtime_error("too late");
  }
  std::vector<int32_t> expected() const {
    std::vector<int32_t> sequence(tokens.begin(), tokens.begin() + static_cast<ptrdiff_t>(prompt_size)), result;
    for (size_t i = 0; i < wanted_tokens; ++i) {
      result.push_back(successor(sequence, memory));
      sequence.push_back(result.back());
    }
    return result;
  }

  size_t prompt_size, wanted_tokens;
  std::vector<int32_t> answer;
  std::vector<uint32_t> positions;
  uint32_t cached = 0, starts = 0;
  size_t memory = SIZE_MAX;  // of successors
  bool speculates = false;
  bool cancel = false, ended = false, throws = false, throws_at_end = false;
  std::exception_ptr error;
};

class SchedulerTest : public testing::Test {
 protected:
  void make(uint32_t pages, uint32_t page_size, uint32_t rows, uint32_t parallel) {
    limits.pages = pages;
    limits.page_size = page_size;
    limits.rows = rows;
    limits.states = states;
    program.vocabulary = kVocabulary;
    program.state_width.assign(states == 0 ? 0 : 1, 1);
    plan = std::make_unique<RecordingPlan>(program, limits);
    plan->memory = memory;
    draft_plan = std::make_unique<RecordingPlan>(program, limits);
    draft_plan->memory = memory;
    draft.emplace(*draft_plan, limits, kVocabulary, kVocabulary);
    speculation.emplace(SpeculationOptions{.lookup = lookup, .draft = drafts ? &*draft : nullptr});
    scheduler = std::make_unique<Scheduler>(
        *plan, limits, kVocabulary,
        SchedulerOptions{
            .parallel = parallel, .speculation = lookup || drafts ? &*speculation : nullptr, .on_divergence = {}});
  }
  std::shared_ptr<Greedy> add(std::vector<int32_t> prompt, size_t count) {
    auto task = std::make_shared<Greedy>(std::move(prompt), count);
    task->memory = memory;
    task->speculates = lookup || drafts;
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
  static std::vector<int32_t> prompt(uint32_t seed, size_t size) {
    std::mt19937 random(seed);
    std::vector<int32_t> tokens(size);
    for (int32_t& token : tokens) token = static_cast<int32_t>(random() % kVocabulary);
    return tokens;
  }

  Program program;
  Limits limits;
  size_t memory = SIZE_MAX;  // of successors
  bool lookup = false, drafts = false;
  uint32_t states = 0;  // places for states; 0: the program keeps none
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
  // One after the other would take more than 800; how many tokens of the 68 in prompts a step takes depends on time.
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

// A small cache, prompts that often begin alike, arrivals and cancellations at random.
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
        tasks.push_back(add(tokens, 1 + random() % (longest - tokens.size())));
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
