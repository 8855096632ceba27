// matmul/FORMAT: a block makes R rows of C columns, a warp one row at a time. The lanes share the sum over the width,
// in an order that does not depend on the number of columns.
#pragma once

#include "kernels/cuda/matmul.h"

namespace hearth::cuda {

constexpr uint32_t kFewThreads = 128;

// The sums of one row of the opened weight, the same in all lanes.
template <class Blocks, uint32_t kColumns>
HEARTH_DEVICE void row_sums(const Product& product, const Matrix<Blocks>& matrix, uint32_t row_blocks,
                            const Address inputs[kColumns], bool whole, float sums[kColumns]) {
  const uint32_t width = product.p.width;
  for (uint32_t c = 0; c < kColumns; ++c) sums[c] = 0;
  for (uint32_t first = lane() * 8; first < width; first += 32 * 8) {
    float w[8];
    const Scales scales = split8(matrix, row_blocks, first, width, whole, w);
    for (uint32_t c = 0; c < kColumns; ++c) {
      float x[8];
      load8(inputs[c], first, width, whole, x);
      float dot = w[0] * x[0];
      for (uint32_t i = 1; i < 8; ++i) dot = fma(w[i], x[i], dot);
      sums[c] = fma(scales.scale, dot, sums[c]);
      if constexpr (Blocks::kHasLess) {
        const float all = ((x[0] + x[1]) + (x[2] + x[3])) + ((x[4] + x[5]) + (x[6] + x[7]));
        sums[c] = fma(-scales.less, all, sums[c]);
      }
    }
  }
  for (uint32_t c = 0; c < kColumns; ++c) sums[c] = warp_sum(sums[c]);
}

// Constants: 1 the rows of a block, 2 is 1 where the inputs are whole.
template <class Blocks, uint32_t kColumns>
HEARTH_DEVICE void matmul(const gpu::MatmulParameters& p, const Constants& c) {
  const Product product(p);
  const uint32_t rows = c.at[1], first_column = block_index().y * kColumns;
  const bool whole = c.at[2] != 0;
  prefetch_rows<Blocks>(product, block_index().x * rows, rows);
  wait_for_kernel_before(c);
  const uint32_t count = product.columns();
  if (first_column >= count) return;
  const uint32_t number = product.matrix_of(first_column);
  Address inputs[kColumns];
  for (uint32_t i = 0; i < kColumns; ++i) inputs[i] = product.input_of(min(first_column + i, count - 1), number);
  for (uint32_t r = warp(); r < rows; r += kFewThreads / 32) {
    const uint32_t row = block_index().x * rows + r;
    if (row >= p.rows) return;
    const uint32_t row_blocks = product.blocks_of_row<Blocks>(row, number);
    float sums[kColumns], sums_up[kColumns];
    row_sums<Blocks, kColumns>(product, product.open<Blocks>(0), row_blocks, inputs, whole, sums);
    for (uint32_t i = 0; i < kColumns; ++i) sums_up[i] = 0;
    if (product.weights() == 2)
      row_sums<Blocks, kColumns>(product, product.open<Blocks>(1), row_blocks, inputs, whole, sums_up);
    finish_row<kColumns>(product, first_column, count, number, row, sums, sums_up);
  }
}

}  // namespace hearth::cuda
