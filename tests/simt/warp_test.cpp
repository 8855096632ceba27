// What lanes do together, against plain loops over their values.
#include <simt.h>

#include <bit>

#include "tests/simt/device.h"

namespace hearth::cuda {
namespace {

struct InOut {
  Address in, out;
};
constexpr uint32_t kResults = 13;

// [threads x kResults]
void warp_words(const InOut& p, const Constants& c) {
  const uint32_t t = thread_index();
  const uint32_t x = global<const uint32_t>(p.in)[t];
  const Global<uint32_t> out = global<uint32_t>(p.out) + kResults * t;
  out[0] = shuffle(x, 5);
  out[1] = shuffle(x, t + c.at[0]);
  out[2] = shuffle_xor(x, 9);
  out[3] = shuffle_down(x, 3);
  out[4] = ballot(x % 3 == 0);
  out[5] = any(x % 64 == 0) ? 1 : 0;
  out[6] = all(x % 3 != 4) ? 1 : 0;
  out[7] = warp_sum(x);
  out[8] = warp_max(x);
  out[9] = warp_sum<8>(x);
  out[10] = bits_of(warp_sum(1.0f / static_cast<float>(x % 100 + 1)));
  const uint64_t wide = uint64_t{x} << 20;
  out[11] = static_cast<uint32_t>(shuffle_xor(wide, 31) >> 32);
  out[12] = shuffle_up(x, 4);
}
HEARTH_KERNEL(warp_words, 96, InOut, warp_words)

void float_max(const InOut& p, const Constants&) {
  const float x = global<const float>(p.in)[thread_index()];
  global<float>(p.out)[thread_index()] = warp_max<16>(x);
}
HEARTH_KERNEL(float_max, 32, InOut, float_max)

}  // namespace
}  // namespace hearth::cuda

namespace hearth::simt {
namespace {

using cuda::InOut;
using cuda::kResults;

TEST(Warp, OperationsGiveWhatTheirContractsSay) {
  std::vector<uint32_t> in(96);
  for (uint32_t i = 0; i < 96; ++i) in[i] = i * 2654435761u >> 3;
  for (const uint32_t seed : {0u, 1u, 2u}) {
    Device device(seed);
    const Address out = device.memory.allocate(96 * kResults * 4);
    expect_none(device.launch("warp_words", {1}, InOut{device.put(in), out}, {{7}}));
    const std::vector<uint32_t> found = device.get<uint32_t>(out, 96 * kResults);
    for (uint32_t t = 0; t < 96; ++t) {
      const uint32_t* const x = &in[t / 32 * 32];
      const uint32_t lane = t % 32;
      std::vector<uint32_t> expected(kResults);
      expected[0] = x[5];
      expected[1] = x[(lane + 7) % 32];
      expected[2] = x[lane ^ 9];
      expected[3] = lane + 3 < 32 ? x[lane + 3] : x[lane];
      expected[6] = 1;
      expected[12] = lane >= 4 ? x[lane - 4] : x[lane];
      float sums[32];
      for (uint32_t i = 0; i < 32; ++i) {
        expected[4] |= (x[i] % 3 == 0 ? 1u : 0u) << i;
        expected[5] |= x[i] % 64 == 0 ? 1 : 0;
        expected[7] += x[i];
        expected[8] = std::max(expected[8], x[i]);
        if (i / 8 == lane / 8) expected[9] += x[i];
        sums[i] = 1.0f / static_cast<float>(x[i] % 100 + 1);
      }
      for (uint32_t half = 16; half != 0; half /= 2)
        for (uint32_t i = 0; i < half; ++i) sums[i] += sums[i + half];
      expected[10] = std::bit_cast<uint32_t>(sums[0]);
      expected[11] = static_cast<uint32_t>((uint64_t{x[31 - lane]} << 20) >> 32);
      EXPECT_EQ(std::vector<uint32_t>(&found[t * kResults], &found[t * kResults] + kResults), expected) << t;
    }
  }
}

TEST(Warp, TheGreatestOfSomeLanesPassesOverNan) {
  std::vector<float> in(32, NAN);
  in[3] = -2.0f;
  in[9] = -1.0f;
  Device device;
  const Address out = device.memory.allocate(128);
  expect_none(device.launch("float_max", {1}, InOut{device.put(in), out}));
  const std::vector<float> found = device.get<float>(out, 32);
  for (uint32_t i = 0; i < 16; ++i) EXPECT_EQ(found[i], -1.0f);
  for (uint32_t i = 16; i < 32; ++i) EXPECT_TRUE(std::isnan(found[i]));
}

}  // namespace
}  // namespace hearth::simt
