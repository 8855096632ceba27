// Several columns: as many rows as a tile vector has lanes are turned, and meet all columns group by group. Sums are
// those of the tiles of matmul.h, to the last bit.
#pragma once

#include "kernels/cpu/generic/ahead.h"
#include "kernels/cpu/generic/turned.h"
#include "kernels/cpu/table.h"

namespace hearth::cpu {
namespace {

// start + the widened sum of `steps` products of four values of every row and a column's.
template <class I, TileKind kind, uint32_t steps>
[[gnu::always_inline]] inline typename I::Tile sum_steps(typename I::Tile start, const typename I::Tile* w,
                                                         const int8_t* x) {
  if constexpr (I::chain(kind) == 0) {
    for (uint32_t step = 0; step < steps; ++step)
      start = I::template tile_dot<kind>(start, w[step], I::tile_splat(x + 4 * step));
  } else {
    constexpr uint32_t kChain = I::chain(kind) < steps ? I::chain(kind) : steps;
    for (uint32_t first = 0; first < steps; first += kChain) {
      auto products = I::template tile_products<kind>(w[first], I::tile_splat(x + 4 * first));
      for (uint32_t step = first + 1; step < first + kChain; ++step)
        products =
            I::tile_add_products(products, I::template tile_products<kind>(w[step], I::tile_splat(x + 4 * step)));
      start = I::tile_add_wide(start, I::tile_widen(products));
    }
  }
  return start;
}

// most: columns whose sums stay in registers, past the last one that one again; 0: as many as the task has, in memory.
template <class I, class Block, uint32_t most>
void some_columns(const Matmul& task) {
  using U = Unpack<I, Block>;
  constexpr uint32_t kLanes = I::kTileLanes, kColumns = most > 0 ? most : I::kSeveralColumns, kRun = kRunSteps<I, U>;
  const uint32_t columns = most > 0 ? most : task.columns;
  const Q8Unit* inputs[kColumns];
  for (uint32_t c = 0; c < columns; ++c)
    inputs[c] = static_cast<const Q8Unit*>(task.in[c < task.columns ? c : task.columns - 1]);
  UnitOfRows<I, U> rows;
  alignas(64) float scale[U::kGroups][kLanes], min[U::kGroups][kLanes];
  alignas(64) int32_t start[kColumns][U::kGroups] = {};
  alignas(64) float sums[kColumns][U::kGroups];
  for (uint32_t row = task.row_begin; row < task.row_end; row += kLanes) {
    const uint32_t count = task.row_end - row < kLanes ? task.row_end - row : kLanes;
    alignas(64) float acc[kColumns][kLanes] = {};
    RowsAhead<I, U> ahead(task, row);
    for (uint32_t unit = 0; unit < units(task.width); ++unit) {
      const auto at = rows.find(task, row, count, unit);
      ahead.begin(unit);
      turned_scales<I, U>(at, groups_of(task, unit), scale[0], min[0], kLanes);
      for (uint32_t c = 0; c < columns; ++c) {
        const Q8Unit& x = inputs[c][unit];
        if constexpr (kTakenAway<I, U> != 0) find_starts<I, U>(x, start[c]);
        if constexpr (U::kMin) find_sums<U>(x, sums[c]);
      }
      Unpack<Turned<I>, Block>::each_group(
          at, [&](int j, const typename Turned<I>::B32& q) __attribute__((always_inline)) {
            ahead.step();
            typename I::Tile w[8];
            for (uint32_t step = 0; step < 8; ++step) w[step] = operand<I, U>(q.t[step]);
            for (uint32_t c = 0; c < columns; ++c) {
              const Q8Unit& x = inputs[c][unit];
              const auto dx = I::tile_splat_float(x.scale[j]);
              auto sum = I::tile_load_float(acc[c]);
              for (uint32_t first = 0; first < 8; first += kRun) {
                const uint32_t g = scale_of<U>(static_cast<uint32_t>(j), first);
                const bool begins = first % kScaleSteps<U> == 0;
                const auto products = sum_steps<I, kOperand<I, U>, kRun>(I::tile_splat_int(begins ? start[c][g] : 0),
                                                                         w + first, x.q + 32 * j + 4 * first);
                sum = I::tile_fma(I::tile_mul(I::tile_to_float(products), I::tile_load_float(scale[g])), dx, sum);
                if constexpr (U::kMin)
                  if (begins) sum = I::tile_fnma(I::tile_load_float(min[g]), I::tile_splat_float(sums[c][g]), sum);
              }
              I::tile_store_float(acc[c], sum);
            }
          });
    }
    for (uint32_t c = 0; c < task.columns; ++c) __builtin_memcpy(task.out[c] + row, acc[c], count * sizeof(float));
  }
}

template <class I, class Block>
void several_columns(const Matmul& task) {
  if constexpr (I::kSeveralColumns == 4) {
    if (task.columns == 1) return some_columns<I, Block, 1>(task);
    if (task.columns == 2) return some_columns<I, Block, 2>(task);
    return some_columns<I, Block, 4>(task);
  } else {
    some_columns<I, Block, 0>(task);
  }
}

}  // namespace
}  // namespace hearth::cpu
