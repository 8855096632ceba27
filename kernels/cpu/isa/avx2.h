// AVX2: dots by multiply-add of bytes to 16 and then 32 bits; tiles of 16 rows by 4 columns. AvxVnni has the byte dot
// product of AVX-VNNI besides, which widens by itself.
#pragma once

#include "kernels/cpu/generic/tile.h"
#include "kernels/cpu/isa/x86_256.h"

namespace hearth::cpu {
namespace {

struct Avx2Tiles : X86Base {
  // Tiles: a vector holds 4 consecutive values of 8 rows.
  static constexpr uint32_t kTileLanes = 8, kTileVectors = 2, kTileColumns = 4, kPanelTiles = 2;
  static constexpr uint32_t kTileQueries = 6, kAttentionVectors = 2, kRowQueries = 3;
  using Tile = __m256i;
  using TileFloat = __m256;
  static Tile tile_load(const void* p) { return _mm256_load_si256(static_cast<const __m256i*>(p)); }
  static Tile tile_splat(const int8_t* x) {
    int four;
    __builtin_memcpy(&four, x, 4);
    return _mm256_set1_epi32(four);
  }
  static Tile tile_splat_int(int32_t x) { return _mm256_set1_epi32(x); }
  static Tile tile_splat8(int x) { return splat8(x); }
  static void tile_store(void* p, Tile a) { _mm256_store_si256(static_cast<__m256i*>(p), a); }
  static Tile tile_and(Tile a, Tile b) { return _mm256_and_si256(a, b); }
  static Tile tile_or(Tile a, Tile b) { return _mm256_or_si256(a, b); }
  template <int n>
  static Tile tile_shift_right(Tile a) {
    return shift_right<n>(a);
  }
  template <int n>
  static Tile tile_shift_left(Tile a) {
    return shift_left<n>(a);
  }
  static Tile tile_look_up(const int8_t* table16, Tile index) { return look_up(table16, index); }
  // Byte i is all ones where bit 4 * step + i of its word is set.
  static Tile tile_bits(Tile words, uint32_t step) {
    const Tile byte = _mm256_shuffle_epi8(
        words,
        _mm256_add_epi8(_mm256_set_epi32(0x0c0c0c0c, 0x08080808, 0x04040404, 0, 0x0c0c0c0c, 0x08080808, 0x04040404, 0),
                        splat8(static_cast<int>(step / 2))));
    const Tile bit = tile_splat_int(static_cast<int32_t>(step % 2 == 0 ? 0x08040201u : 0x80402010u));
    return _mm256_cmpeq_epi8(_mm256_and_si256(byte, bit), bit);
  }
  // 16 bytes of each row: 4 of every row, four times.
  static void turn(const std::byte* p, size_t stride, Tile* t) {
    const auto row = [=](size_t r) { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(p + r * stride)); };
    Tile z[4];
    for (size_t i = 0; i < 4; ++i) z[i] = _mm256_inserti128_si256(_mm256_castsi128_si256(row(i)), row(i + 4), 1);
    const Tile a = _mm256_unpacklo_epi32(z[0], z[1]), b = _mm256_unpackhi_epi32(z[0], z[1]);
    const Tile c = _mm256_unpacklo_epi32(z[2], z[3]), d = _mm256_unpackhi_epi32(z[2], z[3]);
    t[0] = _mm256_unpacklo_epi64(a, c);
    t[1] = _mm256_unpackhi_epi64(a, c);
    t[2] = _mm256_unpacklo_epi64(b, d);
    t[3] = _mm256_unpackhi_epi64(b, d);
  }
  // Words of the high half of one of a and the low half of one of b.
  static Tile tile_between(Tile a, Tile b) {
    return _mm256_or_si256(_mm256_srli_epi32(a, 16), _mm256_slli_epi32(b, 16));
  }
  // Byte k of each word, as floats.
  static TileFloat tile_byte(Tile words, uint32_t k) {
    return _mm256_cvtepi32_ps(_mm256_and_si256(_mm256_srli_epi32(words, static_cast<int>(8 * k)), tile_splat_int(255)));
  }
  static TileFloat tile_signed_byte(Tile words, uint32_t k) {
    return _mm256_cvtepi32_ps(_mm256_srai_epi32(_mm256_slli_epi32(words, static_cast<int>(24 - 8 * k)), 24));
  }
  // The binary16 in the low or high half of each word.
  static TileFloat tile_low_half(Tile words) { return tile_high_half(_mm256_slli_epi32(words, 16)); }
  static TileFloat tile_high_half(Tile words) {
    const __m256i halves = _mm256_packus_epi32(_mm256_srli_epi32(words, 16), _mm256_setzero_si256());
    return _mm256_cvtph_ps(_mm256_castsi256_si128(_mm256_permute4x64_epi64(halves, 0x08)));
  }
  static TileFloat tile_gather_f16(const std::byte* p, size_t stride) { return gather_f16(p, stride); }
  // Makes the compiler forget what is known of a value.
  static void opaque([[maybe_unused]] Tile& a) {
#if defined(__AVX2__)  // not where the tests emulate it
    asm volatile("" : "+x"(a));
#endif
  }
  static Tile tile_add_wide(Tile a, Tile b) { return _mm256_add_epi32(a, b); }
  // Bytes 0 and 2 of each word, or 1 and 3, as 16-bit integers.
  static Tile tile_even_bytes(Tile a) { return tile_odd_bytes(_mm256_slli_epi16(a, 8)); }
  static Tile tile_odd_bytes(Tile a) { return _mm256_srai_epi16(a, 8); }
  // Byte i of a and of b, as 16-bit integers in a word, for 16 of them in an order that in_order undoes.
  static void pair_bytes(const std::byte* a, const std::byte* b, Tile* words) {
    const auto wide = [](const std::byte* p) {
      return _mm256_cvtepi8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
    };
    const Tile first = wide(a), second = wide(b);
    words[0] = _mm256_unpacklo_epi16(first, second);
    words[1] = _mm256_unpackhi_epi16(first, second);
  }
  static void in_order(Tile* words) {
    const Tile low = _mm256_permute2x128_si256(words[0], words[1], 0x20);
    words[1] = _mm256_permute2x128_si256(words[0], words[1], 0x31);
    words[0] = low;
  }
  static TileFloat tile_load_float(const float* p) { return _mm256_load_ps(p); }
  static void tile_store_float(float* p, TileFloat a) { _mm256_storeu_ps(p, a); }
  static TileFloat tile_splat_float(float x) { return _mm256_set1_ps(x); }
  static TileFloat tile_mul(TileFloat a, TileFloat b) { return _mm256_mul_ps(a, b); }
  static TileFloat tile_fma(TileFloat a, TileFloat b, TileFloat c) { return _mm256_fmadd_ps(a, b, c); }
  static TileFloat tile_fnma(TileFloat a, TileFloat b, TileFloat c) { return _mm256_fnmadd_ps(a, b, c); }  // c - a * b
  static TileFloat tile_to_float(Tile wide) { return _mm256_cvtepi32_ps(wide); }
};

struct Avx2 : Avx2Tiles {
  static constexpr const char* kName = "avx2";
  // Up to how many columns rows are streamed as dots, and how many then meet eight rows in registers.
  static constexpr uint32_t kFewColumns = 2, kSeveralColumns = 16;
  static constexpr bool kUnsigned = false;  // 255 * 127 * 2 is more than 16 bits hold
  // Sums of 4 neighbouring products of u (0 to 127) or w (signed) and x, as 8 floats.
  static F8 dot_u8(B32 u, B32 x) { return _mm256_cvtepi32_ps(quads(pairs_u8(u, x))); }
  static F8 dot_s8(B32 w, B32 x) { return _mm256_cvtepi32_ps(quads(pairs_s8(w, x))); }
  static constexpr uint32_t chain(TileKind kind) { return chain_of_16_bits(kind); }
  template <TileKind kind>
  static Tile tile_products(Tile w, Tile x) {
    if constexpr (kind == TileKind::s8) return pairs_s8(w, x);
    return pairs_u8(w, x);
  }
  static Tile tile_add_products(Tile a, Tile b) { return _mm256_add_epi16(a, b); }
  static Tile tile_widen(Tile a) { return quads(a); }
};

struct AvxVnni : Avx2Tiles {
  static constexpr const char* kName = "avx_vnni";
  // One column is about as fast among eight rows as by dots.
  static constexpr uint32_t kFewColumns = 0, kSeveralColumns = 4;
  static constexpr bool kUnsigned = true;
  static constexpr uint32_t chain(TileKind) { return 0; }
  static Tile tile_flip(Tile a) { return _mm256_xor_si256(a, splat8(-128)); }  // signed bytes plus 128
  template <TileKind kind>
  static Tile tile_dot(Tile sum, Tile w, Tile x) {
    return _mm256_dpbusd_avx_epi32(sum, w, x);
  }
  // Pairs of 16-bit integers. The instruction may read its last operand from memory, as the splat that `a` is.
  static Tile tile_dot16(Tile sum, Tile a, Tile b) { return _mm256_dpwssd_avx_epi32(sum, b, a); }
  static Tile tile_multiply_words(Tile a, Tile b) { return _mm256_mullo_epi16(a, b); }  // the low halves
  static Tile tile_add_words(Tile a, Tile b) { return _mm256_add_epi16(a, b); }
  static Tile tile_round(TileFloat a) { return _mm256_cvtps_epi32(a); }
  // The low halves of the words of both, once shifted right by n bits.
  template <int n>
  static Tile tile_pair(Tile low, Tile high) {
    return _mm256_blend_epi16(_mm256_srai_epi32(low, n), _mm256_slli_epi32(high, 16 - n), 0xaa);
  }
  static Tile tile_max(Tile a, Tile b) { return _mm256_max_epi32(a, b); }
  // The larger of a and the bits of |x|, which grow with it, those of NaN being the largest.
  static Tile tile_max_magnitude(Tile a, TileFloat x) {
    return tile_max(a, _mm256_and_si256(_mm256_castps_si256(x), tile_splat_int(0x7fffffff)));
  }
  static float tile_largest(Tile bits) { return largest_float(bits); }
};

}  // namespace
}  // namespace hearth::cpu
