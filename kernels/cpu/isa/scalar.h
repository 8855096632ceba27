// The vocabulary in plain C++: what every other instruction set is compared with, and runs where nothing better does.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/cpu/generic/tile.h"

namespace hearth::cpu {
namespace {

struct Scalar {
  static constexpr const char* kName = "scalar";
  struct F8 {
    float v[8];
  };
  struct B32 {
    uint8_t v[32];
  };

  template <class F>
  static F8 each(F&& f) {
    F8 r;
    for (int i = 0; i < 8; ++i) r.v[i] = f(i);
    return r;
  }
  template <class F>
  static B32 each_byte(F&& f) {
    B32 r;
    for (int i = 0; i < 32; ++i) r.v[i] = static_cast<uint8_t>(f(i));
    return r;
  }

  static F8 zero() { return splat(0); }
  static F8 splat(float x) {
    return each([=](int) { return x; });
  }
  static F8 load(const float* p) {
    F8 r;
    __builtin_memcpy(&r, p, sizeof r);
    return r;
  }
  static void store(float* p, F8 a) { __builtin_memcpy(p, &a, sizeof a); }
  static F8 add(F8 a, F8 b) {
    return each([&](int i) { return a.v[i] + b.v[i]; });
  }
  static F8 sub(F8 a, F8 b) {
    return each([&](int i) { return a.v[i] - b.v[i]; });
  }
  static F8 mul(F8 a, F8 b) {
    return each([&](int i) { return a.v[i] * b.v[i]; });
  }
  static F8 div(F8 a, F8 b) {
    return each([&](int i) { return a.v[i] / b.v[i]; });
  }
  // As on x86, the second operand where one is not a number.
  static F8 max(F8 a, F8 b) {
    return each([&](int i) { return a.v[i] > b.v[i] ? a.v[i] : b.v[i]; });
  }
  static F8 min(F8 a, F8 b) {
    return each([&](int i) { return a.v[i] < b.v[i] ? a.v[i] : b.v[i]; });
  }
  static F8 abs(F8 a) {
    return each([&](int i) { return __builtin_fabsf(a.v[i]); });
  }
  static F8 fma(F8 a, F8 b, F8 c) {
    return each([&](int i) { return a.v[i] * b.v[i] + c.v[i]; });
  }
  static F8 round(F8 a) {
    // Adding and taking away 1.5 * 2^23 leaves the nearest whole number, ties to even, below 2^22.
    return each(
        [&](int i) { return __builtin_fabsf(a.v[i]) < 4194304.0f ? (a.v[i] + 12582912.0f) - 12582912.0f : a.v[i]; });
  }
  static F8 power_of_two(F8 n) {
    return each([&](int i) {
      const uint32_t bits =
          n.v[i] == n.v[i] ? static_cast<uint32_t>(static_cast<int>(n.v[i]) + 127) << 23 : 0x7fc00000u;
      return float_of(bits);
    });
  }
  static float sum(F8 a) { return ((a.v[0] + a.v[4]) + (a.v[2] + a.v[6])) + ((a.v[1] + a.v[5]) + (a.v[3] + a.v[7])); }
  static float largest(F8 a) {
    float r = a.v[0];
    for (float x : a.v) r = r > x ? r : x;
    return r;
  }
  static void sum4(F8 a, F8 b, F8 c, F8 d, float* out) {
    out[0] = sum(a);
    out[1] = sum(b);
    out[2] = sum(c);
    out[3] = sum(d);
  }
  static F8 splat_pair(const float* p) {
    return each([=](int i) { return p[i / 4]; });
  }
  static F8 twice_low(F8 a) {
    return each([&](int i) { return a.v[i / 2]; });
  }
  static F8 twice_high(F8 a) {
    return each([&](int i) { return a.v[4 + i / 2]; });
  }
  static F8 load_f16(const void* p) {
    return each([=](int i) { return half(static_cast<const std::byte*>(p) + 2 * i); });
  }
  static F8 load_bf16(const void* p) {
    return each([=](int i) { return float_of(uint32_t{half_bits(static_cast<const std::byte*>(p) + 2 * i)} << 16); });
  }
  static F8 load_i8(const void* p) {
    return each([=](int i) { return static_cast<float>(static_cast<const int8_t*>(p)[i]); });
  }
  static F8 load_u8(const void* p) {
    return each([=](int i) { return static_cast<float>(static_cast<const uint8_t*>(p)[i]); });
  }
  static F8 load_i16(const void* p) {
    int16_t v[8];
    __builtin_memcpy(v, p, sizeof v);
    return each([&](int i) { return static_cast<float>(v[i]); });
  }
  static F8 gather_f16(const std::byte* p, size_t stride) {
    return each([=](int i) { return half(p + static_cast<size_t>(i) * stride); });
  }
  static float half(const void* p) {
    const uint32_t h = half_bits(p), sign = (h & 0x8000) << 16, magnitude = h & 0x7fff;
    if (magnitude >= 0x7c00) return float_of(sign | 0x7f800000 | (magnitude & 0x3ff) << 13);
    if (magnitude >= 0x400) return float_of(sign | ((magnitude << 13) + (112u << 23)));
    const float subnormal = static_cast<float>(magnitude) * 0x1p-24f;
    return sign != 0 ? -subnormal : subnormal;
  }
  static void store_f16(void* p, F8 a) {
    uint16_t halves[8];
    for (int i = 0; i < 8; ++i) halves[i] = to_half(a.v[i]);
    __builtin_memcpy(p, halves, sizeof halves);
  }
  static void store_i8(int8_t* p, F8 a) {
    for (int i = 0; i < 8; ++i) p[i] = a.v[i] == a.v[i] ? static_cast<int8_t>(a.v[i]) : int8_t{0};
  }

