// NEON of AArch64 with the dot product extension: 8 floats and 32 bytes are two registers each.
#pragma once

#include <arm_neon.h>

#include <cstddef>
#include <cstdint>

#include "kernels/cpu/generic/tile.h"

namespace hearth::cpu {
namespace {

struct Neon {
  static constexpr const char* kName = "neon";
  struct F8 {
    float32x4_t a, b;
  };
  struct B32 {
    uint8x16_t a, b;
  };

  static F8 zero() { return splat(0); }
  static F8 splat(float x) { return {vdupq_n_f32(x), vdupq_n_f32(x)}; }
  static F8 load(const float* p) { return {vld1q_f32(p), vld1q_f32(p + 4)}; }
  static void store(float* p, F8 x) {
    vst1q_f32(p, x.a);
    vst1q_f32(p + 4, x.b);
  }
  static F8 add(F8 x, F8 y) { return {vaddq_f32(x.a, y.a), vaddq_f32(x.b, y.b)}; }
  static F8 sub(F8 x, F8 y) { return {vsubq_f32(x.a, y.a), vsubq_f32(x.b, y.b)}; }
  static F8 mul(F8 x, F8 y) { return {vmulq_f32(x.a, y.a), vmulq_f32(x.b, y.b)}; }
  static F8 div(F8 x, F8 y) { return {vdivq_f32(x.a, y.a), vdivq_f32(x.b, y.b)}; }
  static F8 max(F8 x, F8 y) { return {vmaxq_f32(x.a, y.a), vmaxq_f32(x.b, y.b)}; }
  static F8 min(F8 x, F8 y) { return {vminq_f32(x.a, y.a), vminq_f32(x.b, y.b)}; }
  static F8 abs(F8 x) { return {vabsq_f32(x.a), vabsq_f32(x.b)}; }
  static F8 fma(F8 x, F8 y, F8 z) { return {vfmaq_f32(z.a, x.a, y.a), vfmaq_f32(z.b, x.b, y.b)}; }
  static F8 round(F8 x) { return {vrndnq_f32(x.a), vrndnq_f32(x.b)}; }
  static F8 power_of_two(F8 n) { return {power_of_two(n.a), power_of_two(n.b)}; }
  static float sum(F8 x) { return vaddvq_f32(vaddq_f32(x.a, x.b)); }
  static float largest(F8 x) { return vmaxvq_f32(vmaxq_f32(x.a, x.b)); }
  static void sum4(F8 w, F8 x, F8 y, F8 z, float* out) {
    const float32x4_t wx = vpaddq_f32(vaddq_f32(w.a, w.b), vaddq_f32(x.a, x.b));
    const float32x4_t yz = vpaddq_f32(vaddq_f32(y.a, y.b), vaddq_f32(z.a, z.b));
    vst1q_f32(out, vpaddq_f32(wx, yz));
  }
  static F8 splat_pair(const float* p) { return {vdupq_n_f32(p[0]), vdupq_n_f32(p[1])}; }
  static F8 twice_low(F8 x) { return {vzip1q_f32(x.a, x.a), vzip2q_f32(x.a, x.a)}; }
  static F8 twice_high(F8 x) { return {vzip1q_f32(x.b, x.b), vzip2q_f32(x.b, x.b)}; }

