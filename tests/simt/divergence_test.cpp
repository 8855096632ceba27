// Barriers and warp operations that not all threads reach, or that they reach differently.
#include <simt.h>

#include "tests/simt/device.h"

namespace hearth::cuda {
namespace {

struct NoParameters {
  uint32_t unused = 0;
};

void some_return(const NoParameters&, const Constants& c) {
  if (thread_index() >= c.at[0]) return;
  sync_block();
}
HEARTH_KERNEL(some_return, 64, NoParameters, some_return)

void some_sync(const NoParameters&, const Constants& c) {
  if (thread_index() < c.at[0]) sync_block();
  if (thread_index() >= c.at[1]) return;
  warp_sum(1.0f);
}
HEARTH_KERNEL(some_sync, 64, NoParameters, some_sync)

void lanes_return(const NoParameters&, const Constants& c) {
  if (lane() >= c.at[0]) return;
  any(lane() == 3);
}
HEARTH_KERNEL(lanes_return, 32, NoParameters, lanes_return)

void different_operations(const NoParameters&, const Constants& c) {
  const uint32_t t = thread_index();
  if (t < c.at[0])
    shuffle_xor(t, 1);
  else
    ballot(t == 0);
}
HEARTH_KERNEL(different_operations, 64, NoParameters, different_operations)

// Different numbers of turns by warp are sound, by lane they are not.
void loops(const NoParameters&, const Constants& c) {
  const uint32_t turns = c.at[0] == 0 ? warp() : lane();
  for (uint32_t i = 0; i < turns; ++i) warp_sum(i);
  sync_block();
}
HEARTH_KERNEL(loops, 128, NoParameters, loops)

}  // namespace
}  // namespace hearth::cuda

namespace hearth::simt {
namespace {

std::vector<Report> run(const char* kernel, cuda::Constants constants) {
  Device device;
  return device.launch(kernel, {1}, cuda::NoParameters{}, constants);
}

TEST(Divergence, AllThreadsReachABarrierOrNone) {
  expect_none(run("some_return", {{64}}));
  expect_none(run("some_return", {{0}}));
  expect_one(run("some_return", {{40}}), Fault::divergent_barrier,
             {"kernel some_return, block (0, 0, 0): thread 0 to 39 waits at sync_block, thread 40 to 63 returned"});
}

TEST(Divergence, ABarrierIsNotAWarpOperation) {
  expect_none(run("some_sync", {{64, 64}}));
  expect_none(run("some_sync", {{0, 32}}));
  expect_one(run("some_sync", {{32, 64}}), Fault::divergent_barrier, {"thread 0 to 31 waits at sync_block"});
  expect_one(run("some_sync", {{16, 64}}), Fault::divergent_barrier,
             {"thread 0 to 15 waits at sync_block, thread 16 to 31 waits at warp_sum, thread 32 to 63 returned"});
}

TEST(Divergence, AllLanesTakePartInAWarpOperation) {
  expect_none(run("lanes_return", {{32}}));
  expect_one(run("lanes_return", {{31}}), Fault::divergent_warp, {"thread 0 to 30 waits at any, thread 31 returned"});
}

TEST(Divergence, LanesTakePartInTheSameOperation) {
  expect_none(run("different_operations", {{32}}));
  expect_one(run("different_operations", {{48}}), Fault::divergent_warp,
             {"thread 48: calls ballot while thread 32 of its warp waits at shuffle_xor"});
}

TEST(Divergence, WarpsMayTakeDifferentNumbersOfTurns) {
  expect_none(run("loops", {{0}}));
  expect_one(run("loops", {{1}}), Fault::divergent_barrier, {"thread 0 waits at sync_block, thread 1 to 31 waits at"});
}

}  // namespace
}  // namespace hearth::simt
