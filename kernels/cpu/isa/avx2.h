// AVX2: dots by multiply-add of bytes to 16 and then 32 bits; tiles of 16 rows by 4 columns.
#pragma once

#include "kernels/cpu/generic/tile.h"
#include "kernels/cpu/isa/x86_256.h"

namespace hearth::cpu {
namespace {

struct Avx2 : X86Base {
  static constexpr const char* kName = "avx2";
  // Sums of 4 neighbouring products of u (0 to 127) or w (signed) and x, as 8 floats.
  static F8 dot_u8(B32 u, B32 x) { return _mm256_cvtepi32_ps(quads(pairs_u8(u, x))); }
  static F8 dot_s8(B32 w, B32 x) { return _mm256_cvtepi32_ps(quads(pairs_s8(w, x))); }

  // Up to how many columns rows are streamed as dots, and how many then meet eight rows in registers; 0: none.
  static constexpr uint32_t kFewColumns = 2, kSeveralColumns = 16;

  // Tiles: a vector holds 4 consecutive values of 8 rows.
  static constexpr uint32_t kTileLanes = 8, kTileVectors = 2, kTileColumns = 4;
  using Tile = __m256i;
  using TileFloat = __m256;
  static Tile tile_load(const void* p) { return _mm256_load_si256(static_cast<const __m256i*>(p)); }
  static Tile tile_splat(const int8_t* x) {
    int four;
    __builtin_memcpy(&four, x, 4);
    return _mm256_set1_epi32(four);
  }
  // Makes the compiler forget what is known of a value.
  static void opaque(Tile& a) { asm volatile("" : "+x"(a)); }
  static TileFloat tile_load_float(const float* p) { return _mm256_load_ps(p); }
  static void tile_store_float(float* p, TileFloat a) { _mm256_store_ps(p, a); }
  static TileFloat tile_splat_float(float x) { return _mm256_set1_ps(x); }
  static TileFloat tile_mul(TileFloat a, TileFloat b) { return _mm256_mul_ps(a, b); }
  static TileFloat tile_fma(TileFloat a, TileFloat b, TileFloat c) { return _mm256_fmadd_ps(a, b, c); }
  // How many products may be added in 16 bits before they must be widened: (255 / largest value) / 2 pairs.
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
    if constexpr (kind == TileKind::s8) return pairs_s8(w, x);
    return pairs_u8(w, x);
  }
  static Tile tile_add_products(Tile a, Tile b) { return _mm256_add_epi16(a, b); }
  static Tile tile_widen(Tile a) { return quads(a); }
  static Tile tile_add_wide(Tile a, Tile b) { return _mm256_add_epi32(a, b); }
  static TileFloat tile_to_float(Tile wide) { return _mm256_cvtepi32_ps(wide); }
};

}  // namespace
}  // namespace hearth::cpu
