// Rows of weights in slices, against the same weights one by one.
#include "kernels/cuda/slices.h"

#include <bit>
#include <cmath>
#include <random>

#include "tests/simt/device.h"

namespace hearth::cuda {
namespace {

struct SlicesParameters {
  Address weight, sliced, plain;  // 8 rows of weights; as bfloat16 numbers; as floats
  uint32_t width, unused;
};

// Slices are loaded ahead as group_tiles does without kAhead.
template <class Blocks>
void slices(const SlicesParameters& p, const Constants&) {
  const uint32_t t = lane() % 4, row = lane() / 4, blocks = p.width / Blocks::kBlockSize;
  const Matrix<Blocks> matrix = open_matrix<Blocks>(p.weight, 8 * blocks, 0);
  SlicedRow<Blocks> weights;
  weights.template load<0>(matrix, row * blocks, 0, t);
  weights.template load<1>(matrix, row * blocks, 0, t);
  for (uint32_t begin = 0; begin < p.width; begin += 256) {
    const auto step = [&]<uint32_t s>(std::integral_constant<uint32_t, s>) {
      uint32_t pairs[8];
      weights.template decode<s>(t, pairs);
      weights.template load<(s + 2) % 4>(matrix, row * blocks, s < 2 ? begin : min(begin + 256, p.width - 256), t);
      for (uint32_t i = 0; i < 8; ++i) {
        const uint32_t k = begin + 64 * t + 32 * (i / 4) + 8 * s + 2 * (i % 4);
        write(p.sliced, (row * p.width + k) / 2, pairs[i]);
        const Piece piece = piece_at(matrix, row * blocks, k / 8 * 8);
        for (uint32_t j = 0; j < 2; ++j) {
          const float less = Blocks::kHasLess ? piece.less : 0.0f;
          write(p.plain, row * p.width + k + j, fma(piece.scale, quantum(piece, k % 8 + j), -less));
        }
      }
    };
    step(std::integral_constant<uint32_t, 0>());
    step(std::integral_constant<uint32_t, 1>());
    step(std::integral_constant<uint32_t, 2>());
    step(std::integral_constant<uint32_t, 3>());
  }
}
HEARTH_KERNEL(slices_q4_0, 32, SlicesParameters, slices<Q4_0Blocks>)
HEARTH_KERNEL(slices_q8_0, 32, SlicesParameters, slices<Q8_0Blocks>)
HEARTH_KERNEL(slices_q4_k, 32, SlicesParameters, slices<Q4_KBlocks>)
HEARTH_KERNEL(slices_q5_k, 32, SlicesParameters, slices<Q5_KBlocks>)
HEARTH_KERNEL(slices_q6_k, 32, SlicesParameters, slices<Q6_KBlocks>)

}  // namespace
}  // namespace hearth::cuda

namespace hearth::simt {
namespace {

TEST(Slices, HaveTheWeights) {
  const uint32_t width = 768, count = 8 * width;
  std::mt19937 random(8);
  for (const char* kernel : {"slices_q4_0", "slices_q8_0", "slices_q4_k", "slices_q5_k", "slices_q6_k"}) {
    std::vector<uint32_t> bytes(4096);
    for (uint32_t& word : bytes) word = static_cast<uint32_t>(random()) & 0x9fff9fffu;  // halves are below 1
    Device device;
    const Address sliced = device.put(std::vector<uint16_t>(count)), plain = device.put(std::vector<float>(count));
    expect_none(device.launch(kernel, {1}, cuda::SlicesParameters{device.put(bytes), sliced, plain, width, 0}));
    const std::vector<uint16_t> found = device.get<uint16_t>(sliced, count);
    const std::vector<float> expected = device.get<float>(plain, count);
    float largest = 0;
    for (const float one : expected) largest = std::max(largest, std::fabs(one));
    ASSERT_GT(largest, 0.0f);
    for (uint32_t i = 0; i < count; ++i)
      ASSERT_NEAR(std::bit_cast<float>(uint32_t{found[i]} << 16), expected[i],
                  std::fabs(expected[i]) / 256 + largest * 1e-5f)
          << kernel << " value " << i % width << " of row " << i / width;
  }
}

}  // namespace
}  // namespace hearth::simt
