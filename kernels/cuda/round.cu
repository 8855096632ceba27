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
  const Address to = p.out + 4 * (static_cast<uint64_t>(column) * p.out_stride + matrix * p.out_matrix_stride);
  float x[8];
  for (uint32_t i = 0; i < 8; ++i) x[i] = inside ? static_cast<float>(from[i]) : 0.0f;
  if (c.at[0] != 0) {
    if (inside) write_bfloats(to, first, x);
    return;
  }
  const uint32_t most = largest_of_32(x);
  if (inside) write_rounded(to, p.width, first, x, most);
}
HEARTH_KERNEL(round_inputs, kRoundThreads, gpu::RoundInputsParameters, round_inputs)

// A block norms and rounds a row. `out` may be `in` or `add`: sums are complete before anything is written.
HEARTH_DEVICE void norm_round(const gpu::NormRoundParameters& p, const Constants& c) {
  const uint32_t row = block_index().y;
  if (row >= BatchWords(p.batch).word(p.rows_at)) return;
  const uint64_t at = static_cast<uint64_t>(row) * p.width;
  const auto from = floats_at(p.in, at), to = floats_at(p.out, at), add = floats_at(p.add, at);
  const float mean = mean_of_run(from, p.width, c.at[0] != 0), scale = scale_of_run(from, p.width, mean, p.eps);
  const auto gain = floats_at(p.gain), bias = floats_at(p.bias);
  const Address rounded = p.rounded + 4 * static_cast<uint64_t>(row) * p.rounded_stride;
  for (uint32_t begin = 0; begin < p.width; begin += kNormThreads * 8) {
    const uint32_t first = begin + thread_index() * 8;
    const bool inside = first < p.width;
    float x[8];
    for (uint32_t i = 0; i < 8; ++i) {
      x[i] = 0;
      if (!inside) continue;
      x[i] = (from[first + i] - mean) * scale * gain[first + i];
      if (p.bias != 0) x[i] += bias[first + i];
      if (p.add != 0) x[i] += add[first + i];
      if (p.out != 0) to[first + i] = x[i];
    }
    if (c.at[1] != 0) {
      if (inside) write_bfloats(rounded, first, x);
      continue;
    }
    const uint32_t most = largest_of_32(x);
    if (inside) write_rounded(rounded, p.width, first, x, most);
  }
}
HEARTH_KERNEL(norm_round, kNormThreads, gpu::NormRoundParameters, norm_round)

}  // namespace hearth::cuda
