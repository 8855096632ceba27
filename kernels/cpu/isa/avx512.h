// AVX-512: 16 rows at once; tiles of 32 or 48 rows by 4 columns, whose sums of integers and of floats are 24 of the 32
// registers. Vnni uses the byte dot product of AVX512-VNNI, which widens by itself.
#pragma once

#include "kernels/cpu/generic/tile.h"
#include "kernels/cpu/isa/x86_256.h"

namespace hearth::cpu {
namespace {

struct Avx512Tiles : X86Base {
  static constexpr uint32_t kFewColumns = 0, kSeveralColumns = 4;
  static constexpr uint32_t kTileLanes = 16, kTileColumns = 4;
  static constexpr uint32_t kTileQueries = 6, kAttentionVectors = 4, kRowQueries = 6;
  using Tile = __m512i;
  using TileFloat = __m512;
  static Tile tile_load(const void* p) { return _mm512_load_si512(p); }
  static Tile tile_splat(const int8_t* x) {
    int four;
    __builtin_memcpy(&four, x, 4);
    return _mm512_set1_epi32(four);
  }
  static Tile tile_splat_int(int32_t x) { return _mm512_set1_epi32(x); }
  static Tile tile_splat8(int x) { return _mm512_set1_epi8(static_cast<char>(x)); }
  static void tile_store(void* p, Tile a) { _mm512_store_si512(p, a); }
  static Tile tile_and(Tile a, Tile b) { return _mm512_and_si512(a, b); }
  static Tile tile_or(Tile a, Tile b) { return _mm512_or_si512(a, b); }
  // Bytes shifted by n; the bits that cross a byte are the caller's to mask.
  template <int n>
  static Tile tile_shift_right(Tile a) {
    return _mm512_srli_epi16(a, n);
  }
  template <int n>
  static Tile tile_shift_left(Tile a) {
    return _mm512_slli_epi16(a, n);
  }
  static Tile tile_look_up(const int8_t* table16, Tile index) {
    return _mm512_shuffle_epi8(_mm512_broadcast_i32x4(_mm_loadu_si128(reinterpret_cast<const __m128i*>(table16))),
                               index);
  }
  // Byte i is all ones where bit 4 * step + i of its word is set.
  static Tile tile_bits(Tile words, uint32_t step) {
    const Tile byte =
        _mm512_shuffle_epi8(words, _mm512_add_epi8(_mm512_set4_epi32(0x0c0c0c0c, 0x08080808, 0x04040404, 0),
                                                   tile_splat8(static_cast<int>(step / 2))));
    return _mm512_movm_epi8(_mm512_test_epi8_mask(byte, tile_splat_int(step % 2 == 0 ? 0x08040201 : 0x80402010)));
  }
  // 16 bytes of each row: 4 of every row, four times.
  static void turn(const std::byte* p, size_t stride, Tile* t) {
    const auto row = [=](size_t r) { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(p + r * stride)); };
    Tile z[4];
    for (size_t i = 0; i < 4; ++i) {
      z[i] = _mm512_castsi128_si512(row(i));
      z[i] = _mm512_inserti32x4(z[i], row(i + 4), 1);
      z[i] = _mm512_inserti32x4(z[i], row(i + 8), 2);
      z[i] = _mm512_inserti32x4(z[i], row(i + 12), 3);
    }
    turn_lanes(z, t);
  }
  // The same of 32 bytes. Loads of 32 bytes and half the insertions take 60 % of the time of two turns.
  static void turn32(const std::byte* p, size_t stride, Tile* t) {
    const auto row = [=](size_t r) { return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p + r * stride)); };
    Tile z[8], q[8];
    for (size_t i = 0; i < 8; ++i) {
      const size_t first = i % 4 + i / 4 * 8;
      z[i] = _mm512_inserti64x4(_mm512_castsi256_si512(row(first)), row(first + 4), 1);
    }
    turn_lanes(z, q);
    turn_lanes(z + 4, q + 4);
    for (size_t i = 0; i < 4; ++i) {
      t[i] = _mm512_shuffle_i32x4(q[i], q[i + 4], 0x88);
      t[i + 4] = _mm512_shuffle_i32x4(q[i], q[i + 4], 0xdd);
    }
  }
  // Words of the high half of one of a and the low half of one of b.
  static Tile tile_between(Tile a, Tile b) { return _mm512_rol_epi32(_mm512_mask_blend_epi16(0x55555555, a, b), 16); }
  // Byte k of each word, as floats.
  static TileFloat tile_byte(Tile words, uint32_t k) {
    return _mm512_cvtepi32_ps(_mm512_and_si512(_mm512_srli_epi32(words, 8 * k), _mm512_set1_epi32(255)));
  }
  static TileFloat tile_signed_byte(Tile words, uint32_t k) {
    return _mm512_cvtepi32_ps(_mm512_srai_epi32(_mm512_slli_epi32(words, 24 - 8 * k), 24));
  }
  // The binary16 in the low or high half of each word.
  static TileFloat tile_low_half(Tile words) { return _mm512_cvtph_ps(_mm512_cvtepi32_epi16(words)); }
  static TileFloat tile_high_half(Tile words) { return tile_low_half(_mm512_srli_epi32(words, 16)); }
  static TileFloat tile_gather_f16(const std::byte* p, size_t stride) {
    return join(gather_f16(p, stride), gather_f16(p + 8 * stride, stride));
  }
  // Makes the compiler forget what is known of a value.
  static void opaque([[maybe_unused]] Tile& a) {
#if defined(__AVX512F__)  // not where the tests emulate it
    asm volatile("" : "+v"(a));
#endif
  }
  static Tile tile_add_wide(Tile a, Tile b) { return _mm512_add_epi32(a, b); }
  // Bytes 0 and 2 of each word, or 1 and 3, as 16-bit integers.
  static Tile tile_even_bytes(Tile a) { return tile_odd_bytes(_mm512_slli_epi16(a, 8)); }
  static Tile tile_odd_bytes(Tile a) { return _mm512_srai_epi16(a, 8); }
  // Byte i of a and of b, as 16-bit integers in a word, for 32 of them in an order that in_order undoes.
  static void pair_bytes(const std::byte* a, const std::byte* b, Tile* words) {
    const auto wide = [](const std::byte* p) {
      return _mm512_cvtepi8_epi16(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
    };
    const Tile first = wide(a), second = wide(b);
    words[0] = _mm512_unpacklo_epi16(first, second);
    words[1] = _mm512_unpackhi_epi16(first, second);
  }
  static void in_order(Tile* words) {
    const Tile low = _mm512_shuffle_i32x4(words[0], words[1], 0x44),
               high = _mm512_shuffle_i32x4(words[0], words[1], 0xee);
    words[0] = _mm512_shuffle_i32x4(low, low, 0xd8);
    words[1] = _mm512_shuffle_i32x4(high, high, 0xd8);
  }
  static TileFloat tile_load_float(const float* p) { return _mm512_load_ps(p); }
  static void tile_store_float(float* p, TileFloat a) { _mm512_storeu_ps(p, a); }
  static TileFloat tile_splat_float(float x) { return _mm512_set1_ps(x); }
  static TileFloat tile_mul(TileFloat a, TileFloat b) { return _mm512_mul_ps(a, b); }
  static TileFloat tile_fma(TileFloat a, TileFloat b, TileFloat c) { return _mm512_fmadd_ps(a, b, c); }
  static TileFloat tile_fnma(TileFloat a, TileFloat b, TileFloat c) { return _mm512_fnmadd_ps(a, b, c); }  // c - a * b
  static TileFloat tile_to_float(Tile wide) { return _mm512_cvtepi32_ps(wide); }

  struct Wide {
    static constexpr uint32_t kLanes = 16;
    using Vector = __m512;
    static Vector zero() { return _mm512_setzero_ps(); }
    static Vector splat(float x) { return _mm512_set1_ps(x); }
    static Vector load(const float* p) { return _mm512_loadu_ps(p); }
    static void store(float* p, Vector a) { _mm512_storeu_ps(p, a); }
    static Vector add(Vector a, Vector b) { return _mm512_add_ps(a, b); }
    static Vector sub(Vector a, Vector b) { return _mm512_sub_ps(a, b); }
    static Vector div(Vector a, Vector b) { return _mm512_div_ps(a, b); }
    static Vector max(Vector a, Vector b) { return _mm512_max_ps(a, b); }
    static Vector min(Vector a, Vector b) { return _mm512_min_ps(a, b); }
    static Vector abs(Vector a) { return _mm512_andnot_ps(_mm512_set1_ps(-0.0f), a); }
    static Vector round(Vector a) { return _mm512_roundscale_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
    // 2^n for whole n, -126 <= n <= 127
    static Vector power_of_two(Vector n) {
      return _mm512_castsi512_ps(
          _mm512_slli_epi32(_mm512_add_epi32(_mm512_cvtps_epi32(n), _mm512_set1_epi32(127)), 23));
    }
    static float largest(Vector a) { return X86Base::largest(_mm256_max_ps(low(a), high(a))); }
    static Vector load_f16(const void* p) {
      return _mm512_cvtph_ps(_mm256_loadu_si256(static_cast<const __m256i*>(p)));
    }
    static Vector load_i8(const void* p) {
      return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128(static_cast<const __m128i*>(p))));
    }
    static Vector mul(Vector a, Vector b) { return _mm512_mul_ps(a, b); }
    static Vector fma(Vector a, Vector b, Vector c) { return _mm512_fmadd_ps(a, b, c); }
    static F8 fold(Vector a) { return _mm256_add_ps(low(a), high(a)); }
    static F8 low(Vector a) { return _mm512_castps512_ps256(a); }
    static F8 high(Vector a) { return _mm256_castpd_ps(_mm512_extractf64x4_pd(_mm512_castps_pd(a), 1)); }
    static void store_f16(void* p, Vector a) {
      _mm256_storeu_si256(static_cast<__m256i*>(p), _mm512_cvtps_ph(a, _MM_FROUND_TO_NEAREST_INT));
    }
    // Whole numbers of -128 to 127 to bytes.
    static void store_i8(int8_t* p, Vector a) {
      _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm512_cvtsepi32_epi8(_mm512_cvtps_epi32(a)));
    }
  };

 private:
  // Turns 4 words of each of four vectors, in each lane of 16 bytes.
  static void turn_lanes(const Tile* z, Tile* t) {
    const Tile a = _mm512_unpacklo_epi32(z[0], z[1]), b = _mm512_unpackhi_epi32(z[0], z[1]);
    const Tile c = _mm512_unpacklo_epi32(z[2], z[3]), d = _mm512_unpackhi_epi32(z[2], z[3]);
    t[0] = _mm512_unpacklo_epi64(a, c);
    t[1] = _mm512_unpackhi_epi64(a, c);
    t[2] = _mm512_unpacklo_epi64(b, d);
    t[3] = _mm512_unpackhi_epi64(b, d);
  }
  static TileFloat join(F8 low, F8 high) { return _mm512_insertf32x8(_mm512_castps256_ps512(low), high, 1); }
};