  static B32 load32(const void* p) {
    B32 r;
    __builtin_memcpy(&r, p, 32);
    return r;
  }
  static void store32(void* p, B32 a) { __builtin_memcpy(p, &a, 32); }
  static B32 splat8(int x) {
    return each_byte([=](int) { return x; });
  }
  static B32 bit_and(B32 a, B32 b) {
    return each_byte([&](int i) { return a.v[i] & b.v[i]; });
  }
  static B32 bit_or(B32 a, B32 b) {
    return each_byte([&](int i) { return a.v[i] | b.v[i]; });
  }
  template <int n>
  static B32 shift_right(B32 a) {
    return each_byte([&](int i) { return a.v[i] >> n; });
  }
  template <int n>
  static B32 shift_left(B32 a) {
    return each_byte([&](int i) { return a.v[i] << n; });
  }
  static B32 nibbles(const void* p) {
    const auto* q = static_cast<const uint8_t*>(p);
    return each_byte([=](int i) { return i < 16 ? q[i] & 15 : q[i - 16] >> 4; });
  }
  static B32 look_up(const int8_t* table16, B32 index) {
    return each_byte([&](int i) { return table16[index.v[i]]; });
  }
  static B32 from_bits(uint32_t bits, int value) {
    return each_byte([=](int i) { return (bits >> i & 1u) != 0 ? value : 0; });
  }
  static void prefetch_far(const void*) {}
  static void prefetch(const void*) {}

  static F8 dot_u8(B32 u, B32 x) {
    return each([&](int i) {
      int s = 0;
      for (int k = 4 * i; k < 4 * i + 4; ++k) s += u.v[k] * static_cast<int8_t>(x.v[k]);
      return static_cast<float>(s);
    });
  }
  static F8 dot_s8(B32 w, B32 x) {
    return each([&](int i) {
      int s = 0;
      for (int k = 4 * i; k < 4 * i + 4; ++k) s += static_cast<int8_t>(w.v[k]) * static_cast<int8_t>(x.v[k]);
      return static_cast<float>(s);
    });
  }

