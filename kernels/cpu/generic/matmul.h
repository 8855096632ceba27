// Many columns: a panel of tiles, each of some rows and a unit deep, is unpacked and meets all columns in the
// first-level cache, or just behind it where that is small.
//
// Tile layout: for each group of 32 values 8 steps, for each step 4 consecutive values of every row; so a vector holds
// 4 values of each of its rows, and one activation vector is 4 values of a column, repeated.
#pragma once

#include "kernels/cpu/generic/ahead.h"
#include "kernels/cpu/generic/pairs.h"
#include "kernels/cpu/generic/requantise.h"
#include "kernels/cpu/generic/several_columns.h"
#include "kernels/cpu/generic/turned.h"
#include "kernels/cpu/table.h"

namespace hearth::cpu {
namespace {

template <class I>
constexpr uint32_t kTileRows = I::kTileLanes* I::kTileVectors;
// A column that has been fetched meets all tiles of a panel.
template <class I>
constexpr uint32_t kPanelRows = I::kPanelTiles* kTileRows<I>;
// Of a tile that holds rows as U says.
template <class I, class U>
constexpr uint32_t kVectorsOf = [] {
  if constexpr (kPairsOfHalves<U>) return I::kPairVectors;
  return I::kTileVectors;
}();
template <class I, class U>
constexpr uint32_t kRowsOf = I::kTileLanes* kVectorsOf<I, U>;
// Whether sums are multiplied by a float of the weights at the end of a unit alone.
template <class U>
constexpr bool kScaledAtEnd = kOneScale<U> || kPairs<U>;

template <class I, class U>
struct TileUnit {
  alignas(64) uint8_t q[8][8][kRowsOf<I, U>][4];
  alignas(64) float scale[kScaledAtEnd<U> ? 1 : U::kGroups][kRowsOf<I, U>];
  alignas(64) float min[U::kMin && !kPairs<U> ? U::kGroups : 1][kRowsOf<I, U>];
  alignas(64) int16_t factors[kPairs<U> ? 8 : 1][kRowsOf<I, U>][2];
};

// Unpacks one unit of `count` rows from `row` on to the lanes from `lane` on; absent rows become zeros.
template <class I, class Block, class U>
void fill_tile(TileUnit<I, U>& tile, const Matmul& task, uint32_t row, uint32_t count, uint32_t unit, uint32_t lane,
               UnitsAhead<I, Unpack<I, Block>>& ahead) {
  UnitOfRows<I, Unpack<I, Block>> rows;
  const auto at = rows.find(task, row, count, unit);
  const auto store_groups = [&](auto&& of_step) __attribute__((always_inline)) {
    Unpack<Turned<I>, Block>::each_group(
        at, [&](int j, const typename Turned<I>::B32& q) __attribute__((always_inline)) {
          ahead.step();
          for (uint32_t step = 0; step < 8; ++step) I::tile_store(tile.q[j][step][lane], of_step(j, step, q.t[step]));
        });
  };
  if constexpr (kOneScale<U>) {
    const Requantiser<I, Unpack<I, Block>> requantise(at, groups_of(task, unit), tile.scale[0] + lane);
    store_groups([&](int j, uint32_t step, typename I::Tile q)
                     __attribute__((always_inline)) { return requantise(static_cast<uint32_t>(j), step, q); });
  } else {
    if constexpr (kPairs<U>)
      find_factors<I, typename U::Stored>(at, groups_of(task, unit), tile.factors[0] + lane, kRowsOf<I, U>,
                                          tile.scale[0] + lane);
    else
      turned_scales<I, U>(at, groups_of(task, unit), tile.scale[0] + lane, tile.min[0] + lane, kRowsOf<I, U>);
    store_groups([](int, uint32_t, typename I::Tile q) __attribute__((always_inline)) { return operand<I, U>(q); });
  }
}

// A unit of kTileColumns columns, and what their products start from (turned.h).
template <class I, class U>
struct ColumnsUnit {
  const Q8Unit* x[I::kTileColumns];
  alignas(64) int32_t start[I::kTileColumns][U::kGroups];
  alignas(64) float sum[I::kTileColumns][U::kGroups];
  alignas(64) int32_t high_total[I::kTileColumns][U::kGroups];  // in the high half of a word

