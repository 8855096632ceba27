// Faults planted in kernels are found and named, and the sound versions of the same kernels are not.
#include <simt.h>

#include "tests/simt/device.h"

namespace hearth::cuda {
namespace {

struct OneArray {
  Address at;
  uint32_t count, unused = 0;
};

// at[0] is 1 where the barrier that it needs is there.
void neighbour(const OneArray& p, const Constants& c) {
  HEARTH_SHARED(uint32_t, 64, values);
  values[thread_index()] = thread_index();
  if (c.at[0] == 1) sync_block();
  const uint32_t next = values[(thread_index() + 1) % 64];
  global<uint32_t>(p.at)[thread_index()] = next;
}
HEARTH_KERNEL(neighbour, 64, OneArray, neighbour)

// Reads, then overwrites what another thread has read.
void rotate(const OneArray& p, const Constants& c) {
  HEARTH_SHARED(uint32_t, 64, values);
  const uint32_t t = thread_index();
  values[t] = t;
  sync_block();
  const uint32_t next = values[(t + c.at[1]) % 64];
  if (c.at[0] == 1) sync_block();
  values[t] = next;
  sync_block();
  const uint32_t mine = values[t];
  global<uint32_t>(p.at)[t] = mine;
}
HEARTH_KERNEL(rotate, 64, OneArray, rotate)

// Values of another thread, at t ^ at[1].
void swap_in_warp(const OneArray& p, const Constants& c) {
  HEARTH_SHARED(uint32_t, 64, pairs);
  const uint32_t t = thread_index();
  pairs[t] = 0;
  sync_block();
  pairs[t] = t;
  if (c.at[0] == 1) sync_warp();
  if (c.at[0] == 2) warp_sum(t);  // orders no memory
  const uint32_t other = pairs[t ^ c.at[1]];
  global<uint32_t>(p.at)[t] = other;
}
HEARTH_KERNEL(swap_in_warp, 64, OneArray, swap_in_warp)

void same_place(const OneArray& p, const Constants& c) {
  HEARTH_SHARED(uint16_t, 128, values);
  const uint32_t t = thread_index();
  if (c.at[0] == 1)
    values[2 * (t % 32) + t / 32] = static_cast<uint16_t>(t);  // two warps, the two halves of a word
  else
    values[t % 32] = static_cast<uint16_t>(t);
  if (t == 0) global<uint32_t>(p.at)[0] = 0;
}
HEARTH_KERNEL(same_place, 64, OneArray, same_place)

void unwritten(const OneArray& p, const Constants& c) {
  HEARTH_SHARED(float, 64, values);
  if (thread_index() < c.at[0]) values[thread_index()] = 1.0f;
  const float mine = values[thread_index()];
  global<float>(p.at)[thread_index()] = mine;
}
HEARTH_KERNEL(unwritten, 64, OneArray, unwritten)

void count_up(const OneArray& p, const Constants& c) {
  HEARTH_SHARED(uint32_t, 1, counter);
  if (thread_index() == 0) counter[0] = 0;
  sync_block();
  if (c.at[0] == 1 || thread_index() != 35)
    atomic_add(counter + 0, 1u);
  else
    counter[0] += 1;
  sync_block();
  const uint32_t sum = counter[0];
  if (thread_index() == 0) global<uint32_t>(p.at)[0] = sum;
}
HEARTH_KERNEL(count_up, 64, OneArray, count_up)

void reads(const OneArray& p, const Constants& c) {
  if (thread_index() + block_index().x * 32 < p.count) return;
  const float x = global<const float>(p.at + c.at[1])[thread_index() + c.at[0]];
  global<float>(p.at)[0] = x;
}
HEARTH_KERNEL(reads, 32, OneArray, reads)
void writes(const OneArray& p, const Constants& c) {
  if (thread_index() == p.count) global<float>(p.at)[c.at[0]] = 1.0f;
}
HEARTH_KERNEL(writes, 32, OneArray, writes)
void reads_stream(const OneArray& p, const Constants& c) {
  const Word4 words = load_stream(global<const Word4>(p.at + c.at[1]) + c.at[0]);
  global<uint32_t>(p.at)[0] = words.x;
}
HEARTH_KERNEL(reads_stream, 32, OneArray, reads_stream)
void outside_shared(const OneArray&, const Constants& c) {
  HEARTH_SHARED(float, 32, values);
  HEARTH_SHARED(float, 32, behind);
  values[thread_index() + c.at[0]] = 1.0f;
  behind[thread_index()] = 1.0f;
}
HEARTH_KERNEL(outside_shared, 32, OneArray, outside_shared)
void misaligned_shared(const OneArray&, const Constants& c) {
  HEARTH_SHARED(uint32_t, 128, values);
  cast<Word4>(values + c.at[0])[thread_index() % 2] = {1, 2, 3, 4};
  sync_block();
}
HEARTH_KERNEL(misaligned_shared, 32, OneArray, misaligned_shared)

void early(const OneArray& p, const Constants& c) {
  if (c.at[0] == 0 || thread_index() != 5) wait_for_kernel_before(c);
  const Global<uint32_t> at = global<uint32_t>(p.at) + thread_index();
  if (c.at[0] == 1) prefetch_l2(at);
  if (c.at[0] == 2) *at = 1;
  const uint32_t value = c.at[0] == 3 ? load_constant(at) : c.at[0] == 4 ? load_early(at) : 0;
  if (c.at[0] != 1) wait_for_kernel_before(c);
  if (c.at[0] == 4) *at = value + 1;
}
HEARTH_EARLY_KERNEL(early, 32, OneArray, early)

}  // namespace
}  // namespace hearth::cuda

