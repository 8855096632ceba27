// Kernels that go through rows of floats: norms, positions, gates, copies, results.
#include "kernels/cuda/activation.h"
#include "kernels/cuda/batch.h"
#include "kernels/cuda/norm.h"
#include "kernels/cuda/softcap.h"
#include "kernels/gpu/row_parameters.h"

namespace hearth::cuda {

// RmsNorm and LayerNorm: a block norms one run of one row, or copies the rest that is shorter than a run.
HEARTH_DEVICE void norm(const gpu::NormParameters& p, const Constants& c) {
  const uint32_t row = block_index().y, which = block_index().x, begin = which * p.run;
  const uint32_t count = min(p.run, p.width - begin);
  const Run<true> gain(p.gain + 4ull * (which % p.gain_rows) * p.run, count);
  wait_for_kernel_before(c);
  if (row >= BatchWords(p.batch).word(p.rows_at)) return;
  const uint64_t at = static_cast<uint64_t>(row) * p.width + begin;
  const auto from = floats_at(p.in, at), to = floats_at(p.out, at), add = floats_at(p.add, at);
  if (count < p.run) {
    for (uint32_t i = thread_index(); i < count; i += kNormThreads) to[i] = p.add == 0 ? from[i] : from[i] + add[i];
    return;
  }
  const Run<false> run(p.in + 4 * at, count);
  const float mean = run.mean(c.at[0] != 0), scale = run.scale(mean, p.eps);
  const NormLine line{mean, scale, p.bias, p.add == 0 ? 0 : p.add + 4 * at, count};
  run.each([&](uint32_t h, uint32_t first, const float x[8]) {
    float y[8];
    line.apply(gain, h, first, x, y);
    for (uint32_t i = 0; i < 8 && first + i < count; ++i) to[first + i] = y[i];
  });
}
HEARTH_EARLY_KERNEL(norm, kNormThreads, gpu::NormParameters, norm)

// Turns the heads of q and of k in place, one block for each head of a row; q is also multiplied by its temperature.
HEARTH_DEVICE void rope(const gpu::RopeParameters& p, const Constants&) {
  const BatchWords batch(p.batch);
  const uint32_t row = block_index().y, head = block_index().x;
  if (row >= batch.rows()) return;
  const bool is_q = head < p.q_heads;
  const uint64_t index = is_q ? static_cast<uint64_t>(row) * p.q_heads + head
                              : static_cast<uint64_t>(row) * p.k_heads + (head - p.q_heads);
  const auto values = floats_at(is_q ? p.q : p.k, index * p.head_size);
  float factor = 1;
  if (is_q && p.temperature != 0)
    factor += p.temperature * log(1.0f + static_cast<float>(batch.at(Header::positions, row) / p.temperature_span));
  const uint32_t angles = 2 * (row * p.row_pairs + p.first_pair);
  for (uint32_t i = thread_index(); i < p.pairs; i += 64) {
    const uint32_t x_at = p.first + (p.adjacent != 0 ? 2 * i : i);
    const uint32_t y_at = p.first + (p.adjacent != 0 ? 2 * i + 1 : i + p.pairs);
    const float cosine = float_of(batch.at(Header::rope_angles, angles + 2 * i));
    const float sine = float_of(batch.at(Header::rope_angles, angles + 2 * i + 1));
    const float x = values[x_at], y = values[y_at];
    values[x_at] = (x * cosine - y * sine) * factor;
    values[y_at] = (x * sine + y * cosine) * factor;
  }
  if (factor == 1) return;
  for (uint32_t i = thread_index(); i < p.head_size; i += 64)
    if (i < p.first || i >= p.first + 2 * p.pairs) values[i] = values[i] * factor;
}
HEARTH_KERNEL(rope, 64, gpu::RopeParameters, rope)

HEARTH_DEVICE void gate(const gpu::GateParameters& p, const Constants&) {
  const uint32_t row = block_index().y, index = block_index().x * 64 + thread_index();
  if (row >= BatchWords(p.batch).word(p.rows_at) || index >= p.width) return;
  const uint64_t at = static_cast<uint64_t>(row) * p.width + index;
  write(p.out, at, gated(p.act, read<float>(p.gate, at), read<float>(p.in, at)));
}
HEARTH_KERNEL(gate, 64, gpu::GateParameters, gate)

// Of each head of each row, `count` values from one slot to another; whole rows are one head. With constant 0 rows of
// the source are those that outputs name.
HEARTH_DEVICE void copy_heads(const gpu::CopyHeadsParameters& p, const Constants& c) {
  const BatchWords batch(p.batch);
  const uint32_t row = block_index().y, head = block_index().z, index = block_index().x * 64 + thread_index();
  if (row >= batch.word(p.rows_at) || index >= p.count) return;
  const uint32_t from = c.at[0] != 0 ? batch.at(Header::output_rows, row) : row;
  const float value = read<float>(p.in, static_cast<uint64_t>(from) * p.in_width + head * p.in_stride + index);
  write(p.out, static_cast<uint64_t>(row) * p.out_width + head * p.out_stride + index, value);
}
HEARTH_KERNEL(copy_heads, 64, gpu::CopyHeadsParameters, copy_heads)

// The result of a step, for the host: the rows that it gets whole.
HEARTH_DEVICE void logits(const gpu::LogitsParameters& p, const Constants&) {
  const BatchWords batch(p.batch);
  const uint32_t which = block_index().y, index = block_index().x * 256 + thread_index();
  if (which >= batch.word(Header::whole) || index >= p.width) return;
  const uint32_t row = batch.at(Header::whole_rows, which);
  const float value = read<float>(p.in, static_cast<uint64_t>(row) * p.width + index);
  write(p.out, static_cast<uint64_t>(which) * p.width + index, softcapped(value, p.softcap));
}
HEARTH_KERNEL(logits, 256, gpu::LogitsParameters, logits)

// out = add + the sum over a row's route of weight * what that expert made, which lies [row][place][width].
HEARTH_DEVICE void combine(const gpu::CombineParameters& p, const Constants&) {
  const uint32_t row = block_index().y, index = block_index().x * 64 + thread_index();
  if (row >= BatchWords(p.batch).word(p.rows_at) || index >= p.width) return;
  const uint64_t at = static_cast<uint64_t>(row) * p.width + index;
  const auto weights = floats_at(p.route, static_cast<uint64_t>(row) * 2 * p.used + p.used);
  float sum = p.add != 0 ? read<float>(p.add, at) : 0.0f;
  for (uint32_t e = 0; e < p.used; ++e)
    sum = fma(weights[e], read<float>(p.made, (static_cast<uint64_t>(row) * p.used + e) * p.width + index), sum);
  write(p.out, at, sum);
}
HEARTH_KERNEL(combine, 64, gpu::CombineParameters, combine)

}  // namespace hearth::cuda
