// Weights that are floats of 32 or 16 bits: activations stay float, sums are kept in 8 lanes and added at the end.
#pragma once

#include "kernels/cpu/table.h"
#include "quant/blocks.h"

namespace hearth::cpu {
namespace {

template <class I, class Block>
struct FloatWeights;
template <class I>
struct FloatWeights<I, BlockF32> {
  static auto load(const std::byte* p) { return I::load(reinterpret_cast<const float*>(p)); }
};
template <class I>
struct FloatWeights<I, BlockF16> {
  static auto load(const std::byte* p) { return I::load_f16(p); }
};
template <class I>
struct FloatWeights<I, BlockBF16> {
  static auto load(const std::byte* p) { return I::load_bf16(p); }
};

template <class I, class Block, uint32_t rows, uint32_t columns>
void float_dots(const Matmul& task, uint32_t row, uint32_t column) {
  typename I::F8 acc[rows][columns];
  for (auto& of_row : acc)
    for (auto& one : of_row) one = I::zero();
  const std::byte* w[rows];
  const float* x[columns];
  for (uint32_t r = 0; r < rows; ++r) w[r] = task.weights + (row + r) * task.row_bytes;
  for (uint32_t c = 0; c < columns; ++c) x[c] = static_cast<const float*>(task.in[column + c]);
  const auto step = [&](auto&& weights, auto&& activations) __attribute__((always_inline)) {
    typename I::F8 values[rows];
    for (uint32_t r = 0; r < rows; ++r) values[r] = weights(r);
    for (uint32_t c = 0; c < columns; ++c) {
      const auto activation = activations(c);
      for (uint32_t r = 0; r < rows; ++r) acc[r][c] = I::fma(values[r], activation, acc[r][c]);
    }
  };
  uint32_t i = 0;
  for (; i + 8 <= task.width; i += 8)
    step(
        [&](uint32_t r)
            __attribute__((always_inline)) { return FloatWeights<I, Block>::load(w[r] + i * sizeof(Block)); },
        [&](uint32_t c) __attribute__((always_inline)) { return I::load(x[c] + i); });
  if (i < task.width) {  // the rest, completed by zeros
    std::byte last_w[rows][8 * sizeof(Block)] = {};
    float last_x[columns][8] = {};
    for (uint32_t r = 0; r < rows; ++r)
      __builtin_memcpy(last_w[r], w[r] + i * sizeof(Block), (task.width - i) * sizeof(Block));
    for (uint32_t c = 0; c < columns; ++c) __builtin_memcpy(last_x[c], x[c] + i, (task.width - i) * sizeof(float));
    step([&](uint32_t r) { return FloatWeights<I, Block>::load(last_w[r]); },
         [&](uint32_t c) { return I::load(last_x[c]); });
  }
  for (uint32_t r = 0; r < rows; ++r)
    for (uint32_t c = 0; c < columns; ++c) task.out[column + c][row + r] = I::sum(acc[r][c]);
}

template <class I, class Block, uint32_t columns>
void float_columns(const Matmul& task, uint32_t row_begin, uint32_t row_end, uint32_t column) {
  constexpr uint32_t kRows = columns == 1 ? 4 : 2;
  uint32_t row = row_begin;
  for (; row + kRows <= row_end; row += kRows) float_dots<I, Block, kRows, columns>(task, row, column);
  for (; row < row_end; ++row) float_dots<I, Block, 1, columns>(task, row, column);
}

template <class I, class Block>
void float_matmul(const Matmul& task) noexcept {
  constexpr uint32_t kRows = 16;  // that stay in the second-level cache while the columns pass
  for (uint32_t row = task.row_begin; row < task.row_end; row += kRows) {
    const uint32_t end = task.row_end - row < kRows ? task.row_end : row + kRows;
    uint32_t column = 0;
    for (; column + 4 <= task.columns; column += 4) float_columns<I, Block, 4>(task, row, end, column);
    for (; column < task.columns; ++column) float_columns<I, Block, 1>(task, row, end, column);
  }
}

}  // namespace
}  // namespace hearth::cpu
