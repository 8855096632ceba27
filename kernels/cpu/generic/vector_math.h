// Loops over one row of activations: exponential, norm, activation, rotation, rounding to 8 bits. V is a vocabulary of
// vectors of floats: an instruction set, or its widest (wide.h).
#pragma once

#include "kernels/cpu/generic/wide.h"
#include "kernels/cpu/table.h"

namespace hearth::cpu {
namespace {

// exp(x) within 3e-7 relative for -87 <= x <= 88; arguments outside are taken as the nearest bound. x = n ln 2 + r with
// |r| <= ln 2 / 2, exp(r) by its series to r^7, whose next term is below 6e-9.
template <class V, class T>
T exponential(T x) {
  x = V::min(V::splat(88.0f), V::max(V::splat(-87.0f), x));
  const auto n = V::round(V::mul(x, V::splat(1.44269504f)));
  auto r = V::fma(n, V::splat(-0.693359375f), x);  // ln 2 in two parts, the first exact in few bits
  r = V::fma(n, V::splat(2.12194440e-4f), r);
  auto p = V::splat(1.0f / 5040);
  for (const float coefficient : {1.0f / 720, 1.0f / 120, 1.0f / 24, 1.0f / 6, 0.5f, 1.0f, 1.0f})
    p = V::fma(p, r, V::splat(coefficient));
  return V::mul(p, V::power_of_two(n));
}

// out = f(a, b) for as many floats at a time as a vector holds, the rest completed by zeros.
template <class I, class F>
void map(const float* a, const float* b, float* out, uint32_t n, F&& f) {
  using W = WideOf<I>;
  uint32_t i = 0;
  for (; i + W::kLanes <= n; i += W::kLanes) W::store(out + i, f(W::load(a + i), W::load(b + i)));
  if (i == n) return;
  float rest_a[W::kLanes] = {}, rest_b[W::kLanes] = {};
  __builtin_memcpy(rest_a, a + i, (n - i) * sizeof(float));
  __builtin_memcpy(rest_b, b + i, (n - i) * sizeof(float));
  W::store(rest_a, f(W::load(rest_a), W::load(rest_b)));
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
  using W = WideOf<I>;
  const auto scale = W::splat(1 / __builtin_sqrtf(sum / static_cast<float>(n) + eps));
  map<I>(x, gain, out, n, [&](auto v, auto g) { return W::mul(W::mul(v, scale), g); });
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
  using W = WideOf<I>;
  const auto means = W::splat(mean), factor = W::splat(1 / __builtin_sqrtf(squares / static_cast<float>(n) + eps));
  map<I>(x, gain, out, n, [&](auto v, auto g) { return W::mul(W::mul(W::sub(v, means), factor), g); });
  if (bias != nullptr) map<I>(out, bias, out, n, [](auto v, auto b) { return W::add(v, b); });
}

// x / (1 + exp(-t)), t being taken as at least -87: the result is 0 but for x * 1e-38.
template <class V, class T>
T times_sigmoid(T x, T t) {
  return V::div(x, V::add(V::splat(1.0f), exponential<V>(V::sub(V::zero(), t))));
}

template <class V, class T>
T silu_of(T x) {
  x = V::max(V::splat(-87.0f), x);
  return times_sigmoid<V>(x, x);
}

// 2 sqrt(2 / pi) = 1.5957691
template <class V, class T>
T gelu_of(T x) {
  x = V::max(V::splat(-1e10f), x);
  const auto bend = V::fma(V::mul(x, x), V::splat(0.044715f), V::splat(1.0f));
  return times_sigmoid<V>(x, V::mul(V::mul(x, bend), V::splat(1.5957691216f)));
}

template <class I>
void silu_multiply(float* gate, const float* up, uint32_t n) noexcept {
  using W = WideOf<I>;
  map<I>(gate, up, gate, n, [](auto g, auto u) { return W::mul(silu_of<W>(g), u); });
}

template <class I>
void gelu_multiply(float* gate, const float* up, uint32_t n) noexcept {
  using W = WideOf<I>;
  map<I>(gate, up, gate, n, [](auto g, auto u) { return W::mul(gelu_of<W>(g), u); });
}

template <class I>
void clamped_multiply(float* gate, const float* up, uint32_t n) noexcept {
  using W = WideOf<I>;
  map<I>(gate, up, gate, n, [](auto g, auto u) {
    const auto bound = W::splat(7.0f);
    g = W::max(W::splat(-1e10f), W::min(bound, g));
    u = W::max(W::splat(-7.0f), W::min(bound, u));
    return W::mul(times_sigmoid<W>(g, W::mul(g, W::splat(1.702f))), W::add(u, W::splat(1.0f)));
  });
}

template <class I>
void sigmoid_multiply(float* gate, const float* up, uint32_t n) noexcept {
  using W = WideOf<I>;
  map<I>(gate, up, gate, n, [](auto g, auto u) { return times_sigmoid<W>(u, g); });
}

template <class I>
void silu(float* x, uint32_t n) noexcept {
  using W = WideOf<I>;
  map<I>(x, x, x, n, [](auto v, auto) { return silu_of<W>(v); });
}

template <class I>
void gelu(float* x, uint32_t n) noexcept {
  using W = WideOf<I>;
  map<I>(x, x, x, n, [](auto v, auto) { return gelu_of<W>(v); });
}

template <class I>
void sigmoid(float* x, uint32_t n) noexcept {
  using W = WideOf<I>;
  map<I>(x, x, x, n, [](auto v, auto) { return times_sigmoid<W>(W::splat(1.0f), v); });
}

// cap * tanh(x / cap) = cap - 2 cap / (1 + exp(2 x / cap))
template <class V, class T>
T softcap_of(T x, float cap) {
  const auto e = exponential<V>(V::mul(x, V::splat(2 / cap)));
  return V::sub(V::splat(cap), V::div(V::splat(2 * cap), V::add(V::splat(1.0f), e)));
}

template <class I>
void softcap(float* x, float cap, uint32_t n) noexcept {
  using W = WideOf<I>;
  map<I>(x, x, x, n, [=](auto v, auto) { return softcap_of<W>(v, cap); });
}

template <class I>
void scale(float* x, float factor, uint32_t n) noexcept {
  using W = WideOf<I>;
  map<I>(x, x, x, n, [=](auto v, auto) { return W::mul(v, W::splat(factor)); });
}

template <class I>
void add(float* a, const float* b, uint32_t n) noexcept {
  using W = WideOf<I>;
  map<I>(a, b, a, n, [](auto x, auto y) { return W::add(x, y); });
}

template <class I>
void add_scaled(float* a, const float* b, float weight, uint32_t n) noexcept {
  using W = WideOf<I>;
  const auto w = W::splat(weight);
  map<I>(a, b, a, n, [&](auto x, auto y) { return W::fma(w, y, x); });
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
  using W = WideOf<I>;
  uint32_t i = 0;
  for (; i + W::kLanes <= n; i += W::kLanes) W::store_f16(out + i, W::load(x + i));
  if (i == n) return;
  float rest[W::kLanes] = {};
  uint16_t halves[W::kLanes];
  __builtin_memcpy(rest, x + i, (n - i) * sizeof(float));
  W::store_f16(halves, W::load(rest));
  __builtin_memcpy(out + i, halves, (n - i) * sizeof(uint16_t));
}

// One group of 32 of a unit. A group of zeros, or one whose largest is too small to divide by, has scale 0.
template <class I>
void quantise_group(const float* x, Q8Unit& unit, uint32_t group) {
  using W = WideOf<I>;
  constexpr uint32_t kVectors = 32 / W::kLanes;
  typename W::Vector v[kVectors], most = W::zero();
  for (uint32_t k = 0; k < kVectors; ++k) {
    v[k] = W::load(x + W::kLanes * k);
    most = W::max(most, W::abs(v[k]));
  }
  const float largest = W::largest(most);
  const bool usable = largest > 1e-30f;
  const float scale = usable ? largest / 127.0f : 0.0f;
  const auto inverse = W::splat(usable ? 127.0f / largest : 0.0f);
  typename W::Vector sums[2] = {W::zero(), W::zero()};  // of whole numbers: in any order the same
  for (uint32_t k = 0; k < kVectors; ++k) {
    const auto q = W::max(W::splat(-127.0f), W::min(W::splat(127.0f), W::round(W::mul(v[k], inverse))));
    W::store_i8(unit.q + 32 * group + W::kLanes * k, q);
    sums[2 * k / kVectors] = W::add(sums[2 * k / kVectors], q);
  }
  const auto whole = [](float value) { return value == value ? static_cast<int32_t>(value) : 0; };  // of NaN, 0
  const int32_t first = whole(I::sum(W::fold(sums[0]))), second = whole(I::sum(W::fold(sums[1])));
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
