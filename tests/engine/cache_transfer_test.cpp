// Pages on their way to a file and back, while a scheduler runs.
#include "engine/decode/cache_transfer.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <future>

#include "tests/engine/recording_plan.h"
#include "tests/formats/gguf_bytes.h"

namespace hearth {
namespace {

// A scheduler with a thread, whose pages hold tokens instead of keys and values.
class Cache {
 public:
  explicit Cache(uint32_t pages, uint32_t page_size = 4, uint32_t states = 0) {
    if (states > 0) program_.state_width = {pages * page_size + 1};
    program_.vocabulary = kVocabulary;
    program_.adapters = 2;
    program_.layers = 1;
    program_.key_width = 1;
    limits_ = {.rows = 16, .pages = pages, .page_size = page_size, .states = states, .kv_type = KvType::f32};
    plan_ = std::make_unique<RecordingPlan>(program_, limits_);
    std::vector<std::unique_ptr<Scheduler>> schedulers;
    schedulers.push_back(std::make_unique<Scheduler>(*plan_, limits_, kVocabulary,
                                                     SchedulerOptions{.parallel = 3, .on_divergence = {}}));
    worker_ = std::make_unique<Worker>(std::move(schedulers));
  }

  std::shared_ptr<Greedy> start(std::vector<int32_t> tokens, size_t count, std::vector<float> setting = {}) {
    auto task = std::make_shared<Greedy>(std::move(tokens), count);
    task->adapters = std::move(setting);
    EXPECT_TRUE(worker_->add(task, 100));
    return task;
  }
  void wait(const Greedy& task) {
    for (bool ended = false; !ended;) worker_->call([&](Scheduler&) { ended = task.ended; });
  }
  // The task's answer is what it should be; how many tokens were found in the cache.
  uint32_t answer(const std::vector<int32_t>& tokens, size_t count = 3, const std::vector<float>& setting = {}) {
    const auto task = start(tokens, count, setting);
    wait(*task);
    EXPECT_EQ(task->answer, task->expected());
    return task->cached;
  }
  CacheIdentity identity() const {
    return {.model = 1,
            .angles = 2,
            .name = "recording",
            .kv_type = limits_.kv_type,
            .layers = 1,
            .key_width = 1,
            .value_width = 0,
            .vocabulary = kVocabulary,
            .page_size = limits_.page_size,
            .position_bytes = 4,
            .state_values = program_.state_width.empty() ? 0 : program_.state_width[0],
            .arithmetic = "",
            .adapters = adapters};
  }
  CacheContent save(const std::filesystem::path& path) {
    return save_cache(*worker_, identity(), std::nullopt, {}, path);
  }
  CacheContent save(const std::vector<int32_t>& tokens, const std::filesystem::path& path,
                    const std::vector<float>& setting = {}) {
    return save_cache(*worker_, identity(), tokens, setting, path);
  }
  CacheContent load(const std::filesystem::path& path) { return load_cache(*worker_, identity(), path); }
  Worker& worker() { return *worker_; }
  std::vector<uint64_t> adapters = {11, 22};  // fingerprints
  void slow_down() { plan_->pause = std::chrono::microseconds(200); }