namespace hearth::simt {
namespace {

using cuda::OneArray;

class Faults : public testing::Test {
 protected:
  std::vector<Report> run(const char* kernel, cuda::Constants constants, uint32_t count = 0, uint32_t blocks = 1) {
    return device_.launch(kernel, {blocks}, OneArray{at_, count}, constants);
  }
  Device device_;
  Address at_ = device_.put(std::vector<uint32_t>(64), "the output");
};

TEST_F(Faults, AReadOfWhatAnotherThreadWroteNeedsABarrier) {
  expect_none(run("neighbour", {{1}}));
  const auto reports = run("neighbour", {{0}}, 0, 3);
  expect_found(reports, Fault::uninitialised, {"thread 0 reads values[1], which nobody has written"});
  expect_found(reports, Fault::race,
               {"kernel neighbour, block (0, 0, 0), thread 1 writes values[1], which thread 0 read with no barrier"});
  EXPECT_EQ(reports.size(), 2u);  // each once for all threads and blocks
}

TEST_F(Faults, AWriteOverWhatAnotherThreadReadNeedsABarrier) {
  expect_none(run("rotate", {{1, 1}}));
  EXPECT_EQ(device_.get<uint32_t>(at_, 64)[63], 0u);
  expect_none(run("rotate", {{1, 32}}));
  expect_one(run("rotate", {{0, 1}}), Fault::race, {"thread 0 writes values[0], which thread 63 read"});
  expect_one(run("rotate", {{0, 32}}), Fault::race, {"thread 31 reads values[63], which thread 63 wrote"});
}

TEST_F(Faults, ASyncOfTheWarpOrdersItsLanesAlone) {
  expect_none(run("swap_in_warp", {{1, 1}}));
  EXPECT_EQ(device_.get<uint32_t>(at_, 64)[6], 7u);
  expect_one(run("swap_in_warp", {{1, 32}}), Fault::race, {"pairs["});
}

TEST_F(Faults, AMissingSyncOfTheWarpIsFound) {
  expect_one(run("swap_in_warp", {{0, 1}}), Fault::race, {"kernel swap_in_warp", "pairs[", "with no barrier between"});
  expect_one(run("swap_in_warp", {{2, 1}}), Fault::race, {"pairs["});
}

TEST_F(Faults, TwoThreadsMayNotWriteTheSameBytes) {
  expect_none(run("same_place", {{1}}));
  expect_one(run("same_place", {{0}}), Fault::race, {"thread 32 writes values[0], which thread 0 wrote"});
}

TEST_F(Faults, SharedMemoryIsNotReadBeforeItIsWritten) {
  expect_none(run("unwritten", {{64}}));
  expect_one(run("unwritten", {{40}}), Fault::uninitialised, {"kernel unwritten", "thread 40 reads values[40]"});
}

TEST_F(Faults, AtomicsAreOrderedAmongThemselvesOnly) {
  expect_none(run("count_up", {{1}}));
  EXPECT_EQ(device_.get<uint32_t>(at_, 1)[0], 64u);
  expect_one(run("count_up", {{0}}), Fault::race, {"thread 35 reads counter[0], which thread 34 wrote"});
}

TEST_F(Faults, AccessesOutsideOfAllocationsAreFound) {
  expect_none(run("reads", {{32}}, 0, 1));
  expect_one(
      run("reads", {{33}}, 0, 1), Fault::out_of_bounds,
      {"kernel reads, block (0, 0, 0), thread 31: reads 4 bytes 0 bytes behind the end of the output of 256 bytes"});
  expect_one(run("reads", {{60}}, 100, 5), Fault::out_of_bounds, {"block (3, 0, 0), thread 4:"});
  expect_none(run("writes", {{63}}, 5));
  expect_one(run("writes", {{64}}, 5), Fault::out_of_bounds,
             {"kernel writes", "thread 5: touches 4 bytes 0 bytes behind"});
  expect_none(run("reads_stream", {{15}}));
  expect_one(run("reads_stream", {{16}}), Fault::out_of_bounds, {"reads 16 bytes"});
}

TEST_F(Faults, APointerStaysInItsAllocation) {
  const Address next = device_.put(std::vector<float>(64), "the next");
  const Address first = std::min(at_, next), second = std::max(at_, next);
  const auto distance = static_cast<uint32_t>((second - first) / 4);
  expect_one(device_.launch("reads", {1}, OneArray{first, 0}, {{distance}}), Fault::out_of_bounds,
             {"at byte 0 of the", "with a pointer into the"});
}

TEST_F(Faults, WordsAreAligned) {
  expect_one(run("reads", {{0, 2}}), Fault::misaligned, {"4 bytes at byte 2 of the output", "not aligned to 4"});
  expect_one(run("reads_stream", {{0, 8}}), Fault::misaligned,
             {"16 bytes at byte 8 of the output", "not aligned to 16"});
  expect_one(run("misaligned_shared", {{2}}), Fault::misaligned, {"16 bytes at byte 8 of shared values"});
}

TEST_F(Faults, EveryThreadWaitsForTheKernelBeforeItTouchesMemory) {
  expect_none(run("early", {{0}}));
  expect_none(run("early", {{4}}));
  expect_one(run("early", {{1}}), Fault::too_early,
             {"kernel early", "thread 5: returns without having waited for the kernel before"});
  for (const uint32_t way : {2u, 3u})
    expect_one(run("early", {{way}}), Fault::too_early, {"thread 5: touches 4 bytes at byte 20 of the output"});
}

TEST_F(Faults, SharedArraysEndWhereTheyEnd) {
  expect_none(run("outside_shared", {{0}}));
  expect_one(run("outside_shared", {{1}}), Fault::out_of_bounds,
             {"thread 31: writes 4 bytes at byte 128 of shared values of 128 bytes"});
}

}  // namespace
}  // namespace hearth::simt