  static F8 load_f16(const void* p) {
    const uint16x8_t h = vreinterpretq_u16_u8(vld1q_u8(static_cast<const uint8_t*>(p)));
    return from_halves(h);
  }
  static F8 load_bf16(const void* p) {
    const uint16x8_t h = vreinterpretq_u16_u8(vld1q_u8(static_cast<const uint8_t*>(p)));
    return {vreinterpretq_f32_u32(vshlq_n_u32(vmovl_u16(vget_low_u16(h)), 16)),
            vreinterpretq_f32_u32(vshlq_n_u32(vmovl_u16(vget_high_u16(h)), 16))};
  }
  static F8 load_i8(const void* p) {
    const int16x8_t w = vmovl_s8(vld1_s8(static_cast<const int8_t*>(p)));
    return {vcvtq_f32_s32(vmovl_s16(vget_low_s16(w))), vcvtq_f32_s32(vmovl_s16(vget_high_s16(w)))};
  }
  static F8 load_u8(const void* p) {
    const uint16x8_t w = vmovl_u8(vld1_u8(static_cast<const uint8_t*>(p)));
    return {vcvtq_f32_u32(vmovl_u16(vget_low_u16(w))), vcvtq_f32_u32(vmovl_u16(vget_high_u16(w)))};
  }
  static F8 load_i16(const void* p) {
    const int16x8_t w = vreinterpretq_s16_u8(vld1q_u8(static_cast<const uint8_t*>(p)));
    return {vcvtq_f32_s32(vmovl_s16(vget_low_s16(w))), vcvtq_f32_s32(vmovl_s16(vget_high_s16(w)))};
  }
  static F8 gather_f16(const std::byte* p, size_t stride) {
    uint16_t h[8];
    for (size_t i = 0; i < 8; ++i) __builtin_memcpy(h + i, p + i * stride, 2);
    return from_halves(vld1q_u16(h));
  }
  static float half(const void* p) {
    uint16_t h;
    __builtin_memcpy(&h, p, 2);
    return vgetq_lane_f32(vcvt_f32_f16(vreinterpret_f16_u16(vdup_n_u16(h))), 0);
  }
  static void store_f16(void* p, F8 x) {
    const uint16x4_t low = vreinterpret_u16_f16(vcvt_f16_f32(x.a)), high = vreinterpret_u16_f16(vcvt_f16_f32(x.b));
    vst1q_u8(static_cast<uint8_t*>(p), vreinterpretq_u8_u16(vcombine_u16(low, high)));
  }
  static void store_i8(int8_t* p, F8 x) {
    const int16x8_t words = vcombine_s16(vqmovn_s32(vcvtq_s32_f32(x.a)), vqmovn_s32(vcvtq_s32_f32(x.b)));
    vst1_s8(p, vqmovn_s16(words));
  }

  static B32 load32(const void* p) {
    return {vld1q_u8(static_cast<const uint8_t*>(p)), vld1q_u8(static_cast<const uint8_t*>(p) + 16)};
  }
  static void store32(void* p, B32 x) {
    vst1q_u8(static_cast<uint8_t*>(p), x.a);
    vst1q_u8(static_cast<uint8_t*>(p) + 16, x.b);
  }
  static B32 splat8(int x) { return {vdupq_n_u8(static_cast<uint8_t>(x)), vdupq_n_u8(static_cast<uint8_t>(x))}; }
  static B32 bit_and(B32 x, B32 y) { return {vandq_u8(x.a, y.a), vandq_u8(x.b, y.b)}; }
  static B32 bit_or(B32 x, B32 y) { return {vorrq_u8(x.a, y.a), vorrq_u8(x.b, y.b)}; }
  template <int n>
  static B32 shift_right(B32 x) {
    return {vshrq_n_u8(x.a, n), vshrq_n_u8(x.b, n)};
  }
  template <int n>
  static B32 shift_left(B32 x) {
    return {vshlq_n_u8(x.a, n), vshlq_n_u8(x.b, n)};
  }
  static B32 nibbles(const void* p) {
    const uint8x16_t q = vld1q_u8(static_cast<const uint8_t*>(p));
    return {vandq_u8(q, vdupq_n_u8(15)), vshrq_n_u8(q, 4)};
  }
  static B32 look_up(const int8_t* table16, B32 index) {
    const uint8x16_t table = vreinterpretq_u8_s8(vld1q_s8(table16));
    return {vqtbl1q_u8(table, index.a), vqtbl1q_u8(table, index.b)};
  }
  static B32 from_bits(uint32_t bits, int value) {
    static constexpr uint8_t kBit[16] = {1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128};
    const uint8x16_t bit = vld1q_u8(kBit), set = vdupq_n_u8(static_cast<uint8_t>(value));
    const auto byte = [=](uint32_t i) { return vdup_n_u8(static_cast<uint8_t>(bits >> (8 * i))); };
    return {vandq_u8(vtstq_u8(vcombine_u8(byte(0), byte(1)), bit), set),
            vandq_u8(vtstq_u8(vcombine_u8(byte(2), byte(3)), bit), set)};
  }
  static void prefetch_far(const void* p) { __builtin_prefetch(p, 0, 2); }
  static void prefetch(const void* p) { __builtin_prefetch(p); }

