// matmul_tiles/FORMAT: what matmul/FORMAT makes, for many columns. Weights are decoded once for a tile, into shared
// memory; a thread makes 4 by 4 of it, rows from 4 * (thread % 16) on, columns from 4 * (thread / 16) on.
#pragma once

#include "kernels/cuda/tiles.h"

namespace hearth::cuda {

// sums[4 * i + j]: of the thread's row i and column j.
template <class Blocks>
HEARTH_DEVICE void float_products(const Product& product, const Matrix<Blocks>& matrix, const TileColumns& columns,
                                  bool whole, float sums[16]) {
  constexpr uint32_t kRowStride = kTileRows + 4, kColumnStride = kTileColumns + 4;  // apart in banks
  HEARTH_SHARED(float, kTileDepth* kRowStride, weight_tile);
  HEARTH_SHARED(float, kTileDepth* kColumnStride, input_tile);
  const uint32_t t = thread_index(), width = product.p.width;
  const uint32_t row_blocks =
      product.blocks_of_row<Blocks>(block_index().x * kTileRows + t % kTileRows, columns.matrix);
  const Address from = input_to_load(product, columns);
  for (uint32_t i = 0; i < 16; ++i) sums[i] = 0;
  for (uint32_t depth = 0; depth < width; depth += kTileDepth) {
    for (uint32_t piece = t / kTileRows; piece < kTileDepth / 8; piece += kTileThreads / kTileRows) {
      float values[8] = {};
      if (depth + piece * 8 < width) decode8(matrix, row_blocks, depth + piece * 8, width, whole, values);
      for (uint32_t i = 0; i < 8; ++i) weight_tile[(piece * 8 + i) * kRowStride + t % kTileRows] = values[i];
    }
    const uint32_t piece = t / kTileColumns;
    float x[8] = {};
    if (depth + piece * 8 < width) load8(from, depth + piece * 8, width, whole, x);
    for (uint32_t i = 0; i < 8; ++i) input_tile[(piece * 8 + i) * kColumnStride + t % kTileColumns] = x[i];
    sync_block();
    for (uint32_t k = 0; k < kTileDepth; ++k) {
      float w[4], in[4];
      for (uint32_t i = 0; i < 4; ++i) w[i] = weight_tile[k * kRowStride + t % 16 * 4 + i];
      for (uint32_t j = 0; j < 4; ++j) in[j] = input_tile[k * kColumnStride + t / 16 * 4 + j];
      for (uint32_t i = 0; i < 4; ++i)
        for (uint32_t j = 0; j < 4; ++j) sums[4 * i + j] = fma(w[i], in[j], sums[4 * i + j]);
    }
    sync_block();
  }
}

// Constant 0 is 1 where the inputs are whole.
template <class Blocks>
HEARTH_DEVICE void matmul_tiles(const gpu::MatmulParameters& p, const Constants& c) {
  const Product product(p);
  const TileColumns columns = columns_of_tile(product);
  if (columns.count == 0) return;
  float sums[16], sums_up[16] = {};
  float_products<Blocks>(product, product.open<Blocks>(0), columns, c.at[0] != 0, sums);
  if (product.weights() == 2) float_products<Blocks>(product, product.open<Blocks>(1), columns, c.at[0] != 0, sums_up);
  finish_tile(
      product, columns, sums, sums_up, [](uint32_t i) { return thread_index() % 16 * 4 + i / 4; },
      [](uint32_t i) { return thread_index() / 16 * 4 + i % 4; });
}

}  // namespace hearth::cuda