 private:
  Program program_;
  Limits limits_;
  std::unique_ptr<RecordingPlan> plan_;
  std::unique_ptr<Worker> worker_;
};

class CacheTransfer : public testing::Test {
 protected:
  TemporaryFolder folder_;
  std::filesystem::path file_ = folder_.path() / "cache";
};

TEST_F(CacheTransfer, BringsBackWhatAllTextsShare) {
  std::vector<int32_t> one = prompt(1, 21), two = one;
  two[17] = (two[17] + 1) % static_cast<int32_t>(kVocabulary);
  const std::vector<int32_t> other = prompt(2, 10);
  Cache from(64), to(64);
  from.answer(one), from.answer(two), from.answer(other);
  const CacheContent saved = from.save(file_);
  EXPECT_EQ(saved.tokens, 23u + (23 - 16) + 12) << "the first sixteen count once";
  EXPECT_EQ(saved.bytes, std::filesystem::file_size(file_));
  const CacheContent restored = to.load(file_);
  EXPECT_EQ(restored.tokens, saved.tokens);
  EXPECT_EQ(restored.bytes, saved.bytes);
  EXPECT_EQ(restored.left_out, 0u);
  EXPECT_EQ(to.answer(one), 20u);
  EXPECT_EQ(to.answer(two), 20u);
  EXPECT_EQ(to.answer(other), 9u);
}

TEST_F(CacheTransfer, OneTextComesAlone) {
  const std::vector<int32_t> one = prompt(1, 21), other = prompt(2, 10);
  Cache from(64), to(64);
  from.answer(one), from.answer(other);
  EXPECT_EQ(from.save(one, file_).tokens, 21u);
  EXPECT_EQ(to.load(file_).tokens, 21u);
  EXPECT_EQ(to.answer(other), 0u);
  EXPECT_EQ(to.answer(one), 20u);
  EXPECT_THROW(from.save(prompt(3, 5), file_), Error);
  EXPECT_EQ(to.load(file_).tokens, 21u) << "a save that failed leaves the file";
}

TEST_F(CacheTransfer, WhatAdaptersMadeStaysTheirs) {
  const std::vector<int32_t> one = prompt(1, 21);
  Cache from(64), to(64), swapped(64), without(64);
  from.answer(one), from.answer(one, 3, {1, 0}), from.answer(one, 3, {1, 0.5f});
  EXPECT_EQ(from.save(file_).tokens, 3 * 23u);
  EXPECT_EQ(to.load(file_).tokens, 3 * 23u);
  EXPECT_EQ(to.answer(one), 20u);
  EXPECT_EQ(to.answer(one, 3, {1, 0}), 20u);
  EXPECT_EQ(to.answer(one, 3, {1, 0.5f}), 20u);
  EXPECT_EQ(to.answer(one, 3, {0, 1}), 0u);
  // They go by what they are, not by their numbers; what is not there is left out.
  swapped.adapters = {22, 11};
  EXPECT_EQ(swapped.load(file_).tokens, 3 * 23u);
  swapped.worker().call([&](Scheduler& scheduler) {
    EXPECT_EQ(scheduler.cache().cached(one, {0.5f, 1}), 21u);
    EXPECT_EQ(scheduler.cache().cached(one, {1, 0.5f}), 0u);
  });
  without.adapters = {};
  const CacheContent base = without.load(file_);
  EXPECT_EQ(base.tokens, 23u);
  EXPECT_EQ(base.left_out, 2 * 23u);
  EXPECT_EQ(without.answer(one), 20u);
  EXPECT_EQ(from.save(one, file_, {1, 0}).tokens, 21u);
  EXPECT_THROW(from.save(one, file_, {0, 1}), Error);
}

TEST_F(CacheTransfer, WhatIsThereAlreadyTakesNoPages) {
  const std::vector<int32_t> one = prompt(1, 22);
  Cache cache(12);
  cache.answer(one);
  cache.save(file_);
  EXPECT_EQ(cache.load(file_).tokens, 24u);
  cache.worker().call([](Scheduler& scheduler) { EXPECT_EQ(scheduler.cache().held(), 6u); });
  EXPECT_EQ(cache.answer(one), 21u);
}

TEST_F(CacheTransfer, WithTooFewPagesWhatWasUsedLastComesFirst) {
  const std::vector<int32_t> old = prompt(1, 30), recent = prompt(2, 30);
  Cache from(64), to(10);
  from.answer(old), from.answer(recent);
  from.save(file_);
  const CacheContent restored = to.load(file_);
  EXPECT_EQ(restored.tokens, 32u + 8);
  EXPECT_EQ(restored.left_out, 24u);
  EXPECT_EQ(to.answer(recent), 29u);
  Cache tiny(3);
  EXPECT_EQ(tiny.load(file_).tokens, 12u) << "the beginning of the last one";
  EXPECT_EQ(tiny.answer({recent.begin(), recent.begin() + 12}, 1), 11u);
}

TEST_F(CacheTransfer, TakesThePlaceOfWhatNobodyUses) {
  const std::vector<int32_t> saved = prompt(1, 30), unused = prompt(2, 30);
  Cache from(64), to(10);
  from.answer(saved);
  from.save(file_);
  to.answer(unused);
  EXPECT_EQ(to.load(file_).tokens, 32u);
  EXPECT_EQ(to.answer(saved), 29u);
}

TEST_F(CacheTransfer, StatesComeBackWithTheirPages) {
  const std::vector<int32_t> first = prompt(1, 30), second = prompt(2, 21);
  Cache saved(32, 4, 8), restored(32, 4, 8);
  saved.answer(first);
  saved.answer(second);
  saved.save(file_);
  restored.load(file_);
  EXPECT_EQ(restored.answer(first), 28u);
  EXPECT_EQ(restored.answer(second), 20u);
  Cache one(32, 4, 8);
  saved.save(second, file_);
  one.load(file_);
  EXPECT_EQ(one.answer(second), 20u);
  EXPECT_EQ(one.answer(first), 0u);
}

TEST_F(CacheTransfer, WithFewPlacesTheStateUsedLastComesFirst) {
  const std::vector<int32_t> first = prompt(1, 30), second = prompt(2, 21);
  Cache saved(32, 4, 8), restored(32, 4, 3);
  saved.answer(second, 1);
  saved.answer(first, 1);  // a copy near its end, and one at its end
  saved.save(file_);
  restored.load(file_);
  EXPECT_EQ(restored.answer(first), 28u);
  EXPECT_EQ(restored.answer(second), 0u) << "its pages are there, its state is not";
}

TEST_F(CacheTransfer, WhatIsSavedWhileStatesAreMadeIsWhole) {
  for (uint32_t i = 0; i < 12; ++i) {
    Cache from(64, 4, 10), to(64, 4, 10);
    from.slow_down();
    const auto task = from.start(prompt(i, 150), 8);
    for (bool ended = false; !ended;) {
      from.worker().call([&](Scheduler&) { ended = task->ended; });
      try {
        from.save(file_);
      } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::invalid_argument) << error.what();  // nothing was computed yet
        continue;
      }
      EXPECT_NO_THROW(to.load(file_));
    }
    EXPECT_EQ(task->answer, task->expected());
  }
}

