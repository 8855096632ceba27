// Arithmetic, for nvcc. Operators round each for itself: sources are compiled without contraction (-fmad=false) and fma
// is said where it is meant.
#pragma once

#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include "kernels/cuda/hardware/qualifiers.h"

namespace hearth::cuda {

HEARTH_DEVICE uint32_t bits_of(float x) { return __float_as_uint(x); }
HEARTH_DEVICE float float_of(uint32_t bits) { return __uint_as_float(bits); }

// Half and bfloat16 numbers are their bits. To them: the nearest, of two the even one; too large is infinity.
HEARTH_DEVICE float half_to_float(uint16_t h) { return __half2float(__ushort_as_half(h)); }
HEARTH_DEVICE uint16_t float_to_half(float x) { return __half_as_ushort(__float2half_rn(x)); }
HEARTH_DEVICE float bfloat_to_float(uint16_t b) { return __uint_as_float(static_cast<uint32_t>(b) << 16); }
HEARTH_DEVICE uint16_t float_to_bfloat(float x) { return __bfloat16_as_ushort(__float2bfloat16_rn(x)); }

// Pairs of them in a word, the first in the low 16 bits.
HEARTH_DEVICE float low_half(uint32_t pair) { return half_to_float(static_cast<uint16_t>(pair)); }
HEARTH_DEVICE float high_half(uint32_t pair) { return half_to_float(static_cast<uint16_t>(pair >> 16)); }
HEARTH_DEVICE float low_bfloat(uint32_t pair) { return __uint_as_float(pair << 16); }
HEARTH_DEVICE float high_bfloat(uint32_t pair) { return __uint_as_float(pair & 0xffff0000u); }
HEARTH_DEVICE uint32_t pack_halves(float low, float high) {
  uint32_t pair;
  asm("cvt.rn.f16x2.f32 %0, %1, %2;" : "=r"(pair) : "f"(high), "f"(low));
  return pair;
}
HEARTH_DEVICE uint32_t pack_bfloats(float low, float high) {
  uint32_t pair;
  asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(pair) : "f"(high), "f"(low));
  return pair;
}
// On pairs of halves, each result rounded once.
HEARTH_DEVICE uint32_t add_halves(uint32_t a, uint32_t b) {
  uint32_t d;
  asm("add.rn.f16x2 %0, %1, %2;" : "=r"(d) : "r"(a), "r"(b));
  return d;
}
HEARTH_DEVICE uint32_t multiply_halves(uint32_t a, uint32_t b) {
  uint32_t d;
  asm("mul.rn.f16x2 %0, %1, %2;" : "=r"(d) : "r"(a), "r"(b));
  return d;
}
HEARTH_DEVICE uint32_t fma_halves(uint32_t a, uint32_t b, uint32_t c) {
  uint32_t d;
  asm("fma.rn.f16x2 %0, %1, %2, %3;" : "=r"(d) : "r"(a), "r"(b), "r"(c));
  return d;
}
HEARTH_DEVICE uint32_t fma_bfloats(uint32_t a, uint32_t b, uint32_t c) {
  uint32_t d;
  asm("fma.rn.bf16x2 %0, %1, %2, %3;" : "=r"(d) : "r"(a), "r"(b), "r"(c));
  return d;
}

