// bfloat_tiles/FORMAT: byte_tiles/FORMAT of inputs that are bfloat16 numbers, for so many columns that a weight is
// worth decoding to one. A block makes 128 columns of 128 rows, or of 64 rows of two weights; a warp 16 rows of one
// weight. Weights go from planes to the fragments of matrix units in registers, inputs through shared memory.
//
// Of each 32 values along the width a lane decodes 8 neighbours of its two rows: lane % 4 says which. Products take
// them in another order than they lie in, both sides the same: of step s (16 values) a lane has values 4s to 4s + 3,
// where the fragment's layout names 2t, 2t + 1, 2t + 8, 2t + 9.
#pragma once

#include "kernels/cuda/matmul.h"
#include "kernels/gpu/parameters.h"

namespace hearth::cuda {

constexpr uint32_t kBfloatThreads = 256, kBfloatStages = 4;
constexpr uint32_t kBfloatColumns = gpu::kBfloatTile, kBfloatRows = gpu::kBfloatTile;
constexpr uint32_t kSumsStride = kBfloatRows + 4;  // of a column: what a warp writes at once is in banks of its own
constexpr uint32_t kSumsColumns = 64;              // that are finished at once
static_assert(kBfloatStages * kBfloatColumns * 64 <= gpu::kBfloatTilesShared &&
              kSumsColumns * kSumsStride * sizeof(float) <= gpu::kBfloatTilesShared);

// Values i and i + 1 as a pair of bfloat16 numbers.
template <class Blocks>
HEARTH_DEVICE uint32_t bfloat_pair(const Piece& piece, uint32_t i) {
  const float less = Blocks::kHasLess ? piece.less : 0.0f;
  return pack_bfloats(fma(piece.scale, quantum(piece, i), -less), fma(piece.scale, quantum(piece, i + 1), -less));
}

// Begins the thread's part of a copy to a stage, [column][4] words of 16 bytes: half of 32 values of a column.
HEARTH_DEVICE void copy_inputs(Address from, Shared<Word4> stage) {
  const Shared<Word4> to = stage + 2 * thread_index();
  copy_async_16(to, global<const Word4>(from));
  copy_async_16(to + 1, global<const Word4>(from + 16));
}

// sums[n][i]: of number i of the fragment of columns 8n to 8n + 7.
template <class Blocks>
HEARTH_DEVICE void bfloat_products(const Product& product, uint32_t which, uint32_t row, uint32_t first_column,
                                   uint32_t count, Shared<Word4> stages, float (&sums)[kBfloatColumns / 8][4]) {
  constexpr uint32_t kStage = kBfloatColumns * 4;
  const uint32_t width = product.p.width, part = lane() % 4;
  const Matrix<Blocks> matrix = product.open<Blocks>(which);
  const uint32_t low_blocks = product.blocks_of_row<Blocks>(row, block_index().z);
  const uint32_t high_blocks = product.blocks_of_row<Blocks>(row + 8, block_index().z);
  const uint32_t column = min(first_column + thread_index() / 2, count - 1);
  const Address from = product.input_of(column, block_index().z) + thread_index() % 2 * 32;
  for (uint32_t stage = 0; stage + 1 < kBfloatStages; ++stage) {
    if (stage * 32 < width) copy_inputs(from + 64ull * stage, stages + stage * kStage);
    commit_copies();
  }
  Piece low = piece_at(matrix, low_blocks, part * 8), high = piece_at(matrix, high_blocks, part * 8);
  for (uint32_t unit = 0; unit < width / 32; ++unit) {
    wait_copies<kBfloatStages - 2>();
    sync_block();  // all have what was copied, and are done with the stage that is overwritten next
    const uint32_t next = unit + kBfloatStages - 1;
    if (next * 32 < width) copy_inputs(from + 64ull * next, stages + next % kBfloatStages * kStage);
    commit_copies();
    uint32_t a[2][4];
#pragma unroll
    for (uint32_t s = 0; s < 2; ++s) {
      a[s][0] = bfloat_pair<Blocks>(low, 4 * s);
      a[s][1] = bfloat_pair<Blocks>(high, 4 * s);
      a[s][2] = bfloat_pair<Blocks>(low, 4 * s + 2);
      a[s][3] = bfloat_pair<Blocks>(high, 4 * s + 2);
    }
    const uint32_t then = min(unit + 1, width / 32 - 1) * 32 + part * 8;
    low = piece_at(matrix, low_blocks, then);
    high = piece_at(matrix, high_blocks, then);
    const Shared<Word4> inputs = stages + (unit % kBfloatStages * kStage + lane());
#pragma unroll
    for (uint32_t n = 0; n < kBfloatColumns / 8; ++n) {
      const Word4 x = inputs[n * 32];
      mma_m16n8k16_bf16(sums[n], a[0], {x.x, x.y});
      mma_m16n8k16_bf16(sums[n], a[1], {x.z, x.w});
    }
  }
  wait_copies<0>();
}

template <class Blocks>
HEARTH_DEVICE void bfloat_tiles(const gpu::MatmulParameters& p, const Constants&) {
  HEARTH_DYNAMIC_SHARED(Word4, stages);
  const Product product(p);
  const uint32_t count = product.columns(), first_column = block_index().y * kBfloatColumns;
  if (first_column >= count) return;
  const uint32_t rows = kBfloatRows / product.weights();
  const uint32_t own_row = warp() * 16 + lane() / 4;  // of 128: behind the rows of one weight those of the other
  float sums[kBfloatColumns / 8][4] = {};
  bfloat_products<Blocks>(product, own_row / rows, block_index().x * rows + own_row % rows, first_column, count, stages,
                          sums);
  const Shared<float> tile = cast<float>(stages);
#pragma unroll
  for (uint32_t begin = 0; begin < kBfloatColumns; begin += kSumsColumns) {
    sync_block();
#pragma unroll
    for (uint32_t n = 0; n < kSumsColumns / 8; ++n)
#pragma unroll
      for (uint32_t i = 0; i < 4; ++i)
        tile[(n * 8 + lane() % 4 * 2 + i % 2) * kSumsStride + own_row + i / 2 * 8] = sums[begin / 8 + n][i];
    sync_block();
    for (uint32_t i = thread_index(); i < rows * kSumsColumns; i += kBfloatThreads) {
      const uint32_t column = i / rows, row = i % rows;
      if (first_column + begin + column >= count || block_index().x * rows + row >= p.rows) continue;
      const float sum = tile[column * kSumsStride + row];
      const float sum_up = tile[column * kSumsStride + row + kBfloatRows - rows];
      product.finish(first_column + begin + column, block_index().z, block_index().x * rows + row, sum, sum_up);
    }
  }
}

}  // namespace hearth::cuda
