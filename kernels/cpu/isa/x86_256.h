// The vocabulary of AVX2 with FMA and F16C: 8 floats, 32 bytes. AVX-512 uses it for what has no wider form.
#pragma once

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "kernels/cpu/generic/tile.h"

namespace hearth::cpu {
namespace {

struct X86Base {
  using F8 = __m256;    // 8 floats
  using B32 = __m256i;  // 32 bytes

  static F8 zero() { return _mm256_setzero_ps(); }
  static F8 splat(float x) { return _mm256_set1_ps(x); }
  static F8 load(const float* p) { return _mm256_loadu_ps(p); }
  static void store(float* p, F8 a) { _mm256_storeu_ps(p, a); }
  static F8 add(F8 a, F8 b) { return _mm256_add_ps(a, b); }
  static F8 sub(F8 a, F8 b) { return _mm256_sub_ps(a, b); }
  static F8 mul(F8 a, F8 b) { return _mm256_mul_ps(a, b); }
  static F8 div(F8 a, F8 b) { return _mm256_div_ps(a, b); }
  static F8 max(F8 a, F8 b) { return _mm256_max_ps(a, b); }
  static F8 min(F8 a, F8 b) { return _mm256_min_ps(a, b); }
  static F8 abs(F8 a) { return _mm256_andnot_ps(_mm256_set1_ps(-0.0f), a); }
  static F8 fma(F8 a, F8 b, F8 c) { return _mm256_fmadd_ps(a, b, c); }  // a * b + c
  static F8 round(F8 a) { return _mm256_round_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
  // 2^n for whole n, -126 <= n <= 127
  static F8 power_of_two(F8 n) {
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(_mm256_cvtps_epi32(n), _mm256_set1_epi32(127)), 23));
  }
  static float sum(F8 a) {
    __m128 s = _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
    s = _mm_add_ps(s, _mm_movehl_ps(s, s));
    return _mm_cvtss_f32(_mm_add_ss(s, _mm_movehdup_ps(s)));
  }
  static float largest(F8 a) {
    __m128 s = _mm_max_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
    s = _mm_max_ps(s, _mm_movehl_ps(s, s));
    return _mm_cvtss_f32(_mm_max_ss(s, _mm_movehdup_ps(s)));
  }
  // Of floats that are not negative, by their bits, so that NaN is the largest.
  static float largest_float(__m256i bits) {
    __m128i most = _mm_max_epi32(_mm256_castsi256_si128(bits), _mm256_extracti128_si256(bits, 1));
    most = _mm_max_epi32(most, _mm_shuffle_epi32(most, 0x4e));
    return __builtin_bit_cast(float, _mm_cvtsi128_si32(_mm_max_epi32(most, _mm_shuffle_epi32(most, 0xb1))));
  }
  // out[0..3] = the sums of a, b, c, d
  static void sum4(F8 a, F8 b, F8 c, F8 d, float* out) {
    const F8 s = _mm256_hadd_ps(_mm256_hadd_ps(a, b), _mm256_hadd_ps(c, d));
    _mm_storeu_ps(out, _mm_add_ps(_mm256_castps256_ps128(s), _mm256_extractf128_ps(s, 1)));
  }
  // p[0] in lanes 0 to 3, p[1] in lanes 4 to 7
  static F8 splat_pair(const float* p) { return _mm256_set_m128(_mm_set1_ps(p[1]), _mm_set1_ps(p[0])); }
  // a0 a0 a1 a1 a2 a2 a3 a3, and the same of the upper half
  static F8 twice_low(F8 a) { return _mm256_permutevar8x32_ps(a, _mm256_setr_epi32(0, 0, 1, 1, 2, 2, 3, 3)); }
  static F8 twice_high(F8 a) { return _mm256_permutevar8x32_ps(a, _mm256_setr_epi32(4, 4, 5, 5, 6, 6, 7, 7)); }

