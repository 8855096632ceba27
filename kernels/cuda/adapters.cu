// What adapters add to products and embeddings.
#include "kernels/cuda/batch.h"
#include "kernels/cuda/reduce.h"
#include "kernels/gpu/row_parameters.h"

namespace hearth::cuda {

// Which matrix a place has, a row or one of a row's experts.
HEARTH_DEVICE uint32_t matrix_of_place(Address route, uint32_t row, uint32_t place, uint32_t used) {
  if (route == 0) return 0;
  return static_cast<uint32_t>(read<float>(route, static_cast<uint64_t>(row) * 2 * used + place % used));
}

// What an adapter's first matrix makes of the inputs: low[place][r] = sum of down[matrix * rank + r] * in. A block
// makes one value.
HEARTH_DEVICE void adapter_down(const gpu::AdapterDownParameters& p, const Constants&) {
  const BatchWords batch(p.batch);
  const uint32_t r = block_index().x, place = block_index().y, row = place / p.used;
  if (row >= batch.word(p.rows_at)) return;
  if (batch.adapter_scale(p.sequences_at, row, p.adapters, p.adapter) == 0) return;
  const uint32_t matrix = matrix_of_place(p.route, row, place, p.used);
  const auto weights = floats_at(p.down, static_cast<uint64_t>(matrix * p.rank + r) * p.width);
  const auto from = floats_at(p.in, static_cast<uint64_t>(p.in_of_place != 0 ? place : row) * p.width);
  float sum = 0;
  for (uint32_t i = thread_index(); i < p.width; i += 64) sum = fma(weights[i], from[i], sum);
  sum = block_sum<64>(sum);
  if (thread_index() == 0) write(p.low, static_cast<uint64_t>(place) * p.rank + r, sum);
}
HEARTH_KERNEL(adapter_down, 64, gpu::AdapterDownParameters, adapter_down)

// What a product gets beside its weight's: bias + scale * up low for each place. The first adapter of a weight starts
// from the bias, the next go on from there.
HEARTH_DEVICE void adapter_up(const gpu::AdapterUpParameters& p, const Constants&) {
  const BatchWords batch(p.batch);
  const uint32_t i = block_index().x * 64 + thread_index(), place = block_index().y, row = place / p.used;
  if (row >= batch.word(p.rows_at) || i >= p.count) return;
  const uint32_t matrix = matrix_of_place(p.route, row, place, p.used);
  const float scale = p.factor * batch.adapter_scale(p.sequences_at, row, p.adapters, p.adapter);
  const uint64_t at = static_cast<uint64_t>(place) * p.count + i;
  float value = 0;
  if (p.goes_on != 0) {
    value = read<float>(p.out, at);
  } else if (p.bias != 0) {
    value = read<float>(p.bias, static_cast<uint64_t>(matrix) * p.count + i);
  }
  if (scale != 0) {
    const auto weights = floats_at(p.up, (static_cast<uint64_t>(matrix) * p.count + i) * p.rank);
    const auto low = floats_at(p.low, static_cast<uint64_t>(place) * p.rank);
    float sum = 0;
    for (uint32_t r = 0; r < p.rank; ++r) sum = fma(weights[r], low[r], sum);
    value += scale * sum;
  }
  write(p.out, at, value);
}
HEARTH_KERNEL(adapter_up, 64, gpu::AdapterUpParameters, adapter_up)

// Adds to embedded rows what an adapter makes of their tokens: out += factor * up down[token].
HEARTH_DEVICE void adapter_embed(const gpu::AdapterEmbedParameters& p, const Constants&) {
  const BatchWords batch(p.batch);
  const uint32_t i = block_index().x * 64 + thread_index(), row = block_index().y;
  if (row >= batch.rows() || i >= p.width) return;
  const float scale = p.factor * batch.adapter_scale(Header::sequence_of_row, row, p.adapters, p.adapter);
  if (scale == 0) return;
  const auto low = floats_at(p.down, static_cast<uint64_t>(batch.at(Header::tokens, row)) * p.rank);
  const auto weights = floats_at(p.up, static_cast<uint64_t>(i) * p.rank);
  float sum = 0;
  for (uint32_t r = 0; r < p.rank; ++r) sum = fma(weights[r], low[r], sum);
  const uint64_t at = static_cast<uint64_t>(row) * p.width + i;
  write(p.out, at, read<float>(p.out, at) + scale * sum);
}
HEARTH_KERNEL(adapter_embed, 64, gpu::AdapterEmbedParameters, adapter_embed)

}  // namespace hearth::cuda
