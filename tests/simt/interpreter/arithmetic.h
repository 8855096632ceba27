// Arithmetic, for the interpreter. What the hardware only approximates is exact to a rounding or so here.
#pragma once

#include <bit>
#include <cmath>

#include "kernels/cuda/types.h"
#include "quant/half.h"

namespace hearth::cuda {

inline uint32_t bits_of(float x) { return std::bit_cast<uint32_t>(x); }
inline float float_of(uint32_t bits) { return std::bit_cast<float>(bits); }

inline float half_to_float(uint16_t h) { return f16_to_f32(h); }
inline uint16_t float_to_half(float x) { return f32_to_f16(x); }
inline float bfloat_to_float(uint16_t b) { return bf16_to_f32(b); }
inline uint16_t float_to_bfloat(float x) { return f32_to_bf16(x); }

inline float low_half(uint32_t pair) { return f16_to_f32(static_cast<uint16_t>(pair)); }
inline float high_half(uint32_t pair) { return f16_to_f32(static_cast<uint16_t>(pair >> 16)); }
inline float low_bfloat(uint32_t pair) { return float_of(pair << 16); }
inline float high_bfloat(uint32_t pair) { return float_of(pair & 0xffff0000u); }
inline uint32_t pack_halves(float low, float high) { return f32_to_f16(low) | uint32_t{f32_to_f16(high)} << 16; }
inline uint32_t pack_bfloats(float low, float high) { return f32_to_bf16(low) | uint32_t{f32_to_bf16(high)} << 16; }

// The nearest half or bfloat16 number to a sum of two doubles, rounded once: the double's last bit tells that more
// follows.
inline float odd_sum(double a, double b) {
  const double sum = a + b;
  if (!std::isfinite(sum)) return static_cast<float>(sum);
  const double part = sum - a, rest = (a - (sum - part)) + (b - part);
  double odd = sum;
  if (rest != 0 && (std::bit_cast<uint64_t>(sum) & 1) == 0) odd = std::nextafter(sum, rest > 0 ? INFINITY : -INFINITY);
  // The same once more to float: toward zero, with the last bit set where anything was cut off.
  auto cut = static_cast<float>(odd);
  if (std::fabs(static_cast<double>(cut)) > std::fabs(odd)) cut = std::nextafter(cut, 0.0f);
  if (static_cast<double>(cut) != odd) cut = float_of(bits_of(cut) | 1);
  return cut;
}
inline uint32_t add_halves(uint32_t a, uint32_t b) {
  return pack_halves(odd_sum(low_half(a), low_half(b)), odd_sum(high_half(a), high_half(b)));
}
inline uint32_t multiply_halves(uint32_t a, uint32_t b) {  // products are exact
  return pack_halves(low_half(a) * low_half(b), high_half(a) * high_half(b));
}
inline uint32_t fma_halves(uint32_t a, uint32_t b, uint32_t c) {
  return pack_halves(odd_sum(double{low_half(a)} * low_half(b), low_half(c)),
                     odd_sum(double{high_half(a)} * high_half(b), high_half(c)));
}
inline uint32_t fma_bfloats(uint32_t a, uint32_t b, uint32_t c) {
  return pack_bfloats(odd_sum(double{low_bfloat(a)} * low_bfloat(b), low_bfloat(c)),
                      odd_sum(double{high_bfloat(a)} * high_bfloat(b), high_bfloat(c)));
}

inline int dot_bytes(int a, int b, int c) {
  for (int i = 0; i < 32; i += 8) c += static_cast<int8_t>(a >> i) * static_cast<int8_t>(b >> i);
  return c;
}
inline int dot_unsigned_bytes(uint32_t a, int b, int c) {
  for (int i = 0; i < 32; i += 8) c += static_cast<uint8_t>(a >> i) * static_cast<int8_t>(b >> i);
  return c;
}
inline uint32_t permute_bytes(uint32_t a, uint32_t b, uint32_t selector) {
  const uint64_t bytes = uint64_t{b} << 32 | a;
  uint32_t result = 0;
  for (uint32_t i = 0; i < 4; ++i) {
    const uint32_t select = selector >> 4 * i & 15;
    auto byte = static_cast<uint32_t>(bytes >> 8 * (select & 7) & 0xff);
    if (select >= 8) byte = byte >= 128 ? 0xff : 0;
    result |= byte << 8 * i;
  }
  return result;
}
template <uint32_t table>
uint32_t logic(uint32_t a, uint32_t b, uint32_t c) {
  uint32_t result = 0;
  for (uint32_t i = 0; i < 8; ++i)
    if ((table >> i & 1) != 0) result |= ((i & 4) != 0 ? a : ~a) & ((i & 2) != 0 ? b : ~b) & ((i & 1) != 0 ? c : ~c);
  return result;
}
inline uint32_t count_ones(uint32_t x) { return static_cast<uint32_t>(std::popcount(x)); }
inline uint32_t leading_zeros(uint32_t x) { return static_cast<uint32_t>(std::countl_zero(x)); }
inline uint32_t trailing_zeros(uint32_t x) { return static_cast<uint32_t>(std::countr_zero(x)); }
inline uint32_t shift_left(uint32_t a, uint32_t b, uint32_t by) {
  return static_cast<uint32_t>((uint64_t{b} << 32 | a) << by % 32 >> 32);
}
inline uint32_t shift_right(uint32_t a, uint32_t b, uint32_t by) {
  return static_cast<uint32_t>((uint64_t{b} << 32 | a) >> by % 32);
}

inline float fma(float a, float b, float c) { return std::fma(a, b, c); }
inline float exp(float x) { return std::exp(x); }
inline float exp2(float x) { return std::exp2(x); }
inline float log(float x) { return std::log(x); }
inline float log1p(float x) { return std::log1p(x); }
inline float tanh(float x) { return std::tanh(x); }
inline float erf(float x) { return std::erf(x); }
inline float pow(float x, float y) { return std::pow(x, y); }
inline float sin(float x) { return std::sin(x); }
inline float cos(float x) { return std::cos(x); }
inline float sqrt(float x) { return std::sqrt(x); }
inline float floor(float x) { return std::floor(x); }
inline float abs(float x) { return std::fabs(x); }
inline float quick_exp(float x) { return std::exp(x); }
inline float quick_exp2(float x) { return std::exp2(x); }
inline float quick_reciprocal(float x) { return 1.0f / x; }
inline float quick_reciprocal_root(float x) { return 1.0f / std::sqrt(x); }
inline int round_to_int(float x) {
  if (x != x) return 0;
  if (x >= 0x1p31f) return INT32_MAX;
  if (x < -0x1p31f) return INT32_MIN;
  return static_cast<int>(std::nearbyint(x));
}
inline float min(float a, float b) { return std::fmin(a, b); }
inline float max(float a, float b) { return std::fmax(a, b); }
inline int min(int a, int b) { return a < b ? a : b; }
inline int max(int a, int b) { return a < b ? b : a; }
inline uint32_t min(uint32_t a, uint32_t b) { return a < b ? a : b; }
inline uint32_t max(uint32_t a, uint32_t b) { return a < b ? b : a; }
inline bool is_nan(float x) { return x != x; }
inline bool is_finite(float x) { return std::fabs(x) < INFINITY; }

}  // namespace hearth::cuda
