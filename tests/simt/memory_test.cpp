// Device memory: the host's side, and pointers and loads of kernels.
#include <simt.h>

#include <cmath>
#include <stdexcept>

#include "tests/simt/device.h"

namespace hearth::cuda {
namespace {

struct FromTo {
  Address from, to;
};

HEARTH_TABLE uint16_t kSquares[5] = {0, 1, 4, 9, 16};

void copy_words(const FromTo& p, const Constants&) {
  const Global<const Word4> from = global<const Word4>(p.from);
  const Global<Word4> to = global<Word4>(p.to);
  const uint32_t t = thread_index();
  prefetch_l2(from + t);
  to[t] = load_stream(from + t);
  Global<Word2> pairs = cast<Word2>(to + 32);
  pairs += t;
  *pairs = load_constant(cast<const Word2>(from) + t);
  Word2 fresh = load_fresh(pairs);
  fresh.y += kSquares[t % 5];
  pairs[0] = fresh;
  if (Global<const Word4> constant = to; constant == to && t == 0) cast<uint16_t>(to)[0] = 7;
}
HEARTH_KERNEL(copy_words, 32, FromTo, copy_words)

void shared_places(const FromTo& p, const Constants&) {
  HEARTH_SHARED(uint32_t, 128, words);
  const uint32_t t = thread_index();
  const Word4 mine = global<const Word4>(p.from)[t];
  cast<Word4>(words)[t] = mine;
  Shared<const uint32_t> before = words + 4 * t - 4 * t;
  before += 4 * t;
  words[4 * t] += 1;
  words[4 * t + 1] = words[4 * t + 2];
  const auto byte = cast<const uint8_t>(before)[12];
  words[4 * t + 2] ^= byte;
  const Word4 after = *cast<const Word4>(before);
  global<Word4>(p.to)[t] = after;
}
HEARTH_KERNEL(shared_places, 32, FromTo, shared_places)

void atomics(const FromTo& p, const Constants&) {
  HEARTH_SHARED(uint32_t, 2, most);
  HEARTH_SHARED(float, 1, sum);
  const uint32_t t = thread_index();
  if (t == 0) {
    most[0] = most[1] = 3;
    sum[0] = 0.0f;
  }
  sync_block();
  atomic_max(most + 1, t * 5 % 64);
  atomic_add(sum + 0, 0.5f);
  atomic_add(global<float>(p.to), 2.0f);
  atomic_max(global<uint32_t>(p.to) + 1, t);
  const uint32_t before = atomic_add(global<uint32_t>(p.to) + 2, 3u);
  global<uint32_t>(p.to)[8 + before / 3] = t;
  sync_block();
  const uint32_t highest = most[1];
  const float all = sum[0];
  if (t == 0) global<uint32_t>(p.to)[3] = highest;
  if (t == 0) global<float>(p.to)[4] = all;
}
HEARTH_KERNEL(atomics, 64, FromTo, atomics)

}  // namespace
}  // namespace hearth::cuda

namespace hearth::simt {
namespace {

using cuda::FromTo;

std::vector<uint32_t> numbers(uint32_t count) {
  std::vector<uint32_t> made(count);
  for (uint32_t i = 0; i < count; ++i) made[i] = i * 2654435761u;
  return made;
}

TEST(DeviceMemory, HasWhatWasPutThere) {
  Device device;
  const Address at = device.put(numbers(100));
  EXPECT_EQ(at % 256, 0u);
  std::vector<uint32_t> later = numbers(100);
  later.erase(later.begin(), later.begin() + 10);
  EXPECT_EQ(device.get<uint32_t>(at + 40, 90), later);
  device.memory.fill(at, 8, std::byte{1});
  EXPECT_EQ(device.get<uint32_t>(at, 3), (std::vector<uint32_t>{0x01010101, 0x01010101, numbers(3)[2]}));
  EXPECT_TRUE(std::isnan(device.get<float>(device.memory.allocate(4), 1)[0]));
}

TEST(DeviceMemory, TheHostStaysInItsAllocations) {
  Device device;
  const Address at = device.put(numbers(4), "numbers");
  EXPECT_EQ(device.memory.allocated(), 16u);
  EXPECT_THROW(device.get<uint32_t>(at + 4, 4), std::invalid_argument);
  EXPECT_THROW(device.get<uint32_t>(at - 4, 1), std::invalid_argument);
  EXPECT_THROW(device.memory.free(at + 4), std::invalid_argument);
  EXPECT_EQ(device.memory.describe(at + 12, 8), "8 bytes at byte 12 of numbers of 16 bytes");
  EXPECT_EQ(device.memory.describe(at - 8, 8), "8 bytes 8 bytes before numbers of 16 bytes");
  device.memory.free(at);
  EXPECT_EQ(device.memory.allocated(), 0u);
  EXPECT_THROW(device.get<uint32_t>(at, 1), std::invalid_argument);
  expect_found(device.launch("copy_words", {1}, FromTo{at, at}), Fault::out_of_bounds, {"reads 16 bytes at address"});
}

TEST(DeviceMemory, KernelsLoadAndStoreWordsOfEachSize) {
  Device device;
  const Address from = device.put(numbers(128)), to = device.memory.allocate(32 * 16 + 32 * 8);
  expect_none(device.launch("copy_words", {1}, FromTo{from, to}));
  std::vector<uint32_t> expected = numbers(128);
  for (uint32_t i = 0; i < 64; ++i) expected.push_back(numbers(128)[i] + (i % 2 == 1 ? i / 2 % 5 * (i / 2 % 5) : 0));
  expected[0] = (expected[0] & 0xffff0000) | 7;
  EXPECT_EQ(device.get<uint32_t>(to, 192), expected);
}

TEST(DeviceMemory, SharedArraysAreReadAndWrittenAsAnyType) {
  Device device;
  const Address from = device.put(numbers(128)), to = device.memory.allocate(512);
  expect_none(device.launch("shared_places", {1}, FromTo{from, to}));
  std::vector<uint32_t> expected = numbers(128);
  for (uint32_t i = 0; i < 128; i += 4) {
    expected[i] += 1;
    expected[i + 1] = expected[i + 2];
    expected[i + 2] ^= expected[i + 3] & 0xff;
  }
  EXPECT_EQ(device.get<uint32_t>(to, 128), expected);
}

TEST(DeviceMemory, AtomicsReturnWhatWasThere) {
  Device device;
  const Address to = device.put(std::vector<uint32_t>(8 + 128));
  expect_none(device.launch("atomics", {2}, FromTo{0, to}));
  std::vector<uint32_t> found = device.get<uint32_t>(to, 8 + 128);
  EXPECT_EQ(device.get<float>(to, 1)[0], 256.0f);
  EXPECT_EQ(found[1], 63u);
  EXPECT_EQ(found[2], 3u * 128);
  EXPECT_EQ(found[3], 63u);
  EXPECT_EQ(device.get<float>(to + 16, 1)[0], 32.0f);
  std::sort(found.begin() + 8, found.end());
  for (uint32_t i = 0; i < 128; ++i) EXPECT_EQ(found[8 + i], i / 2);
}

}  // namespace
}  // namespace hearth::simt
