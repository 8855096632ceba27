// Asynchronous copies: their bytes, and each way of not waiting for them.
#include <simt.h>

#include "tests/simt/device.h"

namespace hearth::cuda {
namespace {

struct CopyParameters {
  Address in, out;
  uint32_t stages, pending;  // pending 0 to 2, or 3: no wait
  uint32_t synced;           // before another thread's bytes are read
  uint32_t valid;
  uint32_t distance;  // to the thread whose bytes are read
  uint32_t reused;    // without a barrier
};

// Each thread copies 16 bytes of each stage, two stages ahead, and adds up what another thread copied.
void pipeline(const CopyParameters& p, const Constants&) {
  HEARTH_SHARED(Word4, 3 * 64, stages);
  const uint32_t t = thread_index();
  const Global<const Word4> in = global<const Word4>(p.in);
  const auto fetch = [&](uint32_t stage) {
    if (stage < p.stages) copy_async_16(stages + stage % 3 * 64 + t, in + stage * 64 + t, p.valid);
    commit_copies();
  };
  fetch(0);
  fetch(1);
  uint32_t sum = 0;
  for (uint32_t stage = 0; stage < p.stages; ++stage) {
    if (p.pending == 0) wait_copies<0>();
    if (p.pending == 1) wait_copies<1>();
    if (p.pending == 2) wait_copies<2>();
    if (p.synced != 0) sync_block();
    fetch(stage + (p.reused != 0 ? 3 : 2));
    const Word4 words = stages[stage % 3 * 64 + (t + p.distance) % 64];
    sum += words.x + 3 * words.y + 5 * words.z + 7 * words.w;
  }
  wait_copies<0>();
  global<uint32_t>(p.out)[t] = sum;
}
HEARTH_KERNEL(pipeline, 64, CopyParameters, pipeline)

void small_copies(const CopyParameters& p, const Constants& c) {
  HEARTH_SHARED(uint32_t, 192, words);
  const uint32_t t = thread_index();
  const Global<const uint32_t> in = global<const uint32_t>(p.in);
  copy_async_4(words + t, in + t);
  copy_async_8(words + 64 + 2 * t, in + 64 + 2 * t, p.valid);
  commit_copies();
  if (c.at[0] != 0) return;
  wait_copies<0>();
  const Word2 pair = cast<const Word2>(words + 64)[t];
  const uint32_t one = words[t];
  global<uint32_t>(p.out)[t] = one;
  cast<Word2>(global<uint32_t>(p.out) + 64)[t] = pair;
}
HEARTH_KERNEL(small_copies, 64, CopyParameters, small_copies)

}  // namespace
}  // namespace hearth::cuda

namespace hearth::simt {
namespace {

using cuda::CopyParameters;

class AsyncCopies : public testing::Test {
 protected:
  std::vector<Report> run(CopyParameters p, const char* kernel = "pipeline", cuda::Constants constants = {}) {
    p.in = in_;
    p.out = out_;
    return device_.launch(kernel, {1}, p, constants);
  }
  static std::vector<uint32_t> numbers() {
    std::vector<uint32_t> made(5 * 64 * 4);
    for (uint32_t i = 0; i < made.size(); ++i) made[i] = i * 2654435761u;
    return made;
  }
  // What the pipeline makes of the first `valid` bytes of each 16.
  static std::vector<uint32_t> sums(uint32_t valid, uint32_t distance) {
    std::vector<uint32_t> made(64);
    for (uint32_t t = 0; t < 64; ++t)
      for (uint32_t stage = 0; stage < 5; ++stage)
        for (uint32_t i = 0; i < valid / 4; ++i)
          made[t] += (2 * i + 1) * numbers()[(stage * 64 + (t + distance) % 64) * 4 + i];
    return made;
  }
  Device device_;
  Address in_ = device_.put(numbers(), "the input"), out_ = device_.put(std::vector<uint32_t>(192));
};

TEST_F(AsyncCopies, ArriveInTheirOrder) {
  expect_none(run({.stages = 5, .pending = 1, .synced = 1, .valid = 16, .distance = 5}));
  EXPECT_EQ(device_.get<uint32_t>(out_, 64), sums(16, 5));
  expect_none(run({.stages = 5, .pending = 0, .synced = 1, .valid = 8, .distance = 33}));
  EXPECT_EQ(device_.get<uint32_t>(out_, 64), sums(8, 33));
  expect_none(run({.stages = 5, .pending = 0, .synced = 0, .valid = 0, .distance = 0}));
  EXPECT_EQ(device_.get<uint32_t>(out_, 64), sums(0, 0));
}

TEST_F(AsyncCopies, OfFourAndEightBytesHaveZerosBehindWhatIsValid) {
  expect_none(run({.valid = 4}, "small_copies"));
  std::vector<uint32_t> expected = numbers();
  expected.resize(192);
  for (uint32_t i = 65; i < 192; i += 2) expected[i] = 0;
  EXPECT_EQ(device_.get<uint32_t>(out_, 192), expected);
}

TEST_F(AsyncCopies, AMissingWaitIsFound) {
  expect_one(run({.stages = 5, .pending = 3, .synced = 1, .valid = 16, .distance = 0}), Fault::copy_not_waited_for,
             {"kernel pipeline", "reads stages[63] while an asynchronous copy to it is under way"});
  expect_one(run({.stages = 5, .pending = 2, .synced = 1, .valid = 16, .distance = 0}), Fault::copy_not_waited_for,
             {"reads stages["});
}

TEST_F(AsyncCopies, AnothersBytesNeedABarrier) {
  expect_none(run({.stages = 5, .pending = 1, .synced = 0, .valid = 16, .distance = 0}));
  const auto reports = run({.stages = 2, .pending = 0, .synced = 0, .valid = 16, .distance = 63});
  expect_found(reports, Fault::race, {"thread 1 reads stages[0], which thread 0 wrote"});
}

TEST_F(AsyncCopies, APlaceIsNotFilledAgainWhileItIsRead) {
  const auto reports = run({.stages = 5, .pending = 0, .synced = 1, .valid = 16, .distance = 1, .reused = 1});
  expect_found(reports, Fault::race, {"thread 0 writes stages[0], which thread 63 read"});
}

TEST_F(AsyncCopies, AreWaitedForBeforeTheEnd) {
  expect_one(run({.valid = 8}, "small_copies", {{1}}), Fault::copy_not_waited_for,
             {"thread 0: returns with asynchronous copies under way"});
}

TEST_F(AsyncCopies, StayInTheirAllocationAndOnTheirGrid) {
  expect_one(run({.stages = 6, .pending = 1, .synced = 1, .valid = 16, .distance = 0}), Fault::out_of_bounds,
             {"copies 16 bytes 992 bytes behind the end of the input"});
  in_ += 8;
  expect_one(run({.stages = 1, .pending = 0, .synced = 1, .valid = 16, .distance = 0}), Fault::misaligned,
             {"16 bytes at byte 8 of the input"});
  expect_one(run({.stages = 1, .pending = 0, .synced = 1, .valid = 17, .distance = 0}), Fault::bad_launch,
             {"copies 17 of 16 bytes"});
}

}  // namespace
}  // namespace hearth::simt