// c + the dot product of 4 bytes: both signed, or those of a unsigned.
HEARTH_DEVICE int dot_bytes(int a, int b, int c) {
  int d;
  asm("dp4a.s32.s32 %0, %1, %2, %3;" : "=r"(d) : "r"(a), "r"(b), "r"(c));
  return d;
}
HEARTH_DEVICE int dot_unsigned_bytes(uint32_t a, int b, int c) {
  int d;
  asm("dp4a.u32.s32 %0, %1, %2, %3;" : "=r"(d) : "r"(a), "r"(b), "r"(c));
  return d;
}
// Byte i of the result is byte (selector >> 4 * i) & 7 of b:a, a's being 0 to 3; with bit 3 set, its sign 8 times.
HEARTH_DEVICE uint32_t permute_bytes(uint32_t a, uint32_t b, uint32_t selector) {
  uint32_t d;
  asm("prmt.b32 %0, %1, %2, %3;" : "=r"(d) : "r"(a), "r"(b), "r"(selector));
  return d;
}
// Each bit is bit (a << 2 | b << 1 | c) of table: (0xf0 & 0xcc) | 0xaa is (a & b) | c.
template <uint32_t table>
HEARTH_DEVICE uint32_t logic(uint32_t a, uint32_t b, uint32_t c) {
  uint32_t d;
  asm("lop3.b32 %0, %1, %2, %3, %4;" : "=r"(d) : "r"(a), "r"(b), "r"(c), "n"(table));
  return d;
}
HEARTH_DEVICE uint32_t count_ones(uint32_t x) { return __popc(x); }
HEARTH_DEVICE uint32_t leading_zeros(uint32_t x) { return __clz(x); }                             // of 0: 32
HEARTH_DEVICE uint32_t trailing_zeros(uint32_t x) { return __clz(static_cast<int>(__brev(x))); }  // of 0: 32
// The upper half of b:a shifted left by `by` % 32 bits, or the lower half of it shifted right.
HEARTH_DEVICE uint32_t shift_left(uint32_t a, uint32_t b, uint32_t by) { return __funnelshift_l(a, b, by); }
HEARTH_DEVICE uint32_t shift_right(uint32_t a, uint32_t b, uint32_t by) { return __funnelshift_r(a, b, by); }

HEARTH_DEVICE float fma(float a, float b, float c) { return ::fmaf(a, b, c); }
// Within a few units in the last place; the quick ones within 2^-20 of their value or so.
HEARTH_DEVICE float exp(float x) { return ::expf(x); }
HEARTH_DEVICE float exp2(float x) { return ::exp2f(x); }
HEARTH_DEVICE float log(float x) { return ::logf(x); }
HEARTH_DEVICE float log1p(float x) { return ::log1pf(x); }
HEARTH_DEVICE float tanh(float x) { return ::tanhf(x); }
HEARTH_DEVICE float erf(float x) { return ::erff(x); }
HEARTH_DEVICE float pow(float x, float y) { return ::powf(x, y); }
HEARTH_DEVICE float sin(float x) { return ::sinf(x); }
HEARTH_DEVICE float cos(float x) { return ::cosf(x); }
HEARTH_DEVICE float sqrt(float x) { return ::sqrtf(x); }  // the nearest
HEARTH_DEVICE float floor(float x) { return ::floorf(x); }
HEARTH_DEVICE float abs(float x) { return ::fabsf(x); }
HEARTH_DEVICE float quick_exp(float x) { return __expf(x); }
HEARTH_DEVICE float quick_exp2(float x) {
  float y;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
}
HEARTH_DEVICE float quick_reciprocal(float x) {
  float y;
  asm("rcp.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
}
HEARTH_DEVICE float quick_reciprocal_root(float x) { return ::rsqrtf(x); }
HEARTH_DEVICE int round_to_int(float x) { return __float2int_rn(x); }  // the nearest, of two the even one; NaN: 0
// Of a number and NaN: the number.
HEARTH_DEVICE float min(float a, float b) { return ::fminf(a, b); }
HEARTH_DEVICE float max(float a, float b) { return ::fmaxf(a, b); }
HEARTH_DEVICE int min(int a, int b) { return a < b ? a : b; }
HEARTH_DEVICE int max(int a, int b) { return a < b ? b : a; }
HEARTH_DEVICE uint32_t min(uint32_t a, uint32_t b) { return a < b ? a : b; }
HEARTH_DEVICE uint32_t max(uint32_t a, uint32_t b) { return a < b ? b : a; }
HEARTH_DEVICE bool is_nan(float x) { return x != x; }
HEARTH_DEVICE bool is_finite(float x) { return ::fabsf(x) < __uint_as_float(0x7f800000); }

}  // namespace hearth::cuda
