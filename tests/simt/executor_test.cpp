// Launches: what they are given, their order, and that one goes well after another has not.
#include <simt.h>

#include <numeric>

#include "tests/simt/device.h"

namespace hearth::cuda {
namespace {

struct Places {
  Address out, counter;
};

void note_place(const Places& p, const Constants& c) {
  HEARTH_DYNAMIC_SHARED(uint32_t, numbers);
  const Index3 block = block_index(), grid = grid_size();
  const uint32_t at = (block.z * grid.y + block.y) * grid.x + block.x;
  numbers[thread_index()] = c.at[0] + thread_index();
  sync_block();
  const uint32_t last = numbers[threads() - 1];
  if (thread_index() == 0) global<uint32_t>(p.out)[at] = 1000 * last + at;
}
HEARTH_KERNEL(note_place, 96, Places, note_place)

// Who comes first.
void note_order(const Places& p, const Constants&) {
  const uint32_t place = atomic_add(global<uint32_t>(p.counter), 1u);
  global<uint32_t>(p.out)[place] = block_index().x * threads() + thread_index();
}
HEARTH_KERNEL(note_order, 32, Places, note_order)

template <uint32_t first, uint32_t second>
HEARTH_DEVICE void sum_of(const Places& p, const Constants&) {
  if (thread_index() == 0) global<uint32_t>(p.out)[0] = first + second;
}
HEARTH_KERNEL(sum_of_2_3, 32, Places, sum_of<2, 3>)

void too_much_shared(const Places& p, const Constants&) {
  HEARTH_SHARED(uint32_t, 13000, numbers);
  numbers[thread_index()] = 0;
  global<uint32_t>(p.out)[0] = 0;
}
HEARTH_KERNEL(too_much_shared, 32, Places, too_much_shared)

}  // namespace
}  // namespace hearth::cuda

namespace hearth::simt {
namespace {

using cuda::Places;

TEST(Executor, RunsEveryBlockWithItsPlaceParametersConstantsAndSharedMemory) {
  for (const uint32_t seed : {0u, 5u}) {
    Device device(seed);
    const Address out = device.put(std::vector<uint32_t>(30));
    expect_none(device.launch("note_place", {5, 3, 2}, Places{out, 0}, {{7}}, 96 * 4));
    const std::vector<uint32_t> found = device.get<uint32_t>(out, 30);
    for (uint32_t i = 0; i < 30; ++i) EXPECT_EQ(found[i], 1000 * 102 + i);
  }
}

TEST(Executor, SharedMemoryIsAsLargeAsTheLaunchSays) {
  Device device;
  const Address out = device.put(std::vector<uint32_t>(1));
  expect_one(device.launch("note_place", {1}, Places{out, 0}, {}, 95 * 4), Fault::out_of_bounds,
             {"thread 95: writes 4 bytes at byte 380 of shared numbers of 380 bytes"});
  expect_one(device.launch("too_much_shared", {1}, Places{out, 0}), Fault::bad_launch, {"52000 bytes"});
}

TEST(Executor, OrderIsTheSameEachTimeAndAnotherWithASeed) {
  const auto order = [](uint32_t seed) {
    Device device(seed);
    const Address out = device.put(std::vector<uint32_t>(128)), counter = device.put(std::vector<uint32_t>(1));
    expect_none(device.launch("note_order", {4}, Places{out, counter}));
    return device.get<uint32_t>(out, 128);
  };
  std::vector<uint32_t> in_turn(128);
  std::iota(in_turn.begin(), in_turn.end(), 0);
  EXPECT_EQ(order(0), in_turn);
  std::vector<uint32_t> shuffled = order(3);
  EXPECT_EQ(shuffled, order(3));
  EXPECT_NE(shuffled, in_turn);
  EXPECT_NE(shuffled, order(4));
  std::sort(shuffled.begin(), shuffled.end());
  EXPECT_EQ(shuffled, in_turn);
}

TEST(Executor, KernelsOfATemplateHaveNames) {
  Device device;
  const Address out = device.put(std::vector<uint32_t>(1));
  expect_none(device.launch("sum_of_2_3", {1}, Places{out, 0}));
  EXPECT_EQ(device.get<uint32_t>(out, 1)[0], 5u);
}

TEST(Executor, RefusesWhatNoDeviceWouldLaunch) {
  Device device;
  const Places places{};
  expect_one(device.launch("no_such_kernel", {1}, places), Fault::bad_launch, {"kernel no_such_kernel: there is no"});
  expect_one(device.launch("note_order", {0}, places), Fault::bad_launch, {"a grid of 0 x 1 x 1"});
  expect_one(device.launch("note_order", {1, 65536}, places), Fault::bad_launch, {"65536"});
  expect_one(device.launch("note_order", {1}, uint32_t{0}), Fault::bad_launch, {"given 4 bytes of parameters, not 16"});
  expect_one(device.launch("note_order", {1}, places, {}, 228 << 10), Fault::bad_launch, {"bytes of shared memory"});
}

TEST(Executor, GoesOnAfterAReport) {
  Device device;
  const Address out = device.put(std::vector<uint32_t>(30));
  expect_one(device.launch("note_order", {4}, Places{out, 0}), Fault::out_of_bounds, {"4 bytes at address 0"});
  expect_one(device.launch("note_place", {1}, Places{out, 0}, {}, 32), Fault::out_of_bounds, {"thread 8"});
  expect_none(device.launch("note_place", {5, 3, 2}, Places{out, 0}, {{7}}, 96 * 4));
}

}  // namespace
}  // namespace hearth::simt
