// embed/FORMAT: out[row] = add[row] + scale * table[index] + bias, index being the row's token or position. A thread
// makes 8 values.
#pragma once

#include "kernels/cuda/batch.h"
#include "kernels/cuda/formats/formats.h"

namespace hearth::cuda {

template <class Blocks>
HEARTH_DEVICE void embed(const gpu::EmbedParameters& p, const Constants&) {
  const uint32_t row = block_index().y, first = (block_index().x * 64 + thread_index()) * 8;
  const BatchWords batch(p.batch);
  if (row >= batch.rows() || first >= p.width) return;
  const uint32_t index = batch.at(p.index_at, row), blocks = p.width / Blocks::kBlockSize;
  float values[8];
  decode8(open_matrix<Blocks>(p.table, p.table_rows * blocks, p.decode_tables), index * blocks, first, p.width,
          p.width % 8 == 0, values);
  const uint64_t at = static_cast<uint64_t>(row) * p.out_stride + first;
  for (uint32_t i = 0; i < min(8u, p.width - first); ++i) {
    float value = p.scale * values[i];
    if (p.add != 0) value += read<float>(p.add, at + i);
    if (p.bias != 0) value += read<float>(p.bias, first + i);
    write(p.out, at + i, value);
  }
}

}  // namespace hearth::cuda
