// AVX-512: dots and unpacking as AVX2 does them, tiles of 48 rows by 8 columns in 24 of the 32 registers. Vnni uses the
// byte dot product of AVX512-VNNI, which widens by itself.
#pragma once

#include "kernels/cpu/generic/tile.h"
#include "kernels/cpu/isa/x86_256.h"

namespace hearth::cpu {
namespace {

struct Avx512Tiles : X86Base {
  static constexpr uint32_t kFewColumns = 8, kSeveralColumns = 0;
  static constexpr uint32_t kTileLanes = 16;
  using Tile = __m512i;
  using TileFloat = __m512;
  static Tile tile_zero() { return _mm512_setzero_si512(); }
  static Tile tile_load(const void* p) { return _mm512_load_si512(p); }
  static Tile tile_splat(const int8_t* x) {
    int four;
    __builtin_memcpy(&four, x, 4);
    return _mm512_set1_epi32(four);
  }
  // Makes the compiler forget what is known of a value.
  static void opaque([[maybe_unused]] Tile& a) {
#if defined(__AVX512F__)  // not where the tests emulate it
    asm volatile("" : "+v"(a));
#endif
  }
  static TileFloat tile_load_float(const float* p) { return _mm512_load_ps(p); }
  static void tile_store_float(float* p, TileFloat a) { _mm512_store_ps(p, a); }
  static TileFloat tile_splat_float(float x) { return _mm512_set1_ps(x); }
  static TileFloat tile_mul(TileFloat a, TileFloat b) { return _mm512_mul_ps(a, b); }
  static TileFloat tile_fma(TileFloat a, TileFloat b, TileFloat c) { return _mm512_fmadd_ps(a, b, c); }
  static TileFloat tile_to_float(Tile wide) { return _mm512_cvtepi32_ps(wide); }
  // |w| and x with the sign of w, as there is no sign instruction of this width.
  static Tile with_sign_of(Tile x, Tile w) {
    return _mm512_mask_sub_epi8(x, _mm512_movepi8_mask(w), _mm512_setzero_si512(), x);
  }
};

struct Avx512 : Avx512Tiles {
  static constexpr const char* kName = "avx512";
  static constexpr uint32_t kTileVectors = 2, kTileColumns = 8;
  static F8 dot_u8(B32 u, B32 x) { return _mm256_cvtepi32_ps(quads(pairs_u8(u, x))); }
  static F8 dot_s8(B32 w, B32 x) { return _mm256_cvtepi32_ps(quads(pairs_s8(w, x))); }
  static constexpr uint32_t chain(TileKind kind) {
    switch (kind) {
      case TileKind::u4:
        return 8;
      case TileKind::u5:
        return 4;
      case TileKind::u6:
        return 2;
      case TileKind::s8:
        return 1;
    }
    return 1;
  }
  template <TileKind kind>
  static Tile tile_products(Tile w, Tile x) {
    if constexpr (kind == TileKind::s8) return _mm512_maddubs_epi16(_mm512_abs_epi8(w), with_sign_of(x, w));
    return _mm512_maddubs_epi16(w, x);
  }
  static Tile tile_add_products(Tile a, Tile b) { return _mm512_add_epi16(a, b); }
  static Tile tile_widen(Tile a) { return _mm512_madd_epi16(a, _mm512_set1_epi16(1)); }
  static Tile tile_add_wide(Tile a, Tile b) { return _mm512_add_epi32(a, b); }
};

struct Avx512Vnni : Avx512Tiles {
  static constexpr const char* kName = "avx512_vnni";
  static constexpr uint32_t kTileVectors = 3, kTileColumns = 8;
  static F8 dot_u8(B32 u, B32 x) { return _mm256_cvtepi32_ps(_mm256_dpbusd_epi32(_mm256_setzero_si256(), u, x)); }
  static F8 dot_s8(B32 w, B32 x) { return dot_u8(_mm256_abs_epi8(w), _mm256_sign_epi8(x, w)); }
  static constexpr uint32_t chain(TileKind) { return 0; }
  template <TileKind kind>
  static Tile tile_dot(Tile sum, Tile w, Tile x) {
    if constexpr (kind == TileKind::s8) return _mm512_dpbusd_epi32(sum, _mm512_abs_epi8(w), with_sign_of(x, w));
    return _mm512_dpbusd_epi32(sum, w, x);
  }
};

}  // namespace
}  // namespace hearth::cpu
