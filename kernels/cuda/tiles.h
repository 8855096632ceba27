// What products in tiles share: which tile a block makes. A tile has 64 rows and 32 columns.
#pragma once

#include "kernels/cuda/expert_tiles.h"
#include "kernels/cuda/matmul.h"

namespace hearth::cuda {

constexpr uint32_t kTileRows = 64, kTileDepth = 32, kTileThreads = 128;

// The tile's columns are `count` from `begin` on: of the batch, or of the list of pairs.
struct TileColumns {
  uint32_t begin, count, matrix;
};

// Without columns where there is no such tile.
HEARTH_DEVICE TileColumns columns_of_tile(const Product& product) {
  TileColumns columns{0, 0, block_index().z};
  if (product.routed()) {
    const auto tiles = global<const uint32_t>(product.p.add);
    const uint32_t tile = kExpertTiles + 3 * block_index().y;
    if (block_index().y < tiles[0]) {
      columns.matrix = tiles[tile];
      columns.begin = tiles[tile + 1];
      columns.count = tiles[tile + 2];
    }
  } else {
    const uint32_t count = product.rows_of_batch();
    columns.begin = block_index().y * kTileColumns;
    if (columns.begin < count) columns.count = min(kTileColumns, count - columns.begin);
  }
  return columns;
}

HEARTH_DEVICE uint32_t column_of(const Product& product, const TileColumns& columns, uint32_t i) {
  if (!product.routed()) return columns.begin + i;
  const uint32_t list =
      kExpertTiles + 3 * gpu::most_tiles(product.rows_of_batch() * product.used(), product.matrices());
  return read<uint32_t>(product.p.add, list + columns.begin + i);
}

// The column whose input a thread loads begins there.
HEARTH_DEVICE Address input_to_load(const Product& product, const TileColumns& columns) {
  const uint32_t column = min(thread_index() % kTileColumns, columns.count - 1);
  return product.input_of(column_of(product, columns, column), columns.matrix);
}

// What becomes of a tile's sums, of which a thread has 16: number i is of row row_of(i) and column column_of_sum(i).
// They pass through shared memory, as what is indexed at run time would lie in memory else.
template <class RowOf, class ColumnOf>
HEARTH_DEVICE void finish_tile(const Product& product, const TileColumns& columns, const float sums[16],
                               const float sums_up[16], RowOf&& row_of, ColumnOf&& column_of_sum) {
  constexpr uint32_t kStride = kTileRows + 4, kColumns = kTileColumns / 4;  // at once, to leave memory to other blocks
  HEARTH_SHARED(float, kColumns* kStride, tile);
  HEARTH_SHARED(float, kColumns* kStride, tile_up);
  for (uint32_t begin = 0; begin < columns.count; begin += kColumns) {
#pragma unroll
    for (uint32_t i = 0; i < 16; ++i) {
      const uint32_t column = column_of_sum(i) - begin;
      if (column >= kColumns) continue;
      tile[column * kStride + row_of(i)] = sums[i];
      tile_up[column * kStride + row_of(i)] = sums_up[i];
    }
    sync_block();
    for (uint32_t i = thread_index(); i < kTileRows * min(kColumns, columns.count - begin); i += kTileThreads) {
      const uint32_t column = begin + i / kTileRows, row = block_index().x * kTileRows + i % kTileRows;
      const float sum = tile[i / kTileRows * kStride + i % kTileRows];
      const float sum_up = tile_up[i / kTileRows * kStride + i % kTileRows];
      if (row < product.p.rows) product.finish(column_of(product, columns, column), columns.matrix, row, sum, sum_up);
    }
    sync_block();
  }
}

}  // namespace hearth::cuda
