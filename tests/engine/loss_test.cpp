// Schedulers whose device is lost: what runs ends, what waits goes on with another plan, and nothing is cached.
#include <gtest/gtest.h>

#include <future>

#include "engine/decode/worker.h"
#include "tests/engine/recording_plan.h"

namespace hearth {
namespace {

std::string words_of(const std::exception_ptr& error) {
  try {
    if (error) std::rethrow_exception(error);
  } catch (const std::exception& known) {
    return known.what();
  }
  return "";
}

class Loss : public testing::Test {
 protected:
  void make(uint32_t states) {
    program_.vocabulary = kVocabulary;
    program_.state_width.assign(states == 0 ? 0 : 1, 1);
    limits_ = {.rows = 16, .pages = 64, .page_size = 4, .states = states};
    plan_ = std::make_unique<RecordingPlan>(program_, limits_);
    scheduler_ =
        std::make_unique<Scheduler>(*plan_, limits_, kVocabulary, SchedulerOptions{.parallel = 2, .on_divergence = {}});
  }
  // In place of the lost one, of which nothing is left.
  void go_on() {
    plan_.reset();
    plan_ = std::make_unique<RecordingPlan>(program_, limits_);
    scheduler_->go_on(*plan_);
  }
  std::shared_ptr<Greedy> add(uint32_t seed) {
    auto task = std::make_shared<Greedy>(prompt(seed, 20), 8);
    scheduler_->add(task);
    return task;
  }
  std::vector<std::unique_ptr<Scheduler>> two_lanes(std::vector<std::unique_ptr<RecordingPlan>>& plans) {
    program_.vocabulary = kVocabulary;
    limits_ = {.rows = 16, .pages = 64, .page_size = 4};
    std::vector<std::unique_ptr<Scheduler>> schedulers;
    for (int i = 0; i < 2; ++i) {
      plans.push_back(std::make_unique<RecordingPlan>(program_, limits_));
      schedulers.push_back(std::make_unique<Scheduler>(*plans.back(), limits_, kVocabulary,
                                                       SchedulerOptions{.parallel = 2, .on_divergence = {}}));
    }
    return schedulers;
  }
  void run() {
    for (int i = 0; i < 1000 && !scheduler_->idle() && !scheduler_->loss(); ++i) scheduler_->step();
  }

