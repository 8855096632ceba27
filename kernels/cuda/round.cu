// round_inputs and norm_round: rows of floats as bytes with a scale for each 32, or as bfloat16 numbers, for products
// of those. A thread rounds 8 values at a time.
#include "kernels/cuda/norm.h"
#include "kernels/cuda/rounding.h"
#include "kernels/gpu/row_parameters.h"

namespace hearth::cuda {

constexpr uint32_t kRoundThreads = 64;

HEARTH_DEVICE void round_inputs(const gpu::RoundInputsParameters& p, const Constants& c) {
  const uint32_t column = block_index().y, matrix = block_index().z;
  const uint32_t first = (block_index().x * kRoundThreads + thread_index()) * 8;
  if (column >= BatchWords(p.batch).word(p.rows_at) * p.rows_each) return;
  const bool inside = first < p.width;
  const auto from = floats_at(p.in, static_cast<uint64_t>(column) * p.in_stride + matrix * p.in_matrix_stride + first);
  const bool in_slices = c.at[0] == 2;  // of which those of eight columns lie together
  const uint64_t before = static_cast<uint64_t>(in_slices ? column / 8 * 8 : column) * p.out_stride;
  const Address to = p.out + 4 * (before + (in_slices ? 8 : 1) * static_cast<uint64_t>(matrix) * p.out_matrix_stride);
  float x[8];
  for (uint32_t i = 0; i < 8; ++i) x[i] = inside ? static_cast<float>(from[i]) : 0.0f;
  if (c.at[0] == 0) {
    write_rounded(to, p.width, first, x, inside);
  } else if (inside && !in_slices) {
    write_bfloats(to, first, x);
  } else if (inside) {
    write_slices(to, column, first, x);
  }
}
HEARTH_KERNEL(round_inputs, kRoundThreads, gpu::RoundInputsParameters, round_inputs)

// A block norms and rounds a row. `out` may be `in` or `add`: sums are complete before anything is written.
HEARTH_DEVICE void norm_round(const gpu::NormRoundParameters& p, const Constants& c) {
  const uint32_t row = block_index().y;
  const Run<true> gain(p.gain, p.width);
  wait_for_kernel_before(c);
  if (row >= BatchWords(p.batch).word(p.rows_at)) return;
  const uint64_t at = static_cast<uint64_t>(row) * p.width;
  const Address rounded = p.rounded + 4 * static_cast<uint64_t>(row) * p.rounded_stride;
  const Run<false> run(p.in + 4 * at, p.width);
  const float mean = run.mean(c.at[0] != 0), scale = run.scale(mean, p.eps);
  const NormLine line{mean, scale, p.bias, p.add == 0 ? 0 : p.add + 4 * at, p.width};
  run.each([&](uint32_t h, uint32_t first, const float x[8]) {
    const bool inside = first < p.width;
    float y[8];
    line.apply(gain, h, first, x, y);
    if (inside && p.out != 0)
      for (uint32_t i = 0; i < 2; ++i)
        write(p.out + 4 * (at + first), i,
              Word4{bits_of(y[4 * i]), bits_of(y[4 * i + 1]), bits_of(y[4 * i + 2]), bits_of(y[4 * i + 3])});
    if (c.at[1] == 0) {
      write_rounded(rounded, p.width, first, y, inside);
    } else if (inside && c.at[1] == 1) {
      write_bfloats(rounded, first, y);
    } else if (inside) {
      write_slices(p.rounded + 4 * static_cast<uint64_t>(row / 8 * 8) * p.rounded_stride, row, first, y);
    }
  });
}
HEARTH_EARLY_KERNEL(norm_round, kNormThreads, gpu::NormRoundParameters, norm_round)

}  // namespace hearth::cuda