  static constexpr uint32_t kFewColumns = 8, kSeveralColumns = 8;
  static constexpr uint32_t kTileLanes = 8, kTileVectors = 1, kTileColumns = 2, kPanelTiles = 1;
  static constexpr uint32_t kTileQueries = 2, kAttentionVectors = 1, kRowQueries = 2;
  using Tile = B32;  // weights and activations; sums are 8 int32 in the same bytes
  using TileFloat = F8;
  static constexpr uint32_t chain(TileKind) { return 0; }
  static constexpr bool kUnsigned = false;
  static Tile tile_splat_int(int32_t x) {
    return each_byte([=](int i) { return static_cast<uint32_t>(x) >> (8 * (i % 4)); });
  }
  static Tile tile_splat8(int x) { return splat8(x); }
  static void tile_store(void* p, Tile a) { store32(p, a); }
  static Tile tile_and(Tile a, Tile b) { return bit_and(a, b); }
  static Tile tile_or(Tile a, Tile b) { return bit_or(a, b); }
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
    return each_byte([&](int i) {
      const uint32_t bit = 4 * step + static_cast<uint32_t>(i) % 4;
      return (words.v[static_cast<uint32_t>(i) / 4 * 4 + bit / 8] >> bit % 8 & 1) != 0 ? 255 : 0;
    });
  }
  // 16 bytes of each row: 4 of every row, four times.
  static void turn(const std::byte* p, size_t stride, Tile* t) {
    for (size_t r = 0; r < 8; ++r)
      for (size_t i = 0; i < 4; ++i) __builtin_memcpy(t[i].v + 4 * r, p + r * stride + 4 * i, 4);
  }
  // Words of the high half of one of a and the low half of one of b.
  static Tile tile_between(Tile a, Tile b) {
    return each_byte([&](int i) { return i % 4 < 2 ? a.v[i + 2] : b.v[i - 2]; });
  }
  // Byte k of each word, as floats.
  static TileFloat tile_byte(Tile words, uint32_t k) {
    return each([&](int i) { return static_cast<float>(words.v[4 * static_cast<uint32_t>(i) + k]); });
  }
  static TileFloat tile_signed_byte(Tile words, uint32_t k) {
    return each(
        [&](int i) { return static_cast<float>(static_cast<int8_t>(words.v[4 * static_cast<uint32_t>(i) + k])); });
  }
  // The binary16 in the low or high half of each word.
  static TileFloat tile_low_half(Tile words) {
    return each([&](int i) { return half(reinterpret_cast<const std::byte*>(words.v + 4 * i)); });
  }
  static TileFloat tile_high_half(Tile words) {
    return each([&](int i) { return half(reinterpret_cast<const std::byte*>(words.v + 4 * i + 2)); });
  }
  static TileFloat tile_gather_f16(const std::byte* p, size_t stride) { return gather_f16(p, stride); }
  static Tile tile_load(const void* p) { return load32(p); }
  static Tile tile_splat(const int8_t* x) {
    return each_byte([=](int i) { return x[i % 4]; });
  }
  template <TileKind kind>
  static Tile tile_dot(Tile sum, Tile w, Tile x) {
    int32_t sums[8];
    __builtin_memcpy(sums, &sum, sizeof sums);
    for (int i = 0; i < 32; ++i) sums[i / 4] += static_cast<int8_t>(w.v[i]) * static_cast<int8_t>(x.v[i]);
    return load32(sums);
  }
  // Makes the compiler forget what is known of a value.
  static void opaque(Tile& a) { asm volatile("" : "+m"(a)); }
  static TileFloat tile_load_float(const float* p) { return load(p); }
  static void tile_store_float(float* p, TileFloat a) { store(p, a); }
  static TileFloat tile_splat_float(float x) { return splat(x); }
  static TileFloat tile_mul(TileFloat a, TileFloat b) { return mul(a, b); }
  static TileFloat tile_fma(TileFloat a, TileFloat b, TileFloat c) { return fma(a, b, c); }
  static TileFloat tile_fnma(TileFloat a, TileFloat b, TileFloat c) {  // c - a * b
    return each([&](int i) { return c.v[i] - a.v[i] * b.v[i]; });
  }
  static TileFloat tile_to_float(Tile wide) {
    int32_t sums[8];
    __builtin_memcpy(sums, &wide, sizeof sums);
    return each([&](int i) { return static_cast<float>(sums[i]); });
  }

 private:
  static float float_of(uint32_t bits) { return __builtin_bit_cast(float, bits); }
  static uint16_t half_bits(const void* p) {
    uint16_t h;
    __builtin_memcpy(&h, p, 2);
    return h;
  }
  static uint16_t to_half(float x) {
    const auto bits = __builtin_bit_cast(uint32_t, x);
    const uint32_t sign = bits >> 16 & 0x8000, magnitude = bits & 0x7fffffff;
    if (magnitude > 0x7f800000) return static_cast<uint16_t>(sign | 0x7e00);
    if (magnitude >= 0x477ff000) return static_cast<uint16_t>(sign | 0x7c00);
    if (magnitude < 0x38800000)  // subnormal: adding 1/2 puts the result's last bit where float's last is
      return static_cast<uint16_t>(sign | (__builtin_bit_cast(uint32_t, float_of(magnitude) + 0.5f) - 0x3f000000));
    return static_cast<uint16_t>(sign | (magnitude + 0xfff + (magnitude >> 13 & 1) - (112u << 23)) >> 13);
  }
};

}  // namespace
}  // namespace hearth::cpu