struct Avx512 : Avx512Tiles {
  static constexpr const char* kName = "avx512";
  static constexpr bool kUnsigned = false;  // 255 * 127 * 2 is more than 16 bits hold
  static constexpr uint32_t kTileVectors = 2, kPanelTiles = 2;
  static constexpr uint32_t chain(TileKind kind) { return chain_of_16_bits(kind); }
  template <TileKind kind>
  static Tile tile_products(Tile w, Tile x) {
    if constexpr (kind == TileKind::s8) return _mm512_maddubs_epi16(_mm512_abs_epi8(w), with_sign_of(x, w));
    return _mm512_maddubs_epi16(w, x);
  }
  // |w| and x with the sign of w, as there is no sign instruction of this width.
  static Tile with_sign_of(Tile x, Tile w) {
    return _mm512_mask_sub_epi8(x, _mm512_movepi8_mask(w), _mm512_setzero_si512(), x);
  }
  static Tile tile_add_products(Tile a, Tile b) { return _mm512_add_epi16(a, b); }
  static Tile tile_widen(Tile a) { return _mm512_madd_epi16(a, _mm512_set1_epi16(1)); }
};

struct Avx512Vnni : Avx512Tiles {
  static constexpr const char* kName = "avx512_vnni";
  static constexpr bool kUnsigned = true;
  static constexpr uint32_t kTileVectors = 3, kPanelTiles = 2;
  static constexpr uint32_t kPairVectors = 2;  // of a tile where halves are paired, as two sums of each wait
  static constexpr uint32_t chain(TileKind) { return 0; }
  static Tile tile_flip(Tile a) { return _mm512_xor_si512(a, tile_splat8(-128)); }  // signed bytes plus 128
  template <TileKind kind>
  static Tile tile_dot(Tile sum, Tile w, Tile x) {
    return _mm512_dpbusd_epi32(sum, w, x);
  }
  // Pairs of 16-bit integers. The instruction may read its last operand from memory, as the splat that `a` is.
  static Tile tile_dot16(Tile sum, Tile a, Tile b) { return _mm512_dpwssd_epi32(sum, b, a); }
  static Tile tile_multiply_words(Tile a, Tile b) { return _mm512_mullo_epi16(a, b); }  // the low halves
  static Tile tile_add_words(Tile a, Tile b) { return _mm512_add_epi16(a, b); }
  static Tile tile_round(TileFloat a) { return _mm512_cvtps_epi32(a); }
  // The low halves of the words of both, once shifted right by n bits.
  template <int n>
  static Tile tile_pair(Tile low, Tile high) {
    return _mm512_mask_blend_epi16(0xaaaaaaaa, _mm512_srai_epi32(low, n), _mm512_slli_epi32(high, 16 - n));
  }
  // The same of a, and the high halves of b.
  template <int n>
  static Tile tile_pair_with(Tile a, Tile b) {
    return _mm512_mask_blend_epi16(0xaaaaaaaa, _mm512_srai_epi32(a, n), b);
  }
  static Tile tile_multiply_pairs(Tile a, Tile b) { return _mm512_madd_epi16(a, b); }  // and adds the two products
  static Tile tile_max(Tile a, Tile b) { return _mm512_max_epi32(a, b); }
  // The larger of a and the bits of |x|, which grow with it, those of NaN being the largest.
  static Tile tile_max_magnitude(Tile a, TileFloat x) {
    return tile_max(a, _mm512_and_si512(_mm512_castps_si512(x), tile_splat_int(0x7fffffff)));
  }
  static float tile_largest(Tile bits) {
    return largest_float(_mm256_max_epi32(_mm512_castsi512_si256(bits), _mm512_extracti64x4_epi64(bits, 1)));
  }
};

}  // namespace
}  // namespace hearth::cpu
