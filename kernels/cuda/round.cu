// round_inputs: rows of floats as bytes with a scale for each 32, for byte_tiles. A thread rounds 8 values.
#include "kernels/cuda/batch.h"

namespace hearth::cuda {

constexpr uint32_t kRoundThreads = 64;

HEARTH_DEVICE void round_inputs(const gpu::RoundInputsParameters& p, const Constants&) {
  const uint32_t column = block_index().y, matrix = block_index().z;
  const uint32_t first = (block_index().x * kRoundThreads + thread_index()) * 8;
  if (column >= BatchWords(p.batch).word(p.rows_at) * p.rows_each) return;
  const bool inside = first < p.width;
  const auto from = floats_at(p.in, static_cast<uint64_t>(column) * p.in_stride + matrix * p.in_matrix_stride + first);
  const Address to = p.out + 4 * (static_cast<uint64_t>(column) * p.out_stride + matrix * p.out_matrix_stride);
  float x[8];
  uint32_t most = 0;  // bits of magnitudes, of which those of NaN are the largest
  for (uint32_t i = 0; i < 8; ++i) {
    x[i] = inside ? static_cast<float>(from[i]) : 0.0f;
    most = max(most, bits_of(x[i]) & 0x7fffffffu);
  }
  most = max(most, shuffle_xor(most, 1));
  most = max(most, shuffle_xor(most, 2));
  if (!inside) return;

  // As on the CPU, a group of zeros or nearly so has scale 0; one that holds infinity or NaN has that as its scale.
  const float magnitude = float_of(most);
  const bool tiny = most < bits_of(1e-30f), finite = most < 0x7f800000u;
  const float scale = tiny ? 0.0f : magnitude / 127.0f, inverse = tiny || !finite ? 0.0f : 127.0f / magnitude;
  uint32_t q[2] = {};
  for (uint32_t i = 0; i < 8; ++i) {
    const int whole = max(min(round_to_int(x[i] * inverse), 127), -127);
    q[i / 4] |= (finite ? static_cast<uint32_t>(whole) & 255u : 1u) << (i % 4 * 8);
  }
  write(to + first, 0, Word2{q[0], q[1]});
  if (first % 32 == 0) write(to + p.width, first / 32, scale);
}
HEARTH_KERNEL(round_inputs, kRoundThreads, gpu::RoundInputsParameters, round_inputs)

}  // namespace hearth::cuda
