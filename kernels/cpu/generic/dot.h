// Few columns: every row of weights is streamed once, and each of its units meets all columns while it is unpacked.
#pragma once

#include "kernels/cpu/generic/unpack.h"
#include "kernels/cpu/table.h"

namespace hearth::cpu {
namespace {

// Partial sums of one row and column. Two chains, since an addition takes several cycles.
template <class I>
struct Sums {
  typename I::F8 chain[2];
};

// Multiplies the scales of a unit of weights by those of the activations of each column, and takes its minima from
// sums.
template <class I, class U, uint32_t columns>
[[gnu::always_inline]] inline void scale_unit(const std::byte* weights, const Q8Unit* const* x,
                                              float (*scale)[U::kGroups], Sums<I>* sums) {
  constexpr bool kSubtracts = U::kMin || U::kOffset != 0;
  alignas(32) float s[U::kGroups], m[U::kGroups];
  U::scales(weights, s, m);
  if constexpr (U::kOffset != 0)
    for (uint32_t g = 0; g < U::kGroups; g += 8)
      I::store(m + g, I::mul(I::load(s + g), I::splat(static_cast<float>(U::kOffset))));
  for (uint32_t c = 0; c < columns; ++c) {
    const auto dx = I::load(x[c]->scale);
    auto* chain = sums[c].chain;
    if constexpr (U::kGroups == 8) {
      I::store(scale[c], I::mul(I::load(s), dx));
      if constexpr (kSubtracts) chain[0] = I::sub(chain[0], I::mul(I::load(m), I::load(x[c]->sum)));
    } else {
      const typename I::F8 twice[2] = {I::twice_low(dx), I::twice_high(dx)};
      for (uint32_t h = 0; h < 2; ++h) {
        I::store(scale[c] + 8 * h, I::mul(I::load(s + 8 * h), twice[h]));
        if constexpr (kSubtracts)
          chain[h] = I::sub(chain[h], I::mul(I::load(m + 8 * h), I::mul(I::load_i16(x[c]->half + 8 * h), twice[h])));
      }
    }
  }
}

// Adds a unit of one row times a unit of each column to sums. The lanes are parts of the sum in any order.
template <class I, class U, uint32_t columns>
[[gnu::always_inline]] inline void dot_unit(const std::byte* weights, const Q8Unit* const* x,
                                            const float (*scale)[U::kGroups], Sums<I>* sums) {
  U::each_group(
      weights, [&](int j, typename I::B32 q) __attribute__((always_inline)) {
        for (uint32_t c = 0; c < columns; ++c) {
          const auto activations = I::load32(x[c]->q + 32 * j);
          typename I::F8 products;
          if constexpr (U::kTile == TileKind::s8) {
            products = I::dot_s8(q, activations);
          } else {
            products = I::dot_u8(q, activations);
          }
          const auto factor = U::kGroups == 8 ? I::splat(scale[c][j]) : I::splat_pair(&scale[c][2 * j % U::kGroups]);
          auto& sum = sums[c].chain[j % 2];
          sum = I::fma(products, factor, sum);
        }
      });
}

// Units are taken a few at a time, all their scales first: what waits for a scale would fill the processor's queues.
template <class I, class U, uint32_t columns>
void dot_row(const Matmul& task, uint32_t row, uint32_t first_column) {
  constexpr uint32_t kAhead = 3072;  // bytes; rows follow each other, so that this reaches into the next
  constexpr uint32_t kTogether = 4;
  Sums<I> sums[columns];
  for (auto& sum : sums) sum = {{I::zero(), I::zero()}};
  const Q8Unit* x[columns];
  for (uint32_t c = 0; c < columns; ++c) x[c] = static_cast<const Q8Unit*>(task.in[first_column + c]);
  const std::byte* weights = task.weights + row * task.row_bytes;
  alignas(32) float scale[kTogether][columns][U::kGroups];
  const auto run = [&](const std::byte* p, uint32_t count) __attribute__((always_inline)) {
    const Q8Unit* of_unit[columns];
    for (uint32_t u = 0; u < count; ++u) {
      for (uint32_t c = 0; c < columns; ++c) of_unit[c] = x[c] + u;
      scale_unit<I, U, columns>(p + u * kUnitBytes<U>, of_unit, scale[u], sums);
    }
    asm volatile("" : "+m"(scale));  // a splat from memory is a load, one from a register several shuffles
    for (uint32_t u = 0; u < count; ++u, p += kUnitBytes<U>) {
      for (uint32_t line = 0; line < kUnitBytes<U>; line += 64) I::prefetch(past(p, kAhead + line));
      dot_unit<I, U, columns>(p, x, scale[u], sums);
      for (auto& of_column : x) ++of_column;
    }
  };
  const uint32_t whole = task.width / kUnit;
  uint32_t unit = 0;
  if constexpr (U::kExpands) {
    Expanded expanded[kTogether];
    for (; unit < units(task.width); unit += kTogether) {
      const uint32_t left = units(task.width) - unit, count = left < kTogether ? left : kTogether;
      for (uint32_t u = 0; u < count; ++u) expand_unit(task, row, unit + u, expanded[u]);
      run(reinterpret_cast<const std::byte*>(expanded), count);
    }
  }
  for (; unit + kTogether <= whole; unit += kTogether) {
    run(weights, kTogether);
    weights += kTogether * kUnitBytes<U>;
  }
  if (unit < whole) run(weights, whole - unit);
  if (!U::kExpands && whole * kUnit < task.width) {
    std::byte padded[kUnitBytes<U>] = {};
    copy_unit<U>(task, row, whole, padded);
    run(padded, 1);
  }
  for (uint32_t c = 0; c < columns; ++c)
    task.out[first_column + c][row] = I::sum(I::add(sums[c].chain[0], sums[c].chain[1]));
}

template <class I, class Block>
void few_columns(const Matmul& task) noexcept {
  using U = Unpack<I, Block>;
  for (uint32_t row = task.row_begin; row < task.row_end; ++row) {
    uint32_t c = 0;
    for (; c + 4 <= task.columns; c += 4) dot_row<I, U, 4>(task, row, c);
    for (; c + 2 <= task.columns; c += 2) dot_row<I, U, 2>(task, row, c);
    for (; c < task.columns; ++c) dot_row<I, U, 1>(task, row, c);
  }
}

}  // namespace
}  // namespace hearth::cpu
