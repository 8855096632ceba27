// byte_tiles/FORMAT: matmul_tiles/FORMAT of inputs that round_inputs has rounded, with products of bytes by matrix
// units. A warp makes 16 rows of the tile, as m16n8 fragments: of each 4 groups of 8 columns it has rows lane / 4 and 8
// behind it, columns 2 * (lane % 4) and the next.
#pragma once

#include "kernels/cuda/tiles.h"

namespace hearth::cuda {

// The sums of bytes of a word.
HEARTH_DEVICE int byte_sum(uint32_t bytes) { return dot_bytes(static_cast<int>(bytes), 0x01010101, 0); }

// sums[4 * n + i]: of column group n and number i of its fragment.
template <class Blocks>
HEARTH_DEVICE void byte_products(const Product& product, const Matrix<Blocks>& matrix, const TileColumns& columns,
                                 float sums[16]) {
  constexpr uint32_t kStride = kTileDepth / 4 + 4;  // words of a row: all rows of a fragment in banks of their own
  constexpr uint32_t kGroups = kTileDepth / Blocks::kScaleValues;
  HEARTH_SHARED(uint32_t, kTileRows * kStride, weight_tile);
  HEARTH_SHARED(uint32_t, kTileColumns * kStride, input_tile);
  HEARTH_SHARED(float, kGroups* kTileRows, scale_tile);
  HEARTH_SHARED(float, kGroups* kTileRows, less_tile);
  HEARTH_SHARED(float, kTileColumns, input_scales);
  HEARTH_SHARED(float, kTileColumns*(kTileDepth / 8), input_sums);  // of each 8 bytes, by the scale
  const uint32_t t = thread_index(), width = product.p.width;
  const uint32_t row = t % kTileRows, column = t % kTileColumns, piece = t / kTileColumns;
  const uint32_t row_blocks = product.blocks_of_row<Blocks>(block_index().x * kTileRows + row, columns.matrix);
  const Address from = input_to_load(product, columns);
  const uint32_t part = lane() % 4, own_row = warp() * 16 + lane() / 4;
  for (uint32_t i = 0; i < 16; ++i) sums[i] = 0;
  for (uint32_t depth = 0; depth < width; depth += kTileDepth) {
    for (uint32_t place = t / kTileRows * 8; place < kTileDepth; place += kTileThreads / kTileRows * 8) {
      const Piece weights = piece_at(matrix, row_blocks, depth + place);
      weight_tile[row * kStride + place / 4] = weights.q.x;
      weight_tile[row * kStride + place / 4 + 1] = weights.q.y;
      if (place % Blocks::kScaleValues != 0) continue;
      scale_tile[place / Blocks::kScaleValues * kTileRows + row] = weights.scale;
      if constexpr (Blocks::kHasLess) less_tile[place / Blocks::kScaleValues * kTileRows + row] = weights.less;
    }
    const Word2 q = read<Word2>(from + depth + piece * 8);
    const float scale = read<float>(from + width, depth / 32);
    input_tile[column * kStride + piece * 2] = q.x;
    input_tile[column * kStride + piece * 2 + 1] = q.y;
    if (piece == 0) input_scales[column] = scale;
    if constexpr (Blocks::kHasLess)
      input_sums[piece * kTileColumns + column] = scale * static_cast<float>(byte_sum(q.x) + byte_sum(q.y));
    sync_block();
    for (uint32_t g = 0; g < kGroups; ++g) {
      uint32_t a[4 / kGroups];
      for (uint32_t i = 0; i < 4 / kGroups; ++i)
        a[i] = weight_tile[(own_row + i % 2 * 8) * kStride + g * 4 + i / 2 * 4 + part];
      for (uint32_t n = 0; n < kTileColumns / 8; ++n) {
        const uint32_t at = (n * 8 + lane() / 4) * kStride + g * 4 + part;
        int dots[4] = {};
        if constexpr (kGroups == 1) {
          const uint32_t b[2] = {input_tile[at], input_tile[at + 4]};
          mma_m16n8k32_s8(dots, a, b);
        } else {
          const uint32_t b[1] = {input_tile[at]};
          mma_m16n8k16_s8(dots, a, b);
        }
        for (uint32_t i = 0; i < 4; ++i) {
          const uint32_t r = own_row + i / 2 * 8, c = n * 8 + part * 2 + i % 2;
          const float both = scale_tile[g * kTileRows + r] * input_scales[c];
          sums[4 * n + i] = fma(both, static_cast<float>(dots[i]), sums[4 * n + i]);
          if constexpr (Blocks::kHasLess) {
            float all = 0;
            for (uint32_t j = 0; j < Blocks::kScaleValues / 8; ++j)
              all += input_sums[(g * Blocks::kScaleValues / 8 + j) * kTileColumns + c];
            sums[4 * n + i] = fma(-less_tile[g * kTileRows + r], all, sums[4 * n + i]);
          }
        }
      }
    }
    sync_block();
  }
}

template <class Blocks>
HEARTH_DEVICE void byte_tiles(const gpu::MatmulParameters& p, const Constants&) {
  const Product product(p);
  const TileColumns columns = columns_of_tile(product);
  if (columns.count == 0) return;
  float sums[16], sums_up[16] = {};
  byte_products<Blocks>(product, product.open<Blocks>(0), columns, sums);
  if (product.weights() == 2) byte_products<Blocks>(product, product.open<Blocks>(1), columns, sums_up);
  finish_tile(
      product, columns, sums, sums_up, [](uint32_t i) { return warp() * 16 + lane() / 4 + i % 4 / 2 * 8; },
      [](uint32_t i) { return i / 4 * 8 + lane() % 4 * 2 + i % 2; });
}

}  // namespace hearth::cuda
