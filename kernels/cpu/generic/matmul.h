// Many columns: a tile of rows, two units deep, is unpacked into the first-level cache and meets all columns there.
//
// Tile layout: for each group of 32 values 8 steps, for each step 4 consecutive values of every row; so a vector holds
// 4 values of each of its rows, and one activation vector is 4 values of a column, repeated.
#pragma once

#include "kernels/cpu/generic/eight_rows.h"
#include "kernels/cpu/generic/unpack.h"
#include "kernels/cpu/table.h"

namespace hearth::cpu {
namespace {

template <class I>
constexpr uint32_t kTileRows = I::kTileLanes* I::kTileVectors;

template <class I, class U>
struct TileUnit {
  alignas(64) uint8_t q[8][8][kTileRows<I>][4];
  alignas(64) float scale[U::kGroups][kTileRows<I>];
  alignas(64) float minus_min[U::kGroups][kTileRows<I>];
};

// Unpacks one unit of `count` rows from `row` on (at most 8) to the lanes from `lane` on; absent rows become zeros.
template <class I, class U>
void fill_tile(TileUnit<I, U>& tile, const Matmul& task, uint32_t row, uint32_t count, uint32_t unit, uint32_t lane) {
  EightRows<U> rows;
  unpack_rows<I, U>(rows, task, row, count, kTileRows<I>, unit);
  typename I::B32 turned[8];
  for (uint32_t j = 0; j < 8; ++j) {
    for (uint32_t r = 0; r < 8; ++r) turned[r] = I::load32(rows.q[j][r]);
    I::transpose(turned);
    for (uint32_t step = 0; step < 8; ++step) I::store32(tile.q[j][step][lane], turned[step]);
  }
  for (uint32_t g = 0; g < U::kGroups; ++g) {
    I::store(tile.scale[g] + lane, I::load(rows.scale[g]));
    if constexpr (U::kMin) I::store(tile.minus_min[g] + lane, I::load(rows.minus_min[g]));
  }
}

// One unit of the tile times one unit of kTileColumns columns, added to acc[column][row].
template <class I, class U>
void multiply_tile(const TileUnit<I, U>& tile, const Q8Unit* const* x, float (*acc)[kTileRows<I>]) {
  constexpr uint32_t kVectors = I::kTileVectors, kColumns = I::kTileColumns, kLanes = I::kTileLanes;
  constexpr uint32_t kChain = I::chain(U::kTile);       // steps between two widenings; 0: never needed
  constexpr uint32_t kSteps = U::kGroups == 8 ? 8 : 4;  // steps of one scale
  constexpr uint32_t kRun = kChain >= 4 && kChain < kSteps ? kChain : kSteps;  // steps between two additions to acc
  using Tile = typename I::Tile;
  for (uint32_t j = 0; j < 8; ++j) {
    for (uint32_t first = 0; first < 8; first += kRun) {
      Tile sums[kVectors][kColumns];
      for (uint32_t step = 0; step < kRun; step += kChain == 2 ? 2 : 1) {
        Tile w[kVectors];
        for (uint32_t v = 0; v < kVectors; ++v) w[v] = I::tile_load(&tile.q[j][first + step][v * kLanes]);
        [[maybe_unused]] Tile w2[kVectors];
        if constexpr (kChain == 2)
          for (uint32_t v = 0; v < kVectors; ++v) w2[v] = I::tile_load(&tile.q[j][first + step + 1][v * kLanes]);
        for (uint32_t c = 0; c < kColumns; ++c) {
          const int8_t* values = x[c]->q + 32 * j + 4 * (first + step);
          const Tile four = I::tile_splat(values);
          if constexpr (kChain == 0) {
            for (uint32_t v = 0; v < kVectors; ++v)
              sums[v][c] = I::template tile_dot<U::kTile>(step == 0 ? I::tile_zero() : sums[v][c], w[v], four);
          } else if constexpr (kChain >= 4) {
            for (uint32_t v = 0; v < kVectors; ++v) {
              const Tile products = I::template tile_products<U::kTile>(w[v], four);
              sums[v][c] = step == 0 ? products : I::tile_add_products(sums[v][c], products);
            }
          } else {
            [[maybe_unused]] Tile next = four;
            if constexpr (kChain == 2) next = I::tile_splat(values + 4);
            for (uint32_t v = 0; v < kVectors; ++v) {
              Tile products = I::template tile_products<U::kTile>(w[v], four);
              if constexpr (kChain == 2)
                products = I::tile_add_products(products, I::template tile_products<U::kTile>(w2[v], next));
              const Tile wide = I::tile_widen(products);
              sums[v][c] = step == 0 ? wide : I::tile_add_wide(sums[v][c], wide);
            }
          }
        }
        // Keeps the steps apart: mixed, they need more registers than there are.
        if constexpr (kChain >= 4)
          for (auto& of_vector : sums)
            for (auto& sum : of_vector) I::opaque(sum);
      }
      const uint32_t g = U::kGroups == 8 ? j : 2 * j + first / 4;
      for (uint32_t c = 0; c < kColumns; ++c) {
        const auto dx = I::tile_splat_float(x[c]->scale[j]);
        for (uint32_t v = 0; v < kVectors; ++v) {
          Tile wide = sums[v][c];
          if constexpr (kChain >= 4) wide = I::tile_widen(wide);
          float* out = acc[c] + v * kLanes;
          auto sum = I::tile_load_float(out);
          sum =
              I::tile_fma(I::tile_mul(I::tile_to_float(wide), I::tile_load_float(tile.scale[g] + v * kLanes)), dx, sum);
          if constexpr (U::kMin) {
            if (U::kGroups == 16 || first + kRun == 8)
              sum = I::tile_fma(I::tile_load_float(tile.minus_min[g] + v * kLanes),
                                I::tile_splat_float(U::kGroups == 8 ? x[c]->sum[j] : x[c]->half_sum[g]), sum);
          }
          I::tile_store_float(out, sum);
        }
      }
    }
  }
}

template <class I, class Block>
void many_columns(const Matmul& task) noexcept {
  if constexpr (I::kSeveralColumns > 0)
    if (task.columns <= I::kSeveralColumns) return several_columns<I, Block>(task);
  using U = Unpack<I, Block>;
  constexpr uint32_t kRows = kTileRows<I>, kColumns = I::kTileColumns, kDepth = 2;
  const uint32_t all_units = units(task.width);
  TileUnit<I, U> tile[kDepth];
  for (uint32_t row = task.row_begin; row < task.row_end; row += kRows) {
    const uint32_t rows = task.row_end - row < kRows ? task.row_end - row : kRows;
    for (uint32_t unit = 0; unit < all_units; unit += kDepth) {
      const uint32_t depth = all_units - unit < kDepth ? all_units - unit : kDepth;
      for (uint32_t d = 0; d < depth; ++d)
        for (uint32_t r = 0; r < kRows; r += 8)
          fill_tile<I, U>(tile[d], task, row + r, rows <= r ? 0 : (rows - r < 8 ? rows - r : 8), unit + d, r);
      for (uint32_t column = 0; column < task.columns; column += kColumns) {
        const uint32_t columns = task.columns - column < kColumns ? task.columns - column : kColumns;
        alignas(64) float acc[kColumns][kRows] = {};
        const Q8Unit* x[kColumns];  // past the end, the last column again
        for (uint32_t c = 0; c < kColumns; ++c) {
          const uint32_t from = column + (c < columns ? c : columns - 1);
          x[c] = static_cast<const Q8Unit*>(task.in[from]) + unit;
          if (unit > 0) __builtin_memcpy(acc[c], task.out[from] + row, rows * sizeof(float));
        }
        for (uint32_t d = 0; d < depth; ++d) {
          multiply_tile<I, U>(tile[d], x, acc);
          for (auto& of_column : x) ++of_column;
        }
        for (uint32_t c = 0; c < columns; ++c)
          __builtin_memcpy(task.out[column + c] + row, acc[c], rows * sizeof(float));
      }
    }
  }
}

}  // namespace
}  // namespace hearth::cpu
