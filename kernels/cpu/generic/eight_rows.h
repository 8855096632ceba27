// Several columns: eight rows are unpacked at a time, and each of their groups is turned in registers and meets all
// columns there. Sums are those of the tiles of matmul.h, to the last bit.
#pragma once

#include "kernels/cpu/generic/dot.h"
#include "kernels/cpu/generic/unpack.h"
#include "kernels/cpu/table.h"

namespace hearth::cpu {
namespace {

// A unit of eight rows.
template <class U>
struct EightRows {
  alignas(64) uint8_t q[8][8][32];         // [group][row][value]
  alignas(64) float scale[U::kGroups][8];  // [group][row]
  alignas(64) float minus_min[U::kGroups][8];
};

// What lies where the unit of eight rows that will be unpacked `ahead` units later begins. The rows below these eight
// follow when a row's units are done.
inline const std::byte* later(const Matmul& task, uint32_t row, uint32_t below, uint32_t unit, uint32_t ahead,
                              size_t unit_bytes) {
  const uint32_t all = units(task.width);
  unit += ahead;
  for (; unit >= all; unit -= all) row += below;
  return static_cast<const std::byte*>(past(task.weights, row * task.row_bytes + unit * unit_bytes));
}

// Unpacks one unit of `count` rows from `row` on (at most 8); absent rows become zeros. `below` rows further down is
// what is unpacked next at the end of these rows.
template <class I, class U>
void unpack_rows(EightRows<U>& rows, const Matmul& task, uint32_t row, uint32_t count, uint32_t below, uint32_t unit) {
  constexpr uint32_t kAhead = 4;  // units
  alignas(64) float s[8][16] = {}, m[8][16] = {};
  if (count < 8) __builtin_memset(rows.q, 0, sizeof(rows.q));
  const size_t stored = stored_bytes<U>(task);
  const std::byte* next = later(task, row, below, unit, kAhead, stored);
  for (uint32_t r = 0; r < count; ++r)
    each_unit<U>(task, row + r, unit, unit + 1, [&](uint32_t, const std::byte* p) {
      for (uint32_t line = 0; line < stored; line += 64) I::prefetch(past(next, r * task.row_bytes + line));
      U::scales(p, s[r], m[r]);
      U::each_group(p, [&](int j, typename I::B32 values) { I::store32(rows.q[j][r], values); });
    });
  typename I::B32 turned[8];
  for (uint32_t g = 0; g < U::kGroups; g += 8) {
    for (uint32_t r = 0; r < 8; ++r) turned[r] = I::load32(s[r] + g);
    I::transpose(turned);
    for (uint32_t i = 0; i < 8; ++i) I::store32(rows.scale[g + i], turned[i]);
    if constexpr (U::kMin) {
      for (uint32_t r = 0; r < 8; ++r) {
        I::store(m[r] + g, I::sub(I::zero(), I::load(m[r] + g)));
        turned[r] = I::load32(m[r] + g);
      }
      I::transpose(turned);
      for (uint32_t i = 0; i < 8; ++i) I::store32(rows.minus_min[g + i], turned[i]);
    }
  }
}

// The widened sum of `steps` products of four values of eight rows and a column's.
template <class I, TileKind kind, uint32_t steps>
[[gnu::always_inline]] inline typename I::Tile sum_steps(const typename I::Tile* w, const int8_t* x) {
  constexpr uint32_t kChain = I::chain(kind) < steps ? I::chain(kind) : steps;
  typename I::Tile sum;
  for (uint32_t first = 0; first < steps; first += kChain) {
    auto products = I::template tile_products<kind>(w[first], I::tile_splat(x + 4 * first));
    for (uint32_t step = first + 1; step < first + kChain; ++step)
      products = I::tile_add_products(products, I::template tile_products<kind>(w[step], I::tile_splat(x + 4 * step)));
    products = I::tile_widen(products);
    sum = first == 0 ? products : I::tile_add_wide(sum, products);
  }
  return sum;
}

// A unit of eight rows times one of each column, added to acc[column][row].
template <class I, class U>
void multiply_rows(const EightRows<U>& rows, const void* const* in, uint32_t columns, uint32_t unit, float (*acc)[8]) {
  constexpr uint32_t kSteps = U::kGroups == 8 ? 8 : 4;  // of one scale
  constexpr uint32_t kChain = I::chain(U::kTile);
  constexpr uint32_t kRun = kChain >= 4 && kChain < kSteps ? kChain : kSteps;  // steps between two additions to acc
  for (uint32_t j = 0; j < 8; ++j) {
    typename I::Tile w[8];
    for (uint32_t r = 0; r < 8; ++r) w[r] = I::tile_load(rows.q[j][r]);
    I::transpose(w);
    for (uint32_t c = 0; c < columns; ++c) {
      const Q8Unit& x = static_cast<const Q8Unit*>(in[c])[unit];
      const auto dx = I::tile_splat_float(x.scale[j]);
      auto sum = I::tile_load_float(acc[c]);
      for (uint32_t first = 0; first < 8; first += kRun) {
        const uint32_t g = U::kGroups == 8 ? j : 2 * j + first / 4;
        const auto wide = sum_steps<I, U::kTile, kRun>(w + first, x.q + 32 * j + 4 * first);
        sum = I::tile_fma(I::tile_mul(I::tile_to_float(wide), I::tile_load_float(rows.scale[g])), dx, sum);
        if constexpr (U::kMin) {
          if (U::kGroups == 16 || first + kRun == 8)
            sum = I::tile_fma(I::tile_load_float(rows.minus_min[g]),
                              I::tile_splat_float(U::kGroups == 8 ? x.sum[j] : x.half_sum[g]), sum);
        }
      }
      I::tile_store_float(acc[c], sum);
    }
  }
}

template <class I, class Block>
void several_columns(const Matmul& task) noexcept {
  using U = Unpack<I, Block>;
  EightRows<U> rows;
  for (uint32_t row = task.row_begin; row < task.row_end; row += 8) {
    const uint32_t count = task.row_end - row < 8 ? task.row_end - row : 8;
    alignas(64) float acc[I::kSeveralColumns][8] = {};
    for (uint32_t unit = 0; unit < units(task.width); ++unit) {
      unpack_rows<I, U>(rows, task, row, count, 8, unit);
      multiply_rows<I, U>(rows, task.in, task.columns, unit, acc);
    }
    for (uint32_t c = 0; c < task.columns; ++c) __builtin_memcpy(task.out[c] + row, acc[c], count * sizeof(float));
  }
}

}  // namespace
}  // namespace hearth::cpu
