// Loops over one row of activations: exponential, norm, activation, rotation, rounding to 8 bits.
#pragma once

#include "kernels/cpu/table.h"

namespace hearth::cpu {
namespace {

// exp(x) within 3e-7 relative for -87 <= x <= 88; arguments outside are taken as the nearest bound. x = n ln 2 + r with
// |r| <= ln 2 / 2, exp(r) by its series to r^7, whose next term is below 6e-9.
template <class I>
typename I::F8 exponential(typename I::F8 x) {
  x = I::min(I::splat(88.0f), I::max(I::splat(-87.0f), x));
  const auto n = I::round(I::mul(x, I::splat(1.44269504f)));
  auto r = I::fma(n, I::splat(-0.693359375f), x);  // ln 2 in two parts, the first exact in few bits
  r = I::fma(n, I::splat(2.12194440e-4f), r);
  auto p = I::splat(1.0f / 5040);
  for (const float coefficient : {1.0f / 720, 1.0f / 120, 1.0f / 24, 1.0f / 6, 0.5f, 1.0f, 1.0f})
    p = I::fma(p, r, I::splat(coefficient));
  return I::mul(p, I::power_of_two(n));
}

// Calls f(values, count) on 8 floats of a and b at a time, the rest completed by zeros; f's result goes to out.
template <class I, class F>
void map(const float* a, const float* b, float* out, uint32_t n, F&& f) {
  uint32_t i = 0;
  for (; i + 8 <= n; i += 8) I::store(out + i, f(I::load(a + i), I::load(b + i)));
  if (i == n) return;
  float rest_a[8] = {}, rest_b[8] = {};
  __builtin_memcpy(rest_a, a + i, (n - i) * sizeof(float));
  __builtin_memcpy(rest_b, b + i, (n - i) * sizeof(float));
  I::store(rest_a, f(I::load(rest_a), I::load(rest_b)));
  __builtin_memcpy(out + i, rest_a, (n - i) * sizeof(float));
}

template <class I>
void rms_norm(const float* x, const float* gain, float eps, uint32_t n, float* out) noexcept {
  using F8 = typename I::F8;
  F8 squares[4] = {I::zero(), I::zero(), I::zero(), I::zero()};
  uint32_t i = 0;
  for (; i + 32 <= n; i += 32)
    for (uint32_t k = 0; k < 4; ++k) {
      const F8 v = I::load(x + i + 8 * k);
      squares[k] = I::fma(v, v, squares[k]);
    }
  float sum = I::sum(I::add(I::add(squares[0], squares[1]), I::add(squares[2], squares[3])));
  for (; i < n; ++i) sum += x[i] * x[i];
  const F8 scale = I::splat(1 / __builtin_sqrtf(sum / static_cast<float>(n) + eps));
  map<I>(x, gain, out, n, [&](F8 v, F8 g) { return I::mul(I::mul(v, scale), g); });
}

template <class I>
void layer_norm(const float* x, const float* gain, const float* bias, float eps, uint32_t n, float* out) noexcept {
  using F8 = typename I::F8;
  const auto sum_of = [&](auto&& f) {
    F8 sums = I::zero();
    uint32_t i = 0;
    for (; i + 8 <= n; i += 8) sums = I::add(sums, f(I::load(x + i)));
    float rest[8] = {};
    for (uint32_t k = 0; i + k < n; ++k) rest[k] = x[i + k];
    F8 last = f(I::load(rest));
    I::store(rest, last);
    float sum = I::sum(sums);
    for (uint32_t k = 0; i + k < n; ++k) sum += rest[k];
    return sum;
  };
  const float mean = sum_of([](F8 v) { return v; }) / static_cast<float>(n);
  const F8 center = I::splat(mean);
  const float squares = sum_of([&](F8 v) {
    const F8 apart = I::sub(v, center);
    return I::mul(apart, apart);
  });
  const F8 factor = I::splat(1 / __builtin_sqrtf(squares / static_cast<float>(n) + eps));
  map<I>(x, gain, out, n, [&](F8 v, F8 g) { return I::mul(I::mul(I::sub(v, center), factor), g); });
  if (bias != nullptr) map<I>(out, bias, out, n, [](F8 v, F8 b) { return I::add(v, b); });
}

// x / (1 + exp(-t)), t being taken as at least -87: the result is 0 but for x * 1e-38.
template <class I>
typename I::F8 times_sigmoid(typename I::F8 x, typename I::F8 t) {
  return I::div(x, I::add(I::splat(1.0f), exponential<I>(I::sub(I::zero(), t))));
}

template <class I>
typename I::F8 silu_of(typename I::F8 x) {
  x = I::max(I::splat(-87.0f), x);
  return times_sigmoid<I>(x, x);
}

// 2 sqrt(2 / pi) = 1.5957691
template <class I>
typename I::F8 gelu_of(typename I::F8 x) {
  x = I::max(I::splat(-1e10f), x);
  const auto bend = I::fma(I::mul(x, x), I::splat(0.044715f), I::splat(1.0f));
  return times_sigmoid<I>(x, I::mul(I::mul(x, bend), I::splat(1.5957691216f)));
}

template <class I>
void silu_multiply(float* gate, const float* up, uint32_t n) noexcept {
  using F8 = typename I::F8;
  map<I>(gate, up, gate, n, [](F8 g, F8 u) { return I::mul(silu_of<I>(g), u); });
}

template <class I>
void gelu_multiply(float* gate, const float* up, uint32_t n) noexcept {
  using F8 = typename I::F8;
  map<I>(gate, up, gate, n, [](F8 g, F8 u) { return I::mul(gelu_of<I>(g), u); });
}

template <class I>
void clamped_multiply(float* gate, const float* up, uint32_t n) noexcept {
  using F8 = typename I::F8;
  map<I>(gate, up, gate, n, [](F8 g, F8 u) {
    const F8 bound = I::splat(7.0f);
    g = I::max(I::splat(-1e10f), I::min(bound, g));
    u = I::max(I::splat(-7.0f), I::min(bound, u));
    return I::mul(times_sigmoid<I>(g, I::mul(g, I::splat(1.702f))), I::add(u, I::splat(1.0f)));
  });
}

template <class I>
void sigmoid_multiply(float* gate, const float* up, uint32_t n) noexcept {
  using F8 = typename I::F8;
  map<I>(gate, up, gate, n, [](F8 g, F8 u) { return times_sigmoid<I>(u, g); });
}

template <class I>
void silu(float* x, uint32_t n) noexcept {
  map<I>(x, x, x, n, [](typename I::F8 v, typename I::F8) { return silu_of<I>(v); });
}

template <class I>
void gelu(float* x, uint32_t n) noexcept {
  map<I>(x, x, x, n, [](typename I::F8 v, typename I::F8) { return gelu_of<I>(v); });
}

template <class I>
void sigmoid(float* x, uint32_t n) noexcept {
  map<I>(x, x, x, n, [](typename I::F8 v, typename I::F8) { return times_sigmoid<I>(I::splat(1.0f), v); });
}

// cap * tanh(x / cap) = cap - 2 cap / (1 + exp(2 x / cap))
template <class I>
typename I::F8 softcap_of(typename I::F8 x, float cap) {
  const auto e = exponential<I>(I::mul(x, I::splat(2 / cap)));
  return I::sub(I::splat(cap), I::div(I::splat(2 * cap), I::add(I::splat(1.0f), e)));
}

template <class I>
void softcap(float* x, float cap, uint32_t n) noexcept {
  map<I>(x, x, x, n, [=](typename I::F8 v, typename I::F8) { return softcap_of<I>(v, cap); });
}

template <class I>
void scale(float* x, float factor, uint32_t n) noexcept {
  map<I>(x, x, x, n, [=](typename I::F8 v, typename I::F8) { return I::mul(v, I::splat(factor)); });
}

template <class I>
void add(float* a, const float* b, uint32_t n) noexcept {
  map<I>(a, b, a, n, [](typename I::F8 x, typename I::F8 y) { return I::add(x, y); });
}

template <class I>
void add_scaled(float* a, const float* b, float weight, uint32_t n) noexcept {
  const auto w = I::splat(weight);
  map<I>(a, b, a, n, [&](typename I::F8 x, typename I::F8 y) { return I::fma(w, y, x); });
}

template <class I>
void rope_halves(float* head, const float* cosine, const float* sine, uint32_t pairs) noexcept {
  uint32_t i = 0;
  for (; i + 8 <= pairs; i += 8) {
    const auto x = I::load(head + i), y = I::load(head + pairs + i), c = I::load(cosine + i), s = I::load(sine + i);
    I::store(head + i, I::sub(I::mul(x, c), I::mul(y, s)));
    I::store(head + pairs + i, I::add(I::mul(x, s), I::mul(y, c)));
  }
  for (; i < pairs; ++i) {
    const float x = head[i], y = head[pairs + i];
    head[i] = x * cosine[i] - y * sine[i];
    head[pairs + i] = x * sine[i] + y * cosine[i];
  }
}

template <class I>
void rope_adjacent(float* head, const float* cosine, const float* sine, uint32_t pairs) noexcept {
  for (uint32_t i = 0; i < pairs; ++i) {
    const float x = head[2 * i], y = head[2 * i + 1];
    head[2 * i] = x * cosine[i] - y * sine[i];
    head[2 * i + 1] = x * sine[i] + y * cosine[i];
  }
}

template <class I>
void store_f16(const float* x, uint16_t* out, uint32_t n) noexcept {
  uint32_t i = 0;
  for (; i + 8 <= n; i += 8) I::store_f16(out + i, I::load(x + i));
  if (i == n) return;
  float rest[8] = {};
  uint16_t halves[8];
  __builtin_memcpy(rest, x + i, (n - i) * sizeof(float));
  I::store_f16(halves, I::load(rest));
  __builtin_memcpy(out + i, halves, (n - i) * sizeof(uint16_t));
}

// One group of 32 of a unit. A group of zeros, or one whose largest is too small to divide by, has scale 0.
template <class I>
void quantise_group(const float* x, Q8Unit& unit, uint32_t group) {
  using F8 = typename I::F8;
  F8 v[4], most = I::zero();
  for (uint32_t k = 0; k < 4; ++k) {
    v[k] = I::load(x + 8 * k);
    most = I::max(most, I::abs(v[k]));
  }
  const float largest = I::largest(most);
  const bool usable = largest > 1e-30f;
  const float scale = usable ? largest / 127.0f : 0.0f;
  const F8 inverse = I::splat(usable ? 127.0f / largest : 0.0f);
  F8 sums[2];
  for (uint32_t k = 0; k < 4; ++k) {
    const F8 q = I::max(I::splat(-127.0f), I::min(I::splat(127.0f), I::round(I::mul(v[k], inverse))));
    I::store_i8(unit.q + 32 * group + 8 * k, q);
    sums[k / 2] = k % 2 == 0 ? q : I::add(sums[k / 2], q);
  }
  const auto whole = [](float value) { return value == value ? static_cast<int32_t>(value) : 0; };  // of NaN, 0
  const int32_t first = whole(I::sum(sums[0])), second = whole(I::sum(sums[1]));
  unit.scale[group] = scale;
  unit.half[2 * group] = static_cast<int16_t>(first);
  unit.half[2 * group + 1] = static_cast<int16_t>(second);
  unit.total[group] = first + second;
  unit.sum[group] = scale * static_cast<float>(first + second);
}

template <class I>
void quantise(const float* x, uint32_t n, Q8Unit* out) noexcept {
  for (uint32_t i = 0; i < units(n) * kUnit; i += 32) {
    Q8Unit& unit = out[i / kUnit];
    if (i + 32 <= n) {
      quantise_group<I>(x + i, unit, i % kUnit / 32);
      continue;
    }
    float rest[32] = {};
    if (i < n) __builtin_memcpy(rest, x + i, (n - i) * sizeof(float));
    quantise_group<I>(rest, unit, i % kUnit / 32);
  }
}

}  // namespace
}  // namespace hearth::cpu
