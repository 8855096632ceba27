// byte_matmul/FORMAT: matmul/FORMAT of inputs that round_inputs has rounded, with dot products of bytes. A block makes
// R rows of C columns, a warp one row at a time; a column's result does not depend on C, nor on other columns.
#pragma once

#include "kernels/cuda/formats/runs.h"
#include "kernels/cuda/matmul.h"

namespace hearth::cuda {

constexpr uint32_t kRoundedThreads = 128;

// What a run adds to the sum of an input, of which `scales` are those of each 32 values.
template <class Blocks>
HEARTH_DEVICE float with_run(const Run& run, Address input, Address scales, float sum) {
  const Word4 x = read<Word4>(input + run.offset);
  const float scale = read<float>(scales, run.offset / 32);
  const uint32_t q[4] = {run.q.x, run.q.y, run.q.z, run.q.w}, values[4] = {x.x, x.y, x.z, x.w};
  int dot = 0, all = 0;
  for (uint32_t i = 0; i < 4; ++i) {
    dot = dot_bytes(static_cast<int>(q[i]), static_cast<int>(values[i]), dot);
    if constexpr (Blocks::kHasLess) all = dot_bytes(0x01010101, static_cast<int>(values[i]), all);
  }
  sum = fma(run.scale * scale, static_cast<float>(dot), sum);
  if constexpr (Blocks::kHasLess) sum = fma(-run.less * scale, static_cast<float>(all), sum);
  return sum;
}

// The sums of one row of the opened weight, the same in all lanes.
template <class Blocks, uint32_t kColumns>
HEARTH_DEVICE void rounded_row_sums(const Product& product, const Matrix<Blocks>& matrix, uint32_t row_blocks,
                                    const Address inputs[kColumns], float sums[kColumns]) {
  const uint32_t width = product.p.width;
  for (uint32_t c = 0; c < kColumns; ++c) sums[c] = 0;
  for (uint32_t unit = lane(); unit < width / 32; unit += 32) {
    const Runs runs = runs_of(matrix, row_blocks, unit);
    for (uint32_t c = 0; c < kColumns; ++c) {
      sums[c] = with_run<Blocks>(runs.first, inputs[c], inputs[c] + width, sums[c]);
      sums[c] = with_run<Blocks>(runs.second, inputs[c], inputs[c] + width, sums[c]);
    }
  }
  for (uint32_t c = 0; c < kColumns; ++c) sums[c] = warp_sum(sums[c]);
}

// Constant 1: the rows of a block.
template <class Blocks, uint32_t kColumns>
HEARTH_DEVICE void byte_matmul(const gpu::MatmulParameters& p, const Constants& c) {
  const Product product(p);
  const uint32_t rows = c.at[1], first_column = block_index().y * kColumns;
  prefetch_rows<Blocks>(product, block_index().x * rows, rows);
  wait_for_kernel_before();
  const uint32_t count = product.columns();
  if (first_column >= count) return;
  const uint32_t number = product.matrix_of(first_column);
  Address inputs[kColumns];
  for (uint32_t i = 0; i < kColumns; ++i) inputs[i] = product.input_of(min(first_column + i, count - 1), number);
  for (uint32_t r = warp(); r < rows; r += kRoundedThreads / 32) {
    const uint32_t row = block_index().x * rows + r;
    if (row >= p.rows) return;
    const uint32_t row_blocks = product.blocks_of_row<Blocks>(row, number);
    float sums[kColumns], sums_up[kColumns];
    rounded_row_sums<Blocks, kColumns>(product, product.open<Blocks>(0), row_blocks, inputs, sums);
    for (uint32_t i = 0; i < kColumns; ++i) sums_up[i] = 0;
    if (product.weights() == 2)
      rounded_row_sums<Blocks, kColumns>(product, product.open<Blocks>(1), row_blocks, inputs, sums_up);
    finish_row<kColumns>(product, first_column, count, number, row, sums, sums_up);
  }
}

}  // namespace hearth::cuda
