// byte_columns/FORMAT: byte_tiles/FORMAT for few columns, where weights are what takes the time: all of a block's are
// loaded straight to the registers of the lanes that multiply by them, a chunk ahead, and many warps share the depth.
//
// A warp makes kTiles tiles of 16 rows of kColumns columns, of every kDepthWarps-th chunk of 256 values; kRowWarps of
// them lie below one another. Inputs go through shared memory in stages of kDepthWarps chunks. What the warps of a row
// have is added in a fixed order, which is another one for other shapes. Rows of rounded inputs are multiples of 64.
#pragma once

#include "kernels/cuda/byte_weights.h"
#include "kernels/cuda/matmul.h"
#include "kernels/gpu/column_shapes.h"

namespace hearth::cuda {

template <class Blocks, uint32_t columns, bool tall>
struct ColumnsShape {
  using Weights = ByteWeights<Blocks>;
  static constexpr gpu::ColumnsShape kShape = gpu::columns_shape(columns, tall, Weights::kWide);
  static constexpr uint32_t kColumns = columns, kTiles = kShape.tiles, kRowWarps = kShape.row_warps;
  static constexpr uint32_t kDepthWarps = kShape.depth_warps, kThreads = kShape.threads(), kRows = kShape.rows();
  static constexpr uint32_t kStages = gpu::kColumnsStages;
  // A stage: bytes [column], then scales as pairs of groups [chunk][pair][column], then sums [chunk][column][16].
  static constexpr uint32_t kColumnBytes = kDepthWarps * kChunk + (Weights::kSplit ? 16 : 32);  // banks of its own
  static constexpr uint32_t kScalesAt = columns * kColumnBytes, kSumsAt = kScalesAt + columns * kDepthWarps * 32;
  static constexpr uint32_t kStageBytes = kSumsAt + (Weights::kHasMins ? columns * kDepthWarps * 64 : 0);
  static constexpr uint32_t kSumsStride = kRows + 4;
  static_assert(kStageBytes * kStages <= kShape.shared_bytes());
  static_assert(kDepthWarps * columns * kSumsStride * 4 <= kShape.shared_bytes());
  static_assert(kShape.shared_bytes() <= gpu::kColumnsMostShared && kTiles * kRowWarps % 2 == 0);
};

// Begins the copies of a stage whose first value is number `first`; what lies behind the width is 0.
template <class Shape>
HEARTH_DEVICE void copy_stage(Shared<const Address> inputs, uint32_t width, uint32_t first, Shared<uint8_t> stage) {
  constexpr uint32_t kBytePieces = Shape::kDepthWarps * 16, kScalePieces = Shape::kDepthWarps * 4;
#pragma unroll
  for (uint32_t i = thread_index(); i < Shape::kColumns * kBytePieces; i += Shape::kThreads) {
    const uint32_t column = i / kBytePieces, piece = i % kBytePieces, at = first + piece * 16;
    const Address from = inputs[column];
    copy_async_16(stage + (column * Shape::kColumnBytes + piece * 16),
                  global<const uint8_t>(from + min(at, width - 16)), at < width ? 16 : 0);
  }
#pragma unroll
  for (uint32_t i = thread_index(); i < Shape::kColumns * kScalePieces; i += Shape::kThreads) {
    const uint32_t column = i / kScalePieces, pair = i % kScalePieces, at = first + pair * 64;
    const Address from = inputs[column];
    copy_async_8(stage + (Shape::kScalesAt + (pair * Shape::kColumns + column) * 8),
                 global<const uint8_t>(from + width + min(at, width - 64) / 8), at < width ? 8 : 0);
    if constexpr (Shape::Weights::kHasMins)
      copy_async_16(stage + (Shape::kSumsAt + ((pair / 4 * Shape::kColumns + column) * 4 + pair % 4) * 16),
                    global<const uint8_t>(from + width + width / 8 + min(at, width - 64) / 4), at < width ? 16 : 0);
  }
}

// The float behind 1.5 * 2^23 is a whole number as it stands in its low bits.
constexpr int kWholeBits = 0x4b400000;
constexpr float kWhole = 12582912.0f;
// Sums are made in this unit, so that the product of 1.5 * 2^23 and an input's scale is a number.
constexpr float kSumsUnit = 0x1p-23f;

template <class Shape>
using ColumnSums = float[Shape::kTiles][Shape::kColumns / 8][4];

// What a part of a chunk adds to the sums. `bytes` are the lane's column of the part; `scales` its columns' of the
// part's first pair of groups.
template <class Shape, class Scales, class Quants>
HEARTH_DEVICE void add_part(const Scales (&of)[Shape::kTiles], const Quants (&quants)[Shape::kTiles], uint32_t part,
                            Shared<const uint8_t> bytes, Shared<const uint8_t> scales, ColumnSums<Shape>& sums) {
  using Weights = typename Shape::Weights;
  constexpr uint32_t kGroups = Weights::kGroups, kHalves = Weights::kScales;
  uint32_t a[Shape::kTiles][kGroups][4];
#pragma unroll
  for (uint32_t t = 0; t < Shape::kTiles; ++t) Weights::words(quants[t], of[t], part, a[t]);
#pragma unroll
  for (uint32_t pair = 0; pair < kGroups / 2; ++pair) {
    float unit[Shape::kTiles][2][kHalves][2];
#pragma unroll
    for (uint32_t t = 0; t < Shape::kTiles; ++t)
#pragma unroll
      for (uint32_t j = 0; j < 2; ++j)
#pragma unroll
        for (uint32_t h = 0; h < kHalves; ++h)
#pragma unroll
          for (uint32_t r = 0; r < 2; ++r)
            unit[t][j][h][r] = Weights::scale(of[t], r, part * kGroups + pair * 2 + j, h);
#pragma unroll
    for (uint32_t n = 0; n < Shape::kColumns / 8; ++n) {
      // Of the fragment's two columns, both groups of each.
      const Word4 both = *cast<const Word4>(scales + (pair * Shape::kColumns + n * 8) * 8);
#pragma unroll
      for (uint32_t j = 0; j < 2; ++j) {
        const float first = float_of(j == 0 ? both.x : both.y) * kSumsUnit,
                    second = float_of(j == 0 ? both.z : both.w) * kSumsUnit;
        const float scale[2] = {first, second}, less[2] = {-kWhole * first, -kWhole * second};
        const Shared<const uint8_t> from = bytes + (n * 8 * Shape::kColumnBytes + (pair * 2 + j) * 32);
        uint32_t b[2];
        if constexpr (Weights::kSplit) {
          b[0] = *cast<const uint32_t>(from);
          b[1] = *cast<const uint32_t>(from + 16);
        } else {
          const Word2 two = *cast<const Word2>(from);
          b[0] = two.x;
          b[1] = two.y;
        }
#pragma unroll
        for (uint32_t t = 0; t < Shape::kTiles; ++t) {
          const uint32_t(&words)[4] = a[t][pair * 2 + j];
#pragma unroll
          for (uint32_t h = 0; h < kHalves; ++h) {
            int dots[4] = {kWholeBits, kWholeBits, kWholeBits, kWholeBits};
            if constexpr (kHalves == 1) {
              mma_m16n8k32_s8(dots, words, b);
            } else {
              const uint32_t half[2] = {words[2 * h], words[2 * h + 1]}, b_half[1] = {b[h]};
              mma_m16n8k16_s8(dots, half, b_half);
            }
#pragma unroll
            for (uint32_t i = 0; i < 4; ++i)
              sums[t][n][i] =
                  fma(unit[t][j][h][i / 2], fma(float_of(static_cast<uint32_t>(dots[i])), scale[i % 2], less[i % 2]),
                      sums[t][n][i]);
          }
        }
      }
    }
  }
}

// Two numbers as pairs of bfloat16 numbers: `high`, and what those leave of them.
struct SplitPair {
  uint32_t high, rest;
};
HEARTH_DEVICE SplitPair split_pair(float first, float second) {
  const uint32_t high = pack_bfloats(first, second);
  return {high, pack_bfloats(first - low_bfloat(high), second - high_bfloat(high))};
}

// Takes off the mins of a chunk times the sums of inputs, as products of bfloat16 numbers: mins are exact as such, and
// sums are the sum of two of them to 16 bits. `input_sums` are the lane's column's, of each 16 from 64 * (lane % 4) on.
template <class Shape, class Scales>
HEARTH_DEVICE void add_mins(const Scales (&of)[Shape::kTiles], Shared<const uint8_t> input_sums,
                            ColumnSums<Shape>& sums) {
  using Weights = typename Shape::Weights;
#pragma unroll
  for (uint32_t n = 0; n < Shape::kColumns / 8; ++n) {
    const Word4 four = *cast<const Word4>(input_sums + n * 8 * 64);
    const SplitPair pair = split_pair(float_of(four.x) + float_of(four.y), float_of(four.z) + float_of(four.w));
#pragma unroll
    for (uint32_t t = 0; t < Shape::kTiles; ++t) {
      float all[4] = {};
      const uint32_t low = Weights::two_mins(of[t], 0), up = Weights::two_mins(of[t], 1);
      mma_m16n8k16_bf16(all, {low, up, low, up}, {pair.high, pair.rest});
#pragma unroll
      for (uint32_t i = 0; i < 4; ++i) sums[t][n][i] = fma(-of[t].min_unit[i / 2] * kSumsUnit, all[i], sums[t][n][i]);
    }
  }
}

// Dispatch [ceil(rows / (kRows / weights)), ceil(columns / kColumns), matrices]. `block`: of those along x.
template <class Blocks, class Shape>
HEARTH_DEVICE void byte_columns(const gpu::MatmulParameters& p, const Constants& c, uint32_t block = block_index().x) {
  using Weights = typename Shape::Weights;
  using Quants = typename Weights::Quants;
  using Coded = typename Weights::Coded;
  using Scales = typename Weights::Scales;
  constexpr uint32_t kDepthWarps = Shape::kDepthWarps, kTiles = Shape::kTiles, kColumns = Shape::kColumns;
  HEARTH_DYNAMIC_SHARED(uint8_t, shared);
  HEARTH_SHARED(Address, kColumns, inputs);
  const Product product(p);
  const uint32_t width = p.width, row_warp = warp() / kDepthWarps, number = block_index().z;
  const uint32_t depth_warp = warp() % kDepthWarps, chunks = (width + kChunk - 1) / kChunk;
  const uint32_t blocks = width / Blocks::kBlockSize;
  const bool two = product.weights() == 2;
  const uint32_t rows = two ? Shape::kRows / 2 : Shape::kRows, first_row = block * rows;
  // Tiles that follow one another are of either weight in turn, if there are two.
  Matrix<Blocks> matrix[kTiles];
  uint32_t row_blocks[kTiles][2];
#pragma unroll
  for (uint32_t t = 0; t < kTiles; ++t) {
    const uint32_t tile = row_warp * kTiles + t, row = first_row + (two ? tile / 2 : tile) * 16 + lane() / 4;
    matrix[t] = product.open<Blocks>(two ? tile % 2 : 0);
    row_blocks[t][0] = product.blocks_of_row<Blocks>(row, number);
    row_blocks[t][1] = product.blocks_of_row<Blocks>(row + 8, number);
  }
  Quants quants[Weights::kParts][kTiles];
  Coded coded[kTiles];
  if (depth_warp < chunks) {
#pragma unroll
    for (uint32_t t = 0; t < kTiles; ++t) {
      Weights::load(coded[t], matrix[t], row_blocks[t], depth_warp, blocks);
#pragma unroll
      for (uint32_t part = 0; part < Weights::kParts; ++part)
        Weights::load(quants[part][t], matrix[t], row_blocks[t], depth_warp, part, blocks);
    }
  }
  wait_for_kernel_before(c);
  const uint32_t first_column = block_index().y * kColumns, all = product.rows_of_batch();
  if (first_column >= all) return;
  const uint32_t count = min(kColumns, all - first_column);
  if (thread_index() < kColumns)
    inputs[thread_index()] = product.input_of(first_column + min(thread_index(), count - 1), number);
  sync_block();
  const uint32_t steps = (chunks + kDepthWarps - 1) / kDepthWarps;
#pragma unroll
  for (uint32_t step = 0; step + 1 < Shape::kStages; ++step) {
    if (step < steps) copy_stage<Shape>(inputs, width, step * kDepthWarps * kChunk, shared + step * Shape::kStageBytes);
    commit_copies();
  }
  ColumnSums<Shape> sums = {};
  const uint32_t byte_place =
      lane() / 4 * Shape::kColumnBytes + depth_warp * kChunk + (Weights::kSplit ? split_word() * 4 : lane() % 4 * 8);
  const uint32_t scale_place = Shape::kScalesAt + (depth_warp * 4 * kColumns + lane() % 4 * 2) * 8;
  const uint32_t sum_place = Shape::kSumsAt + ((depth_warp * kColumns + lane() / 4) * 4 + lane() % 4) * 16;
  for (uint32_t step = 0; step < steps; ++step) {
    wait_copies<Shape::kStages - 2>();
    sync_block();  // all have what was copied, and are done with the stage that is overwritten next
    const uint32_t next = step + Shape::kStages - 1;
    if (next < steps)
      copy_stage<Shape>(inputs, width, next * kDepthWarps * kChunk,
                        shared + next % Shape::kStages * Shape::kStageBytes);
    commit_copies();
    const uint32_t chunk = step * kDepthWarps + depth_warp, then = chunk + kDepthWarps;
    if (chunk >= chunks) continue;
    const Shared<const uint8_t> stage = shared + step % Shape::kStages * Shape::kStageBytes;
    Scales scales[kTiles];
#pragma unroll
    for (uint32_t t = 0; t < kTiles; ++t) {
      Weights::decode(coded[t], scales[t]);
      if (then < chunks) Weights::load(coded[t], matrix[t], row_blocks[t], then, blocks);
    }
#pragma unroll
    for (uint32_t part = 0; part < Weights::kParts; ++part) {
      add_part<Shape>(scales, quants[part], part, stage + (byte_place + part * Weights::kGroups * 32),
                      stage + (scale_place + part * Weights::kGroups * kColumns * 4), sums);
      if (then < chunks) {
#pragma unroll
        for (uint32_t t = 0; t < kTiles; ++t)
          Weights::load(quants[part][t], matrix[t], row_blocks[t], then, part, blocks);
      }
    }
    if constexpr (Weights::kHasMins) add_mins<Shape>(scales, stage + sum_place, sums);
  }
  wait_copies<0>();
  sync_block();
  // [warp of the depth][column][row of the block]
  const Shared<float> made = cast<float>(shared);
#pragma unroll
  for (uint32_t t = 0; t < kTiles; ++t)
#pragma unroll
    for (uint32_t n = 0; n < kColumns / 8; ++n)
#pragma unroll
      for (uint32_t i = 0; i < 4; ++i) {
        const uint32_t column = n * 8 + lane() % 4 * 2 + i % 2;
        const uint32_t row = (row_warp * kTiles + t) * 16 + lane() / 4 + i / 2 * 8;
        made[(depth_warp * kColumns + column) * Shape::kSumsStride + row] = sums[t][n][i];
      }
  sync_block();
  for (uint32_t i = thread_index(); i < rows * count; i += Shape::kThreads) {
    const uint32_t column = i / rows, r = i % rows;
    const uint32_t at = column * Shape::kSumsStride + (two ? r / 16 * 32 + r % 16 : r);
    float sum = 0, sum_up = 0;
#pragma unroll
    for (uint32_t d = 0; d < kDepthWarps; ++d) {
      sum += made[d * kColumns * Shape::kSumsStride + at];
      if (two) sum_up += made[d * kColumns * Shape::kSumsStride + at + 16];
    }
    if (first_row + r < p.rows) {
      const float large = 1 / kSumsUnit;
      product.finish(first_column + column, number, first_row + r, sum * large, sum_up * large);
    }
  }
}

}  // namespace hearth::cuda