  Program program_;
  Limits limits_;
  std::unique_ptr<RecordingPlan> plan_;
  std::unique_ptr<Scheduler> scheduler_;
};

TEST_F(Loss, EndsWhatRunsAndKeepsWhatWaits) {
  for (const uint32_t states : {0u, 8u}) {
    make(states);
    std::vector<std::shared_ptr<Greedy>> tasks;
    for (uint32_t i = 0; i < 5; ++i) tasks.push_back(add(i));
    for (int i = 0; i < 4; ++i) scheduler_->step();
    EXPECT_EQ(scheduler_->statistics().running, 2u);
    plan_->lost = true;
    run();
    EXPECT_EQ(words_of(scheduler_->loss()), "the device is lost");
    EXPECT_THROW(scheduler_->plan(), DeviceLost);
    EXPECT_EQ(scheduler_->statistics().running, 0u);
    EXPECT_EQ(scheduler_->statistics().waiting, 3u);
    EXPECT_EQ(scheduler_->statistics().pages_held, 0u);
    for (uint32_t i = 0; i < 2; ++i) EXPECT_EQ(words_of(tasks[i]->error), "the device is lost");
    go_on();
    run();
    for (uint32_t i = 2; i < 5; ++i) {
      EXPECT_EQ(tasks[i]->answer, tasks[i]->expected());
      EXPECT_FALSE(tasks[i]->error);
    }
    EXPECT_EQ(scheduler_->statistics().done, 3u);
    const auto again = add(0);
    run();
    EXPECT_EQ(again->cached, 0u);
    EXPECT_EQ(again->answer, again->expected());
  }
}

TEST_F(Loss, OfAFailureThatIsNoneThereIsNothingToRecoverFrom) {
  make(0);
  plan_->fails = true;
  const auto failed = add(1);
  run();
  EXPECT_EQ(words_of(failed->error), "the device fails");
  EXPECT_FALSE(scheduler_->loss());
  plan_->fails = false;
  const auto next = add(1);
  run();
  EXPECT_EQ(next->answer, next->expected());
}

// Both lanes of a worker lose their plans at once; a recovery that fails is tried again when something comes.
TEST_F(Loss, IsRecoveredFromInAllLanesOrTriedAgain) {
  std::vector<std::unique_ptr<RecordingPlan>> plans;
  std::vector<std::unique_ptr<Scheduler>> schedulers = two_lanes(plans);
  int tried = 0;
  Worker worker(std::move(schedulers), [&](std::span<Scheduler* const> lanes, const std::exception_ptr& loss) {
    EXPECT_EQ(words_of(loss), "the device is lost");
    plans.clear();
    if (++tried < 3) throw std::runtime_error("attempt " + std::to_string(tried));
    for (Scheduler* lane : lanes) {
      plans.push_back(std::make_unique<RecordingPlan>(program_, limits_));
      lane->go_on(*plans.back());
    }
  });
  std::vector<std::shared_ptr<Greedy>> tasks;
  for (uint32_t i = 0; i < 3; ++i) tasks.push_back(std::make_shared<Greedy>(prompt(i, 20), 4));
  worker.call([&](Scheduler& scheduler) {
    plans[0]->lost = plans[1]->lost = true;
    for (const auto& task : tasks) scheduler.add(task);
  });
  for (bool ended = false; !ended;) worker.call([&](Scheduler&) { ended = tasks[2]->ended; });
  EXPECT_EQ(words_of(tasks[0]->error), "the device is lost");
  EXPECT_EQ(words_of(tasks[1]->error), "the device is lost");
  EXPECT_EQ(words_of(tasks[2]->error), "attempt 1");
  EXPECT_EQ(tried, 2);  // also for the last call
  const auto failure = [&](size_t lane) {
    const auto task = std::make_shared<Greedy>(prompt(1, 20), 4);
    EXPECT_TRUE(worker.add(task, 100, lane));
    for (bool ended = false; !ended;) worker.call([&](Scheduler&) { ended = task->ended; });
    if (!task->error) {
      EXPECT_EQ(task->answer, task->expected());
    }
    return words_of(task->error);
  };
  EXPECT_EQ(failure(1), "");
  EXPECT_EQ(failure(0), "");
  EXPECT_EQ(tried, 3);
}

// What waits in a lane goes on where another lane notices the loss.
TEST_F(Loss, OfOneLaneEndsNothingThatWaitsInAnother) {
  std::vector<std::unique_ptr<RecordingPlan>> plans;
  std::vector<std::unique_ptr<Scheduler>> schedulers = two_lanes(plans);
  Worker worker(std::move(schedulers), [&](std::span<Scheduler* const> lanes, const std::exception_ptr&) {
    plans.clear();
    for (Scheduler* lane : lanes) {
      plans.push_back(std::make_unique<RecordingPlan>(program_, limits_));
      lane->go_on(*plans.back());
    }
  });
  std::vector<std::shared_ptr<Greedy>> tasks;
  for (uint32_t i = 0; i < 2; ++i) tasks.push_back(std::make_shared<Greedy>(prompt(i, 20), 4));
  std::promise<void> lost, added;
  auto held = std::async(std::launch::async, [&] {
    worker.call([&](Scheduler&) {
      plans[0]->lost = plans[1]->lost = true;
      lost.set_value();
      added.get_future().wait();
    });
  });
  lost.get_future().wait();
  for (size_t lane = 0; lane < 2; ++lane) EXPECT_TRUE(worker.add(tasks[lane], 100, lane));
  added.set_value();
  held.get();
  for (bool ended = false; !ended;) worker.call([&](Scheduler&) { ended = tasks[0]->ended && tasks[1]->ended; });
  EXPECT_EQ(words_of(tasks[0]->error), "the device is lost");
  EXPECT_EQ(words_of(tasks[1]->error), "");
  EXPECT_EQ(tasks[1]->answer, tasks[1]->expected());
}

}  // namespace
}  // namespace hearth
