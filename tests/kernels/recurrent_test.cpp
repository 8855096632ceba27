// The kernels of linear attention against their formulas in double.
#include <cmath>

#include "tests/kernels/kernel_case.h"

namespace hearth::cpu {
namespace {

class RecurrentKernels : public Kernels {};

TEST_P(RecurrentKernels, ConvolveAlongTheRows) {
  constexpr uint32_t kRows = 9, kStride = 50;
  for (const uint32_t taps : {2u, 4u, 5u})
    for (const uint32_t n : {1u, 8u, 13u, 40u}) {
      const std::vector<float> x = random_floats(kRows * kStride, taps), kernel = random_floats(taps * kStride, n);
      std::vector<float> history((taps - 1) * kStride), out = x;
      history[kStride - 1] = 5;  // of another's channels
      for (uint32_t r = 0; r < kRows; ++r)
        table().convolve(&out[r * kStride], history.data(), kernel.data(), taps, kStride, n);
      for (uint32_t r = 0; r < kRows; ++r)
        for (uint32_t c = 0; c < kStride; ++c) {
          double right = c < n ? 0 : double{x[r * kStride + c]};
          for (uint32_t j = 0; j < taps && c < n; ++j)
            if (r + j + 1 >= taps)
              right += double{kernel[j * kStride + c]} * double{x[(r + j + 1 - taps) * kStride + c]};
          EXPECT_NEAR(out[r * kStride + c], right, 1e-5) << "row " << r << ", channel " << c;
        }
      EXPECT_EQ(history[kStride - 1], 5);
      for (uint32_t j = 0; j + 1 < taps; ++j)
        for (uint32_t c = 0; c < n; ++c)
          EXPECT_EQ(history[j * kStride + c], x[(kRows + j + 1 - taps) * kStride + c]) << "what the next row sees";
    }
}

TEST_P(RecurrentKernels, FollowTheDeltaRule) {
  constexpr uint32_t kRows = 7;
  for (const uint32_t keys : {1u, 16u, 30u})
    for (const uint32_t values : {1u, 8u, 24u, 45u}) {
      // Rows lie further apart than they are long, as those of a slot with other heads do.
      const size_t key_stride = 2 * keys + 3, value_stride = values + 5, out_stride = values + 2;
      std::vector<float> both = random_floats(kRows * key_stride, keys, 1 / std::sqrt(static_cast<float>(keys)));
      const std::vector<float> v = random_floats(kRows * value_stride, values);
      std::vector<float> factors = random_floats(kRows * 2, 3), state = random_floats(keys * values, 4);
      for (float& factor : factors) factor = 1 / (1 + std::exp(-factor));
      std::vector<double> expected(state.begin(), state.end());
      std::vector<float> out(kRows * out_stride, 7);
      table().delta_rule({.q = both.data(),
                          .k = both.data() + keys,
                          .v = v.data(),
                          .decay = factors.data(),
                          .beta = factors.data() + 1,
                          .out = out.data(),
                          .key_stride = key_stride,
                          .value_stride = value_stride,
                          .head_stride = 2,
                          .out_stride = out_stride,
                          .count = kRows,
                          .key_size = keys,
                          .value_size = values,
                          .state = state.data()});
      for (uint32_t r = 0; r < kRows; ++r) {
        const float *q = &both[r * key_stride], *k = q + keys;
        for (uint32_t j = 0; j < values; ++j) {
          double known = 0, right = 0;
          for (uint32_t i = 0; i < keys; ++i) {
            expected[i * values + j] *= double{factors[2 * r]};
            known += double{k[i]} * expected[i * values + j];
          }
          const double change = double{factors[2 * r + 1]} * (double{v[r * value_stride + j]} - known);
          for (uint32_t i = 0; i < keys; ++i) {
            expected[i * values + j] += double{k[i]} * change;
            right += double{q[i]} * expected[i * values + j];
          }
          EXPECT_NEAR(out[r * out_stride + j], right, 2e-5) << keys << " x " << values << ", row " << r;
        }
        for (size_t j = values; j < out_stride; ++j) EXPECT_EQ(out[r * out_stride + j], 7);
      }
      for (size_t i = 0; i < state.size(); ++i) EXPECT_NEAR(state[i], expected[i], 2e-5);
    }
}

INSTANTIATE_TEST_SUITE_P(Tables, RecurrentKernels, testing::ValuesIn(tables()), table_name);

}  // namespace
}  // namespace hearth::cpu