  // Bytes up to 127 are the same signed or not.
  static F8 dot_u8(B32 u, B32 x) { return dot_s8(u, x); }
  static F8 dot_s8(B32 w, B32 x) {
    return {vcvtq_f32_s32(vdotq_s32(vdupq_n_s32(0), vreinterpretq_s8_u8(w.a), vreinterpretq_s8_u8(x.a))),
            vcvtq_f32_s32(vdotq_s32(vdupq_n_s32(0), vreinterpretq_s8_u8(w.b), vreinterpretq_s8_u8(x.b)))};
  }

  static constexpr uint32_t kFewColumns = 8, kSeveralColumns = 8;
  static constexpr uint32_t kTileLanes = 4, kTileVectors = 4, kTileColumns = 4, kPanelTiles = 2;
  static constexpr uint32_t kTileQueries = 6, kAttentionVectors = 4, kRowQueries = 2;
  using Tile = int32x4_t;
  using TileFloat = float32x4_t;
  static constexpr uint32_t chain(TileKind) { return 0; }
  static constexpr bool kUnsigned = false;
  static Tile tile_splat_int(int32_t x) { return vdupq_n_s32(x); }
  static Tile tile_splat8(int x) { return vreinterpretq_s32_u8(vdupq_n_u8(static_cast<uint8_t>(x))); }
  static void tile_store(void* p, Tile a) { vst1q_u8(static_cast<uint8_t*>(p), vreinterpretq_u8_s32(a)); }
  static Tile tile_and(Tile a, Tile b) { return vandq_s32(a, b); }
  static Tile tile_or(Tile a, Tile b) { return vorrq_s32(a, b); }
  template <int n>
  static Tile tile_shift_right(Tile a) {
    return vreinterpretq_s32_u8(vshrq_n_u8(vreinterpretq_u8_s32(a), n));
  }
  template <int n>
  static Tile tile_shift_left(Tile a) {
    return vreinterpretq_s32_u8(vshlq_n_u8(vreinterpretq_u8_s32(a), n));
  }
  static Tile tile_look_up(const int8_t* table16, Tile index) {
    return vreinterpretq_s32_u8(vqtbl1q_u8(vreinterpretq_u8_s8(vld1q_s8(table16)), vreinterpretq_u8_s32(index)));
  }
  // Byte i is all ones where bit 4 * step + i of its word is set.
  static Tile tile_bits(Tile words, uint32_t step) {
    static constexpr uint8_t kByte[16] = {0, 0, 0, 0, 4, 4, 4, 4, 8, 8, 8, 8, 12, 12, 12, 12};
    const uint8x16_t from = vaddq_u8(vld1q_u8(kByte), vdupq_n_u8(static_cast<uint8_t>(step / 2)));
    const uint8x16_t bit = vreinterpretq_u8_u32(vdupq_n_u32(step % 2 == 0 ? 0x08040201 : 0x80402010));
    return vreinterpretq_s32_u8(vtstq_u8(vqtbl1q_u8(vreinterpretq_u8_s32(words), from), bit));
  }
  // 16 bytes of each row: 4 of every row, four times.
  static void turn(const std::byte* p, size_t stride, Tile* t) {
    const auto row = [=](size_t r) { return tile_load(p + r * stride); };
    const auto low = [](Tile a, Tile b) {
      return vreinterpretq_s32_s64(vzip1q_s64(vreinterpretq_s64_s32(a), vreinterpretq_s64_s32(b)));
    };
    const auto high = [](Tile a, Tile b) {
      return vreinterpretq_s32_s64(vzip2q_s64(vreinterpretq_s64_s32(a), vreinterpretq_s64_s32(b)));
    };
    const Tile a = vzip1q_s32(row(0), row(1)), b = vzip2q_s32(row(0), row(1));
    const Tile c = vzip1q_s32(row(2), row(3)), d = vzip2q_s32(row(2), row(3));
    t[0] = low(a, c);
    t[1] = high(a, c);
    t[2] = low(b, d);
    t[3] = high(b, d);
  }
  // Words of the high half of one of a and the low half of one of b.
  static Tile tile_between(Tile a, Tile b) {
    const uint32x4_t first = vshrq_n_u32(vreinterpretq_u32_s32(a), 16);
    return vreinterpretq_s32_u32(vorrq_u32(first, vshlq_n_u32(vreinterpretq_u32_s32(b), 16)));
  }
  // Byte k of each word, as floats.
  static TileFloat tile_byte(Tile words, uint32_t k) {
    const uint32x4_t shifted = vshlq_u32(vreinterpretq_u32_s32(words), vdupq_n_s32(-8 * static_cast<int32_t>(k)));
    return vcvtq_f32_u32(vandq_u32(shifted, vdupq_n_u32(255)));
  }
  static TileFloat tile_signed_byte(Tile words, uint32_t k) {
    return vcvtq_f32_s32(vshrq_n_s32(vshlq_s32(words, vdupq_n_s32(24 - 8 * static_cast<int32_t>(k))), 24));
  }
  // The binary16 in the low or high half of each word.
  static TileFloat tile_low_half(Tile words) {
    return vcvt_f32_f16(vreinterpret_f16_u16(vmovn_u32(vreinterpretq_u32_s32(words))));
  }
  static TileFloat tile_high_half(Tile words) {
    return vcvt_f32_f16(vreinterpret_f16_u16(vshrn_n_u32(vreinterpretq_u32_s32(words), 16)));
  }
  static TileFloat tile_gather_f16(const std::byte* p, size_t stride) {
    uint16_t h[4];
    for (size_t i = 0; i < 4; ++i) __builtin_memcpy(h + i, p + i * stride, 2);
    return vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(h)));
  }
  static Tile tile_load(const void* p) { return vreinterpretq_s32_u8(vld1q_u8(static_cast<const uint8_t*>(p))); }
  static Tile tile_splat(const int8_t* x) {
    int32_t four;
    __builtin_memcpy(&four, x, 4);
    return vdupq_n_s32(four);
  }
  template <TileKind kind>
  static Tile tile_dot(Tile sum, Tile w, Tile x) {
    return vdotq_s32(sum, vreinterpretq_s8_s32(w), vreinterpretq_s8_s32(x));
  }
  // Makes the compiler forget what is known of a value.
  static void opaque([[maybe_unused]] Tile& a) {
#if defined(__aarch64__)  // not where the tests emulate it
    asm volatile("" : "+w"(a));
#endif
  }
  static TileFloat tile_load_float(const float* p) { return vld1q_f32(p); }
  static void tile_store_float(float* p, TileFloat a) { vst1q_f32(p, a); }
  static TileFloat tile_splat_float(float x) { return vdupq_n_f32(x); }
  static TileFloat tile_mul(TileFloat a, TileFloat b) { return vmulq_f32(a, b); }
  static TileFloat tile_fma(TileFloat a, TileFloat b, TileFloat c) { return vfmaq_f32(c, a, b); }
  static TileFloat tile_fnma(TileFloat a, TileFloat b, TileFloat c) { return vfmsq_f32(c, a, b); }  // c - a * b
  static TileFloat tile_to_float(Tile wide) { return vcvtq_f32_s32(wide); }

 private:
  static F8 from_halves(uint16x8_t h) {
    return {vcvt_f32_f16(vreinterpret_f16_u16(vget_low_u16(h))), vcvt_f32_f16(vreinterpret_f16_u16(vget_high_u16(h)))};
  }
  static float32x4_t power_of_two(float32x4_t n) {
    return vreinterpretq_f32_s32(vshlq_n_s32(vaddq_s32(vcvtq_s32_f32(n), vdupq_n_s32(127)), 23));
  }
};

}  // namespace
}  // namespace hearth::cpu