TEST_F(CacheTransfer, ForgettingTakesStatesToo) {
  Cache cache(32, 4, 8);
  const std::vector<int32_t> tokens = prompt(1, 30);
  cache.answer(tokens);
  clear_cache(cache.worker());
  EXPECT_EQ(cache.answer(tokens), 0u);
}

TEST_F(CacheTransfer, ARunningTaskKeepsItsPages) {
  Cache from(64), to(12);
  from.answer(prompt(1, 40));
  from.save(file_);
  to.slow_down();
  const auto running = to.start(prompt(2, 9), 30);
  uint32_t used = 0;
  while (used < 3) to.worker().call([&](Scheduler& scheduler) { used = scheduler.statistics().pages_used; });
  const CacheContent restored = to.load(file_);
  EXPECT_GT(restored.left_out, 0u);
  to.wait(*running);
  EXPECT_EQ(running->answer, running->expected());
  EXPECT_EQ(running->starts, 1u) << "it was set back";
}

TEST_F(CacheTransfer, RestoredPagesGoOnAsAnyOthers) {
  const std::vector<int32_t> one = prompt(1, 18);
  Cache from(64), to(64);
  from.answer(one);
  from.save(file_);
  to.load(file_);
  EXPECT_EQ(to.answer(one, 20), 17u);
  EXPECT_EQ(to.answer(one, 20), 16u) << "the last page is shared by now";
  std::vector<int32_t> other = one;
  other[6] = (other[6] + 1) % static_cast<int32_t>(kVocabulary);
  EXPECT_EQ(to.answer(other), 4u);
  EXPECT_EQ(to.answer(one), 16u);
}

