// What linear attention needs: a short convolution along the rows, and the gated delta rule. Columns of its matrix do
// not depend on each other, so that a few of them stay in the first-level cache for all rows.
#pragma once

#include "kernels/cpu/table.h"

namespace hearth::cpu {
namespace {

template <class I>
void convolve(float* x, float* history, const float* kernel, uint32_t taps, uint32_t stride, uint32_t n) noexcept {
  const auto last = [&](uint32_t i) { return kernel + size_t{taps - 1} * stride + i; };
  uint32_t i = 0;
  for (; i + 8 <= n; i += 8) {
    const auto now = I::load(x + i);
    auto sum = I::mul(now, I::load(last(i)));
    for (uint32_t j = 0; j + 1 < taps; ++j) {
      float* place = history + size_t{j} * stride + i;
      sum = I::fma(I::load(place), I::load(kernel + size_t{j} * stride + i), sum);
      I::store(place, j + 2 < taps ? I::load(place + stride) : now);
    }
    I::store(x + i, sum);
  }
  for (; i < n; ++i) {
    const float now = x[i];
    float sum = now * *last(i);
    for (uint32_t j = 0; j + 1 < taps; ++j) {
      float* place = history + size_t{j} * stride + i;
      sum += *place * kernel[size_t{j} * stride + i];
      *place = j + 2 < taps ? place[stride] : now;
    }
    x[i] = sum;
  }
}

// The rule for 8 * vectors columns from `first` on.
template <class I, uint32_t vectors>
void delta_columns(const DeltaRows& rows, uint32_t first) {
  using F8 = typename I::F8;
  for (uint32_t r = 0; r < rows.count; ++r) {
    const float* k = rows.k + r * rows.key_stride;
    const float* q = rows.q + r * rows.key_stride;
    const float *v = rows.v + r * rows.value_stride + first, decay = rows.decay[r * rows.head_stride];
    const F8 keep = I::splat(decay), beta = I::splat(rows.beta[r * rows.head_stride]);
    F8 known[vectors], change[vectors], sum[vectors];
    for (uint32_t n = 0; n < vectors; ++n) known[n] = sum[n] = I::zero();
    for (uint32_t i = 0; i < rows.key_size; ++i) {
      const float* state = rows.state + size_t{i} * rows.value_size + first;
      for (uint32_t n = 0; n < vectors; ++n) known[n] = I::fma(I::splat(k[i]), I::load(state + 8 * n), known[n]);
    }
    for (uint32_t n = 0; n < vectors; ++n) change[n] = I::mul(beta, I::sub(I::load(v + 8 * n), I::mul(keep, known[n])));
    for (uint32_t i = 0; i < rows.key_size; ++i) {
      float* state = rows.state + size_t{i} * rows.value_size + first;
      for (uint32_t n = 0; n < vectors; ++n) {
        const F8 now = I::fma(I::splat(k[i]), change[n], I::mul(keep, I::load(state + 8 * n)));
        I::store(state + 8 * n, now);
        sum[n] = I::fma(I::splat(q[i]), now, sum[n]);
      }
    }
    float* out = rows.out + r * rows.out_stride + first;
    for (uint32_t n = 0; n < vectors; ++n) I::store(out + 8 * n, sum[n]);
  }
}

inline void delta_column(const DeltaRows& rows, uint32_t column) {
  for (uint32_t r = 0; r < rows.count; ++r) {
    const float* k = rows.k + r * rows.key_stride;
    const float* q = rows.q + r * rows.key_stride;
    const float keep = rows.decay[r * rows.head_stride];
    float known = 0, sum = 0;
    for (uint32_t i = 0; i < rows.key_size; ++i) known += k[i] * rows.state[size_t{i} * rows.value_size + column];
    const float change = rows.beta[r * rows.head_stride] * (rows.v[r * rows.value_stride + column] - keep * known);
    for (uint32_t i = 0; i < rows.key_size; ++i) {
      float& state = rows.state[size_t{i} * rows.value_size + column];
      state = keep * state + k[i] * change;
      sum += q[i] * state;
    }
    rows.out[r * rows.out_stride + column] = sum;
  }
}

template <class I>
void delta_rule(const DeltaRows& rows) noexcept {
  uint32_t column = 0;
  for (; column + 16 <= rows.value_size; column += 16) delta_columns<I, 2>(rows, column);
  for (; column + 8 <= rows.value_size; column += 8) delta_columns<I, 1>(rows, column);
  for (; column < rows.value_size; ++column) delta_column(rows, column);
}

}  // namespace
}  // namespace hearth::cpu