  void meet(const Q8Unit* const* columns) {
    for (uint32_t c = 0; c < I::kTileColumns; ++c) {
      x[c] = columns[c];
      find_starts<I, U>(*x[c], start[c], kPairRounding<U>);
      if constexpr (U::kMin && kPairs<U>) {
        int32_t total[U::kGroups];  // a copy, as that could lie where the compiler writes
        __builtin_memcpy(total, x[c]->total, sizeof(total));
        for (uint32_t g = 0; g < U::kGroups; ++g) high_total[c][g] = total[g] * 0x10000;
      } else if constexpr (U::kMin) {
        find_sums<U>(*x[c], sum[c]);
      }
    }
  }
};

// Group j of a unit of the tile times that of kTileColumns columns, added to total.
template <class I, class U>
[[gnu::always_inline]] inline void multiply_group(const TileUnit<I, U>& tile, uint32_t j,
                                                  const ColumnsUnit<I, U>& columns,
                                                  typename I::TileFloat (*total)[I::kTileColumns]) {
  constexpr uint32_t kVectors = kVectorsOf<I, U>, kColumns = I::kTileColumns, kLanes = I::kTileLanes;
  constexpr TileKind kKind = kOperand<I, U>;
  constexpr uint32_t kChain = I::chain(kKind);  // steps between two widenings; 0: never needed
  constexpr uint32_t kRun = kRunSteps<I, U>;
  using Tile = typename I::Tile;
  for (uint32_t first = 0; first < 8; first += kRun) {
    const uint32_t g = scale_of<U>(j, first);
    const bool begins = first % kScaleSteps<U> == 0;
    Tile sums[kVectors][kColumns];
    if constexpr (kChain < 4)
      for (uint32_t c = 0; c < kColumns; ++c)
        for (uint32_t v = 0; v < kVectors; ++v) sums[v][c] = I::tile_splat_int(columns.start[c][g]);
    for (uint32_t step = 0; step < kRun; step += kChain == 2 ? 2 : 1) {
      Tile w[kVectors];
      for (uint32_t v = 0; v < kVectors; ++v) w[v] = I::tile_load(&tile.q[j][first + step][v * kLanes]);
      [[maybe_unused]] Tile w2[kVectors];
      if constexpr (kChain == 2)
        for (uint32_t v = 0; v < kVectors; ++v) w2[v] = I::tile_load(&tile.q[j][first + step + 1][v * kLanes]);
      for (uint32_t c = 0; c < kColumns; ++c) {
        const int8_t* values = columns.x[c]->q + 32 * j + 4 * (first + step);
        const Tile four = I::tile_splat(values);
        if constexpr (kChain == 0) {
          for (uint32_t v = 0; v < kVectors; ++v) sums[v][c] = I::template tile_dot<kKind>(sums[v][c], w[v], four);
        } else if constexpr (kChain >= 4) {
          for (uint32_t v = 0; v < kVectors; ++v) {
            const Tile products = I::template tile_products<kKind>(w[v], four);
            sums[v][c] = step == 0 ? products : I::tile_add_products(sums[v][c], products);
          }
        } else {
          [[maybe_unused]] Tile next = four;
          if constexpr (kChain == 2) next = I::tile_splat(values + 4);
          for (uint32_t v = 0; v < kVectors; ++v) {
            Tile products = I::template tile_products<kKind>(w[v], four);
            if constexpr (kChain == 2)
              products = I::tile_add_products(products, I::template tile_products<kKind>(w2[v], next));
            sums[v][c] = I::tile_add_wide(sums[v][c], I::tile_widen(products));
          }
        }
      }
      // Keeps the steps apart: mixed, they need more registers than there are.
      if constexpr (kChain >= 4)
        for (auto& of_vector : sums)
          for (auto& sum : of_vector) I::opaque(sum);
    }
    for (uint32_t c = 0; c < kColumns; ++c) {
      const auto dx = I::tile_splat_float(columns.x[c]->scale[j]);
      for (uint32_t v = 0; v < kVectors; ++v) {
        Tile wide = sums[v][c];
        if constexpr (kChain >= 4) {
          wide = I::tile_widen(wide);
          if constexpr (kTakenAway<I, U> != 0)
            if (begins) wide = I::tile_add_wide(wide, I::tile_splat_int(columns.start[c][g]));
        }
        auto& sum = total[v][c];
        auto product = I::tile_to_float(wide);
        if constexpr (!kOneScale<U>) product = I::tile_mul(product, I::tile_load_float(tile.scale[g] + v * kLanes));
        sum = I::tile_fma(product, dx, sum);
        if constexpr (U::kMin)
          if (begins)
            sum =
                I::tile_fnma(I::tile_load_float(tile.min[g] + v * kLanes), I::tile_splat_float(columns.sum[c][g]), sum);
      }
    }
  }
}

// The same in pairs, whose factors are whole numbers.
template <class I, class U>
[[gnu::always_inline]] inline void multiply_pairs(const TileUnit<I, U>& tile, uint32_t j,
                                                  const ColumnsUnit<I, U>& columns,
                                                  typename I::TileFloat (*total)[I::kTileColumns]) {
  constexpr uint32_t kVectors = kVectorsOf<I, U>, kColumns = I::kTileColumns, kLanes = I::kTileLanes;
  constexpr uint32_t kSums = U::kGroups / 8, kSteps = 8 / kSums;
  constexpr int kShift = kPairShift<U>;
  typename I::Tile sums[kSums][kVectors][kColumns];
  for (uint32_t half = 0; half < kSums; ++half)
    for (uint32_t c = 0; c < kColumns; ++c)
      for (uint32_t v = 0; v < kVectors; ++v) sums[half][v][c] = I::tile_splat_int(columns.start[c][kSums * j + half]);
  // Both halves in turn, since their sums do not wait for each other.
  for (uint32_t i = 0; i < 8; ++i) {
    const uint32_t half = i % kSums, step = half * kSteps + i / kSums;
    typename I::Tile w[kVectors];
    for (uint32_t v = 0; v < kVectors; ++v) w[v] = I::tile_load(&tile.q[j][step][v * kLanes]);
    for (uint32_t c = 0; c < kColumns; ++c) {
      const auto four = I::tile_splat(columns.x[c]->q + 32 * j + 4 * step);
      for (uint32_t v = 0; v < kVectors; ++v)
        sums[half][v][c] = I::template tile_dot<kOperand<I, U>>(sums[half][v][c], w[v], four);
    }
  }
  for (uint32_t c = 0; c < kColumns; ++c) {
    const auto dx = I::tile_splat_float(columns.x[c]->scale[j]);
    for (uint32_t v = 0; v < kVectors; ++v) {
      typename I::Tile pair;
      if constexpr (kSums == 2)
        pair = I::template tile_pair<kShift>(sums[0][v][c], sums[1][v][c]);
      else
        pair = I::template tile_pair_with<kShift>(sums[0][v][c], I::tile_splat_int(columns.high_total[c][j]));
      const auto product = I::tile_multiply_pairs(pair, I::tile_load(tile.factors[j][v * kLanes]));
      total[v][c] = I::tile_fma(I::tile_to_float(product), dx, total[v][c]);
    }
  }
}

// Asks for an eighth of a unit of the columns that come next.
template <class I>
[[gnu::always_inline]] inline void prefetch_columns(const Q8Unit* const* next, uint32_t part) {
  constexpr uint32_t kLines = sizeof(Q8Unit) / 64, kParts = 8;
  for (uint32_t i = part * I::kTileColumns * kLines / kParts; i < (part + 1) * I::kTileColumns * kLines / kParts; ++i)
    I::prefetch(reinterpret_cast<const std::byte*>(next[i / kLines]) + i % kLines * 64);
}

// A unit of a tile times that of kTileColumns columns, added to acc[column][row], from 0 on if it is the first. The
// sums go to out[column][row], or stay in acc where that is null. next: the columns to ask for meanwhile, or null.
template <class I, class U, class A>
void multiply_tile(const TileUnit<I, U>& tile, bool first_unit, const ColumnsUnit<I, U>& columns,
                   const Q8Unit* const* next, float (*acc)[kRowsOf<I, U>], float* const* out, A& ahead) {
  constexpr uint32_t kVectors = kVectorsOf<I, U>, kColumns = I::kTileColumns, kLanes = I::kTileLanes;
  typename I::TileFloat total[kVectors][kColumns];
  for (uint32_t c = 0; c < kColumns; ++c)
    for (uint32_t v = 0; v < kVectors; ++v)
      total[v][c] = first_unit || kScaledAtEnd<U> ? I::tile_splat_float(0) : I::tile_load_float(acc[c] + v * kLanes);
  for (uint32_t j = 0; j < 8; ++j) {
    ahead.step();
    if (next != nullptr) prefetch_columns<I>(next, j);
    if constexpr (kPairs<U>)
      multiply_pairs<I, U>(tile, j, columns, total);
    else
      multiply_group<I, U>(tile, j, columns, total);
  }
  for (uint32_t c = 0; c < kColumns; ++c)
    for (uint32_t v = 0; v < kVectors; ++v) {
      auto sum = total[v][c];
      if constexpr (kScaledAtEnd<U>)
        sum = I::tile_fma(sum, I::tile_load_float(tile.scale[0] + v * kLanes),
                          first_unit ? I::tile_splat_float(0) : I::tile_load_float(acc[c] + v * kLanes));
      I::tile_store_float((out == nullptr ? acc[c] : out[c]) + v * kLanes, sum);
    }
}

// U: how a tile holds the rows, as they are stored, requantised or in pairs.
template <class I, class Block, class U>
void multiply_panels(const Matmul& task) noexcept {
  constexpr uint32_t kRows = kRowsOf<I, U>, kColumns = I::kTileColumns, kLanes = I::kTileLanes;
  constexpr uint32_t kTiles = kPanelRows<I> / kRows;
  constexpr uint32_t kColumnsOfATile = 32;
  constexpr uint32_t kTogether = 512;  // columns whose sums wait here, since results lie far apart
  static_assert(kTogether % kColumns == 0);
  const uint32_t all_units = units(task.width);
  TileUnit<I, U> tiles[kTiles];
  alignas(64) float acc[kTiles][kTogether][kRows];
  for (uint32_t first = 0; first < task.columns; first += kTogether) {
    const uint32_t columns = task.columns - first < kTogether ? task.columns - first : kTogether;
    Matmul part = task;
    if (first + columns < task.columns) {  // then the same rows are read again
      part.next = task.weights + task.row_begin * task.row_bytes;
      part.next_row_bytes = task.row_bytes;
    }
    // Few columns stay in the first-level cache themselves, if a panel leaves them room.
    const bool few = columns <= kColumnsOfATile;
    const uint32_t panel = few ? kRows : kPanelRows<I>;
    for (uint32_t row = task.row_begin; row < task.row_end; row += panel) {
      const uint32_t rows = task.row_end - row < panel ? task.row_end - row : panel;
      const uint32_t count = (rows + kRows - 1) / kRows, whole = rows / kRows;  // tiles
      const uint32_t steps = kVectorsOf<I, U> + (columns + kColumns - 1) / kColumns;
      UnitsAhead<I, Unpack<I, Block>> ahead(part, row, panel, 8 * count * steps, few);
      for (uint32_t unit = 0; unit < all_units; ++unit) {
        ahead.begin(unit);
        for (uint32_t at = 0; at < count * kRows; at += kLanes)
          fill_tile<I, Block>(tiles[at / kRows], task, row + at,
                              at < rows ? (rows - at < kLanes ? rows - at : kLanes) : 0, unit, at % kRows, ahead);
        const auto find = [&](uint32_t column, const Q8Unit** x) {
          for (uint32_t c = column; c < column + kColumns; ++c)  // past the end, the last column again
            *x++ = static_cast<const Q8Unit*>(task.in[first + (c < columns ? c : columns - 1)]) +
                   size_t{unit} * task.unit_step;
        };
        ColumnsUnit<I, U> of_columns;
        const Q8Unit* next[kColumns];
        find(0, next);
        for (uint32_t column = 0; column < columns; column += kColumns) {
          of_columns.meet(next);
          find(column + kColumns, next);
          for (uint32_t t = 0; t < count; ++t) {
            float* out[kColumns];
            const bool done = unit + 1 == all_units && t < whole;
            for (uint32_t c = 0; done && c < kColumns; ++c)
              out[c] = task.out[first + (column + c < columns ? column + c : columns - 1)] + row + t * kRows;
            multiply_tile<I, U>(tiles[t], unit == 0, of_columns, t == 0 ? next : nullptr, acc[t] + column,
                                done ? out : nullptr, ahead);
          }
        }
      }
      for (uint32_t c = 0; c < columns && whole < count; ++c)
        __builtin_memcpy(task.out[first + c] + row + whole * kRows, acc[whole][c],
                         (rows - whole * kRows) * sizeof(float));
    }
  }
}

template <class I, class Block>
void many_columns(const Matmul& task) noexcept {
  if (task.columns <= I::kSeveralColumns) return several_columns<I, Block>(task);
  multiply_panels<I, Block, Unpack<I, Block>>(task);
}

}  // namespace
}  // namespace hearth::cpu