// A small cache whose pages change hands all the while.
TEST_F(CacheTransfer, UnderLoadNothingIsMixedUp) {
  Cache cache(20);
  cache.answer(prompt(0, 30));
  cache.save(file_);
  std::atomic<bool> done = false;
  const auto copies = std::async(std::launch::async, [&] {
    const std::filesystem::path other = folder_.path() / "other";
    uint64_t tokens = 0;
    while (!done) {
      tokens += cache.load(file_).tokens;
      cache.save(other);
      tokens += cache.load(other).tokens;
    }
    return tokens;
  });
  std::mt19937 random(1);
  std::vector<std::shared_ptr<Greedy>> tasks;
  for (int i = 0; i < 300; ++i) {
    std::vector<int32_t> tokens = prompt(random() % 3, 1 + random() % 30);
    if (random() % 2 == 0) tokens.push_back(static_cast<int32_t>(random() % kVocabulary));
    tasks.push_back(cache.start(tokens, 1 + random() % 20));
    if (i % 3 == 0) cache.wait(*tasks.back());
  }
  for (const auto& task : tasks) {
    cache.wait(*task);
    EXPECT_EQ(task->answer, task->expected());
  }
  done = true;
  copies.wait();
}

TEST_F(CacheTransfer, TheFileIsForItsOwnerAloneAndReplacesNothingElse) {
  Cache cache(64);
  cache.answer(prompt(1, 9));
  cache.save(file_);
  struct stat status {};
  ASSERT_EQ(stat(file_.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
  cache.save(file_);
  EXPECT_FALSE(std::filesystem::exists(file_.native() + ".partial"));
  write_text(file_, "");
  EXPECT_NO_THROW(cache.save(file_));
  for (const char* ours : {"HEART", "HEARTHKV", "HEARTHKV and what is left of it"}) {
    write_text(file_, ours);
    EXPECT_NO_THROW(cache.save(file_)) << ours;
  }
  for (const char* theirs : {"H!", "a letter", "a letter that is longer"}) {
    write_text(file_, theirs);
    try {
      cache.save(file_);
      FAIL() << theirs << " was replaced";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::other_cache);
      EXPECT_NE(std::string(error.what()).find("is no cache that Hearth wrote"), std::string::npos) << error.what();
    }
    EXPECT_EQ(text_of_file(file_), theirs);
  }
  EXPECT_THROW(cache.save(folder_.path()), Error);
  EXPECT_THROW(cache.save(folder_.path() / "absent" / "cache"), Error);
}

TEST_F(CacheTransfer, WhatActionsThrowReachesWhoCalled) {
  Cache cache(8);
  EXPECT_THROW(cache.worker().call([](Scheduler&) { throw std::range_error("mine"); }), std::range_error);
  EXPECT_EQ(cache.answer(prompt(1, 5)), 0u);
}

TEST_F(CacheTransfer, ForgettingSparesWhatIsUsed) {
  Cache cache(64);
  cache.answer(prompt(1, 21));
  cache.slow_down();
  const auto running = cache.start(prompt(2, 9), 30);
  uint32_t used = 0;
  while (used < 3) cache.worker().call([&](Scheduler& scheduler) { used = scheduler.statistics().pages_used; });
  EXPECT_EQ(clear_cache(cache.worker()), 23u);
  EXPECT_EQ(cache.answer(prompt(1, 21)), 0u);
  cache.wait(*running);
  EXPECT_EQ(running->answer, running->expected());
}

}  // namespace
}  // namespace hearth