  static F8 load_f16(const void* p) { return _mm256_cvtph_ps(_mm_loadu_si128(static_cast<const __m128i*>(p))); }
  static F8 load_bf16(const void* p) {
    const __m256i wide = _mm256_cvtepu16_epi32(_mm_loadu_si128(static_cast<const __m128i*>(p)));
    return _mm256_castsi256_ps(_mm256_slli_epi32(wide, 16));
  }
  static F8 load_i8(const void* p) {
    return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64(static_cast<const __m128i*>(p))));
  }
  static F8 load_u8(const void* p) {
    return _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_loadl_epi64(static_cast<const __m128i*>(p))));
  }
  static F8 load_i16(const void* p) {
    return _mm256_cvtepi32_ps(_mm256_cvtepi16_epi32(_mm_loadu_si128(static_cast<const __m128i*>(p))));
  }
  // 8 halves, `stride` bytes apart
  static F8 gather_f16(const std::byte* p, size_t stride) {
    __m128i h = _mm_loadu_si16(p);
    h = _mm_insert_epi16(h, half_at(p + stride), 1);
    h = _mm_insert_epi16(h, half_at(p + 2 * stride), 2);
    h = _mm_insert_epi16(h, half_at(p + 3 * stride), 3);
    h = _mm_insert_epi16(h, half_at(p + 4 * stride), 4);
    h = _mm_insert_epi16(h, half_at(p + 5 * stride), 5);
    h = _mm_insert_epi16(h, half_at(p + 6 * stride), 6);
    h = _mm_insert_epi16(h, half_at(p + 7 * stride), 7);
    return _mm256_cvtph_ps(h);
  }
  static float half(const void* p) { return _mm_cvtss_f32(_mm_cvtph_ps(_mm_loadu_si16(p))); }
  static void store_f16(void* p, F8 a) {
    _mm_storeu_si128(static_cast<__m128i*>(p), _mm256_cvtps_ph(a, _MM_FROUND_TO_NEAREST_INT));
  }
  // Whole numbers of -128 to 127 to bytes.
  static void store_i8(int8_t* p, F8 a) {
    const __m256i wide = _mm256_cvtps_epi32(a);
    const __m128i words = _mm_packs_epi32(_mm256_castsi256_si128(wide), _mm256_extracti128_si256(wide, 1));
    _mm_storel_epi64(reinterpret_cast<__m128i*>(p), _mm_packs_epi16(words, words));
  }

  static B32 load32(const void* p) { return _mm256_loadu_si256(static_cast<const __m256i*>(p)); }
  static void store32(void* p, B32 a) { _mm256_storeu_si256(static_cast<__m256i*>(p), a); }
  static B32 splat8(int x) { return _mm256_set1_epi8(static_cast<char>(x)); }
  static B32 bit_and(B32 a, B32 b) { return _mm256_and_si256(a, b); }
  static B32 bit_or(B32 a, B32 b) { return _mm256_or_si256(a, b); }
  // Bytes shifted by n; the bits that cross a byte are the caller's to mask.
  template <int n>
  static B32 shift_right(B32 a) {
    return _mm256_srli_epi16(a, n);
  }
  template <int n>
  static B32 shift_left(B32 a) {
    return _mm256_slli_epi16(a, n);
  }
  // 16 bytes: their low halves, then their high halves.
  static B32 nibbles(const void* p) {
    const __m256i twice = _mm256_broadcastsi128_si256(_mm_loadu_si128(static_cast<const __m128i*>(p)));
    return _mm256_and_si256(_mm256_srlv_epi64(twice, _mm256_set_epi64x(4, 4, 0, 0)), _mm256_set1_epi8(15));
  }
  // The table's byte for each index below 16.
  static B32 look_up(const int8_t* table16, B32 index) {
    return _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(_mm_loadu_si128(reinterpret_cast<const __m128i*>(table16))),
                               index);
  }
  // `value` in byte i where bit i is set, else 0.
  static B32 from_bits(uint32_t bits, int value) {
    const __m256i spread =
        _mm256_shuffle_epi8(_mm256_set1_epi32(static_cast<int>(bits)),
                            _mm256_setr_epi64x(0, 0x0101010101010101, 0x0202020202020202, 0x0303030303030303));
    const __m256i bit = _mm256_set1_epi64x(static_cast<long long>(0x8040201008040201));
    const __m256i set = _mm256_cmpeq_epi8(_mm256_and_si256(spread, bit), bit);
    return _mm256_and_si256(set, splat8(value));
  }
  static void prefetch_far(const void* p) { _mm_prefetch(static_cast<const char*>(p), _MM_HINT_T1); }
  static void prefetch(const void* p) { _mm_prefetch(static_cast<const char*>(p), _MM_HINT_T0); }

 private:
  static int half_at(const std::byte* p) {
    uint16_t h;
    __builtin_memcpy(&h, p, 2);
    return h;
  }
};

// How many products may be added in 16 bits before they must be widened: (255 / largest value) / 2 pairs.
inline constexpr uint32_t chain_of_16_bits(TileKind kind) {
  switch (kind) {
    case TileKind::u4:
      return 8;
    case TileKind::u5:
      return 4;
    case TileKind::u6:
      return 2;
    case TileKind::u8:
    case TileKind::s8:
      return 1;
  }
  return 1;
}

// Products of unsigned bytes and int8, pairs added: exact where the bytes are at most 129, for 2 * 129 * 127 < 2^15.
inline __m256i pairs_u8(__m256i u, __m256i x) { return _mm256_maddubs_epi16(u, x); }
inline __m256i quads(__m256i pairs) { return _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)); }
// |w| and x with the sign of w: their products are those of w and x. x is never -128.
inline __m256i pairs_s8(__m256i w, __m256i x) {
  return _mm256_maddubs_epi16(_mm256_abs_epi8(w), _mm256_sign_epi8(x, w));
}

}  // namespace
}  // namespace hearth::cpu
