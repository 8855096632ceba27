// Few columns: every row of weights is streamed once, and each of its units meets all columns while it is unpacked.
#pragma once

#include "kernels/cpu/generic/unpack.h"
#include "kernels/cpu/table.h"

namespace hearth::cpu {
namespace {

// Adds a unit of one row times `columns` units of activations to acc. The lanes of acc are partial sums in any order.
template <class I, class U, uint32_t columns>
[[gnu::always_inline]] inline void dot_unit(const std::byte* weights, const Q8Unit* const* x, typename I::F8* acc) {
  alignas(32) float s[U::kGroups], m[U::kGroups];
  U::scales(weights, s, m);
  alignas(32) float scale[columns][U::kGroups];
  for (uint32_t c = 0; c < columns; ++c) {
    const auto dx = I::load(x[c]->scale);
    if constexpr (U::kGroups == 8) {
      I::store(scale[c], I::mul(I::load(s), dx));
      if constexpr (U::kMin) acc[c] = I::sub(acc[c], I::mul(I::load(m), I::load(x[c]->sum)));
    } else {
      I::store(scale[c], I::mul(I::load(s), I::twice_low(dx)));
      I::store(scale[c] + 8, I::mul(I::load(s + 8), I::twice_high(dx)));
      if constexpr (U::kMin) {
        acc[c] = I::sub(acc[c], I::mul(I::load(m), I::load(x[c]->half_sum)));
        acc[c] = I::sub(acc[c], I::mul(I::load(m + 8), I::load(x[c]->half_sum + 8)));
      }
    }
  }
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
          acc[c] = I::fma(products, factor, acc[c]);
        }
      });
}

template <class I, class U, uint32_t rows, uint32_t columns>
void dot_rows(const Matmul& task, uint32_t row, uint32_t first_column) {
  typename I::F8 acc[rows][columns];
  for (auto& of_row : acc)
    for (auto& one : of_row) one = I::zero();
  const std::byte* weights = task.weights + row * task.row_bytes;
  const auto run = [&](uint32_t u, const std::byte* p, uint32_t r) __attribute__((always_inline)) {
    const Q8Unit* x[columns];
    for (uint32_t c = 0; c < columns; ++c) x[c] = static_cast<const Q8Unit*>(task.in[first_column + c]) + u;
    dot_unit<I, U, columns>(p, x, acc[r]);
  };
  const uint32_t whole = task.width / kUnit;
  for (uint32_t u = 0; u < whole; ++u)
    for (uint32_t r = 0; r < rows; ++r) {
      const std::byte* p = weights + r * task.row_bytes + u * kUnitBytes<U>;
      I::prefetch(p + 512);
      I::prefetch(p + 576);
      if constexpr (kUnitBytes < U >> 128) I::prefetch(p + 640);
      if constexpr (kUnitBytes < U >> 192) I::prefetch(p + 704);
      run(u, p, r);
    }
  for (uint32_t r = 0; r < rows && whole * kUnit < task.width; ++r)
    each_unit<U>(
        weights + r * task.row_bytes, task.width, whole,
        whole + 1, [&](uint32_t u, const std::byte* p) __attribute__((always_inline)) { run(u, p, r); });
  for (uint32_t r = 0; r < rows; ++r)
    for (uint32_t c = 0; c < columns; ++c) task.out[first_column + c][row + r] = I::sum(acc[r][c]);
}

template <class I, class U, uint32_t rows>
void dot_columns(const Matmul& task, uint32_t row) {
  uint32_t c = 0;
  for (; c + 4 <= task.columns; c += 4)
    for (uint32_t r = 0; r < rows; ++r) dot_rows<I, U, 1, 4>(task, row + r, c);
  for (; c + 2 <= task.columns; c += 2)
    for (uint32_t r = 0; r < rows; ++r) dot_rows<I, U, 1, 2>(task, row + r, c);
  for (; c < task.columns; ++c) dot_rows<I, U, rows, 1>(task, row, c);
}

template <class I, class Block>
void few_columns(const Matmul& task) noexcept {
  using U = Unpack<I, Block>;
  uint32_t row = task.row_begin;
  for (; row + 4 <= task.row_end; row += 4) dot_columns<I, U, 4>(task, row);
  for (; row < task.row_end; ++row) dot_columns<I, U, 1>(task, row);
}

}  // namespace
}  // namespace hearth::cpu
