// One unpack per block format, in the vocabulary of an instruction set I: 256 weights are w = s * (q - offset) - m,
// with q as bytes and one s and m for each 32 or 16 of them. Bytes of one row, or of many rows at once (turned.h).
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/cpu/generic/tile.h"
#include "kernels/cpu/table.h"
#include "quant/blocks.h"

namespace hearth::cpu {
namespace {

// Copies of the tables of quant: constants of other folders could become weak symbols here.
constexpr int8_t kIq4[16] = {-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};
constexpr int8_t kFp4Plus12[16] = {12, 13, 14, 15, 16, 18, 20, 24, 12, 11, 10, 9, 8, 6, 4, 0};

inline uint32_t word_at(const std::byte* p) {
  uint32_t word;
  __builtin_memcpy(&word, p, 4);
  return word;
}

// An address that may lie outside the weights, for prefetching.
inline const void* past(const std::byte* p, size_t bytes) {
  return reinterpret_cast<const void*>(reinterpret_cast<uintptr_t>(p) + bytes);
}

// A member of every Unpack:
//   kTile    the kind of q; s8 where q is signed
//   kGroups  8 or 16 values of s (and of m) for a unit of 256
//   kOffset  what is taken from q
//   kMin     whether there is an m
//   kLargest the largest q, where it is less than the kind allows
//   kExpands whether the bytes are those of an Expanded, which the format of the task makes
//   scales(p, s, m)     s, m: [kGroups], of one row
//   each_group(p, f)    calls f(j, 32 bytes) for the groups of 32, j = 0 to 7; p: a place in one row, or in many
// Where the scales of many rows are worth a way of their own:
//   turn_scales(place, store_s, store_m)  calls them with (group, the values of all rows)
template <class I, class Block>
struct Unpack;

// Formats of 32 values: eight blocks are a unit.
template <class I, class B, TileKind tile, int offset>
struct UnpackSmall {
  using Block = B;
  static constexpr TileKind kTile = tile;
  static constexpr uint32_t kGroups = 8;
  static constexpr int kOffset = offset;
  static constexpr bool kMin = false, kExpands = false;
  static constexpr size_t kHalfScale = offsetof(B, d);  // a binary16 there is s
  static void scales(const std::byte* p, float* s, float*) {
    I::store(s, I::gather_f16(p + offsetof(B, d), sizeof(B)));
  }
};

template <class I>
struct Unpack<I, BlockQ4_0> : UnpackSmall<I, BlockQ4_0, TileKind::u4, 8> {
  template <class P, class F>
  static void each_group(P p, F&& f) {
    for (int j = 0; j < 8; ++j) f(j, I::nibbles(p + j * sizeof(BlockQ4_0) + offsetof(BlockQ4_0, q)));
  }
};

template <class I>
struct Unpack<I, BlockQ5_0> : UnpackSmall<I, BlockQ5_0, TileKind::u5, 16> {
  template <class P, class F>
  static void each_group(P p, F&& f) {
    for (int j = 0; j < 8; ++j, p = p + sizeof(BlockQ5_0))
      f(j, I::bit_or(I::nibbles(p + offsetof(BlockQ5_0, q)), I::from_bits(word_at(p + offsetof(BlockQ5_0, high)), 16)));
  }
};

template <class I>
struct Unpack<I, BlockQ8_0> : UnpackSmall<I, BlockQ8_0, TileKind::s8, 0> {
  template <class P, class F>
  static void each_group(P p, F&& f) {
    for (int j = 0; j < 8; ++j) f(j, I::load32(p + j * sizeof(BlockQ8_0) + offsetof(BlockQ8_0, q)));
  }
};

template <class I>
struct Unpack<I, BlockIQ4_NL> : UnpackSmall<I, BlockIQ4_NL, TileKind::s8, 0> {
  template <class P, class F>
  static void each_group(P p, F&& f) {
    for (int j = 0; j < 8; ++j)
      f(j, I::look_up(kIq4, I::nibbles(p + j * sizeof(BlockIQ4_NL) + offsetof(BlockIQ4_NL, q))));
  }
};

template <class I, class B>
struct UnpackWithMin : UnpackSmall<I, B, TileKind::u4, 0> {
  static constexpr bool kMin = true;
  static constexpr size_t kHalfPlus = offsetof(B, m);  // a binary16 there is -m
  static void scales(const std::byte* p, float* s, float* m) {
    I::store(s, I::gather_f16(p + offsetof(B, d), sizeof(B)));
    I::store(m, I::sub(I::zero(), I::gather_f16(p + offsetof(B, m), sizeof(B))));
  }
};

template <class I>
struct Unpack<I, BlockQ4_1> : UnpackWithMin<I, BlockQ4_1> {
  template <class P, class F>
  static void each_group(P p, F&& f) {
    for (int j = 0; j < 8; ++j) f(j, I::nibbles(p + j * sizeof(BlockQ4_1) + offsetof(BlockQ4_1, q)));
  }
};

template <class I>
struct Unpack<I, BlockQ5_1> : UnpackWithMin<I, BlockQ5_1> {
  static constexpr TileKind kTile = TileKind::u5;
  template <class P, class F>
  static void each_group(P p, F&& f) {
    for (int j = 0; j < 8; ++j, p = p + sizeof(BlockQ5_1))
      f(j, I::bit_or(I::nibbles(p + offsetof(BlockQ5_1, q)), I::from_bits(word_at(p + offsetof(BlockQ5_1, high)), 16)));
  }
};

template <class B, TileKind tile, uint32_t groups, int offset, bool min>
struct UnpackConstants {
  using Block = B;
  static constexpr TileKind kTile = tile;
  static constexpr uint32_t kGroups = groups;
  static constexpr int kOffset = offset;
  static constexpr bool kMin = min, kExpands = false;
};

template <class I>
struct Unpack<I, BlockMXFP4> : UnpackConstants<BlockMXFP4, TileKind::u5, 8, 12, false> {
  static void scales(const std::byte* p, float* s, float*) {
    for (int j = 0; j < 8; ++j) {  // 2^(e - 128), whose two smallest are subnormal
      const auto e = static_cast<uint32_t>(p[j * sizeof(BlockMXFP4)]);
      const uint32_t bits = e >= 2 ? (e - 1) << 23 : 0x00200000u << e;
      __builtin_memcpy(s + j, &bits, 4);
    }
  }
  template <class P, class F>
  static void each_group(P p, F&& f) {
    for (int j = 0; j < 8; ++j)
      f(j, I::look_up(kFp4Plus12, I::nibbles(p + j * sizeof(BlockMXFP4) + offsetof(BlockMXFP4, q))));
  }
};

// Any coded format, once expanded.
struct ExpandedUnit : Expanded {
  static constexpr uint32_t kSize = 256;
};
template <class I>
struct Unpack<I, ExpandedUnit> : UnpackConstants<ExpandedUnit, TileKind::s8, 16, 0, false> {
  static constexpr bool kExpands = true;
  static void scales(const std::byte* p, float* s, float*) {
    for (int i = 0; i < 16; i += 8)
      I::store(s + i, I::load(reinterpret_cast<const float*>(p + sizeof(Expanded::q)) + i));
  }
  template <class P, class F>
  static void each_group(P p, F&& f) {
    for (int j = 0; j < 8; ++j) f(j, I::load32(p + 32 * j));
  }
};

// The 6-bit scales and mins that Q4_K and Q5_K share.
template <class I, class B>
void scales_of_six_bits(const std::byte* p, float* s, float* m) {
  const std::byte* packed = p + offsetof(B, scales);
  const uint32_t a = word_at(packed), b = word_at(packed + 4), c = word_at(packed + 8);
  const uint32_t bytes[4] = {a & 0x3f3f3f3f, (c & 0x0f0f0f0f) | (a >> 6 & 0x03030303) << 4, b & 0x3f3f3f3f,
                             (c >> 4 & 0x0f0f0f0f) | (b >> 6 & 0x03030303) << 4};
  I::store(s, I::mul(I::load_u8(bytes), I::splat(I::half(p + offsetof(B, d)))));
  I::store(m, I::mul(I::load_u8(bytes + 2), I::splat(I::half(p + offsetof(B, m)))));
}

// The same of many rows; the scales follow d and m.
template <class I, class B, class P, class S, class M>
[[gnu::always_inline]] inline void turn_scales_of_six_bits(P at, S&& store_s, M&& store_m) {
  static_assert(offsetof(B, d) == 0 && offsetof(B, m) == 2 && offsetof(B, scales) == 4);
  typename I::Tile head[4];
  I::turn(at.p, at.stride, head);
  const auto six = I::tile_splat8(0x3f), four = I::tile_splat8(0x0f), two = I::tile_splat8(0x30);
  const auto upper = [&](auto low, auto high) __attribute__((always_inline)) {
    return I::tile_or(I::tile_and(low, four), I::tile_and(I::template tile_shift_right<2>(high), two));
  };
  const auto a = head[1], b = head[2], c = head[3];
  const auto d = I::tile_low_half(head[0]), m = I::tile_high_half(head[0]);
  const auto scales = I::tile_and(a, six), more_scales = upper(c, a);
  const auto mins = I::tile_and(b, six), more_mins = upper(I::template tile_shift_right<4>(c), b);
  for (uint32_t i = 0; i < 4; ++i) {
    store_s(i, I::tile_mul(I::tile_byte(scales, i), d));
    store_s(4 + i, I::tile_mul(I::tile_byte(more_scales, i), d));
    store_m(i, I::tile_mul(I::tile_byte(mins, i), m));
    store_m(4 + i, I::tile_mul(I::tile_byte(more_mins, i), m));
  }
}

template <class I>
struct Unpack<I, BlockQ4_K> : UnpackConstants<BlockQ4_K, TileKind::u4, 8, 0, true> {
  static void scales(const std::byte* p, float* s, float* m) { scales_of_six_bits<I, BlockQ4_K>(p, s, m); }
  template <class P, class S, class M>
  [[gnu::always_inline]] static void turn_scales(P at, S&& store_s, M&& store_m) {
    turn_scales_of_six_bits<I, BlockQ4_K>(at, store_s, store_m);
  }
  template <class P, class F>
  static void each_group(P p, F&& f) {
    for (int i = 0; i < 4; ++i) {
      const auto q = I::load32(p + offsetof(BlockQ4_K, q) + 32 * i);
      f(2 * i, I::bit_and(q, I::splat8(15)));
      f(2 * i + 1, I::bit_and(I::template shift_right<4>(q), I::splat8(15)));
    }
  }
};

template <class I>
struct Unpack<I, BlockQ5_K> : UnpackConstants<BlockQ5_K, TileKind::u5, 8, 0, true> {
  static void scales(const std::byte* p, float* s, float* m) { scales_of_six_bits<I, BlockQ5_K>(p, s, m); }
  template <class P, class S, class M>
  [[gnu::always_inline]] static void turn_scales(P at, S&& store_s, M&& store_m) {
    turn_scales_of_six_bits<I, BlockQ5_K>(at, store_s, store_m);
  }
  template <class P, class F>
  static void each_group(P p, F&& f) {
    auto high = I::load32(p + offsetof(BlockQ5_K, high));  // the fifth bits of the next two groups are bits 0 and 1
    for (int i = 0; i < 4; ++i) {
      const auto q = I::load32(p + offsetof(BlockQ5_K, q) + 32 * i);
      f(2 * i, I::bit_or(I::bit_and(q, I::splat8(15)), I::bit_and(I::template shift_left<4>(high), I::splat8(16))));
      f(2 * i + 1, I::bit_or(I::bit_and(I::template shift_right<4>(q), I::splat8(15)),
                             I::bit_and(I::template shift_left<3>(high), I::splat8(16))));
      high = I::template shift_right<2>(high);
    }
  }
};

template <class I>
struct Unpack<I, BlockQ6_K> : UnpackConstants<BlockQ6_K, TileKind::u6, 16, 32, false> {
  static void scales(const std::byte* p, float* s, float*) {
    const auto d = I::splat(I::half(p + offsetof(BlockQ6_K, d)));
    for (int i = 0; i < 16; i += 8) I::store(s + i, I::mul(I::load_i8(p + offsetof(BlockQ6_K, scales) + i), d));
  }
  template <class P, class S, class M>
  [[gnu::always_inline]] static void turn_scales(P at, S&& store_s, M&&) {
    typename I::Tile scales[4];
    I::turn(at.p + offsetof(BlockQ6_K, scales), at.stride, scales);
    const auto d = I::tile_gather_f16(at.p + offsetof(BlockQ6_K, d), at.stride);
    for (uint32_t g = 0; g < 16; ++g) store_s(g, I::tile_mul(I::tile_signed_byte(scales[g / 4], g % 4), d));
  }
  template <class P, class F>
  static void each_group(P p, F&& f) {
    const auto four = I::splat8(15), two = I::splat8(48);
    for (int h = 0; h < 2; ++h) {
      const auto a = I::load32(p + offsetof(BlockQ6_K, low) + 64 * h);
      const auto b = I::load32(p + offsetof(BlockQ6_K, low) + 64 * h + 32);
      const auto high = I::load32(p + offsetof(BlockQ6_K, high) + 32 * h);
      f(4 * h, I::bit_or(I::bit_and(a, four), I::bit_and(I::template shift_left<4>(high), two)));
      f(4 * h + 1, I::bit_or(I::bit_and(b, four), I::bit_and(I::template shift_left<2>(high), two)));
      f(4 * h + 2, I::bit_or(I::bit_and(I::template shift_right<4>(a), four), I::bit_and(high, two)));
      f(4 * h + 3,
        I::bit_or(I::bit_and(I::template shift_right<4>(b), four), I::bit_and(I::template shift_right<2>(high), two)));
    }
  }
};

template <class I>
struct Unpack<I, BlockQ2_K> : UnpackConstants<BlockQ2_K, TileKind::u4, 16, 0, true> {
  static constexpr int kLargest = 3;
  static void scales(const std::byte* p, float* s, float* m) {
    const auto d = I::splat(I::half(p + offsetof(BlockQ2_K, d))), min = I::splat(I::half(p + offsetof(BlockQ2_K, m)));
    uint8_t bytes[32];  // scales, then mins
    I::store32(bytes, I::nibbles(p + offsetof(BlockQ2_K, scales)));
    for (int i = 0; i < 16; i += 8) {
      I::store(s + i, I::mul(I::load_u8(bytes + i), d));
      I::store(m + i, I::mul(I::load_u8(bytes + 16 + i), min));
    }
  }
  template <class P, class S, class M>
  [[gnu::always_inline]] static void turn_scales(P at, S&& store_s, M&& store_m) {
    typename I::Tile packed[4];
    I::turn(at.p + offsetof(BlockQ2_K, scales), at.stride, packed);
    const auto d = I::tile_gather_f16(at.p + offsetof(BlockQ2_K, d), at.stride);
    const auto m = I::tile_gather_f16(at.p + offsetof(BlockQ2_K, m), at.stride);
    const auto low = I::tile_splat8(15);
    for (uint32_t g = 0; g < 16; ++g) {
      store_s(g, I::tile_mul(I::tile_byte(I::tile_and(packed[g / 4], low), g % 4), d));
      const auto high = I::tile_and(I::template tile_shift_right<4>(packed[g / 4]), low);
      store_m(g, I::tile_mul(I::tile_byte(high, g % 4), m));
    }
  }
  template <class P, class F>
  static void each_group(P p, F&& f) {
    for (int h = 0; h < 2; ++h) {
      const auto q = I::load32(p + offsetof(BlockQ2_K, q) + 32 * h);
      f(4 * h, I::bit_and(q, I::splat8(3)));
      f(4 * h + 1, I::bit_and(I::template shift_right<2>(q), I::splat8(3)));
      f(4 * h + 2, I::bit_and(I::template shift_right<4>(q), I::splat8(3)));
      f(4 * h + 3, I::bit_and(I::template shift_right<6>(q), I::splat8(3)));
    }
  }
};

template <class I>
struct Unpack<I, BlockQ3_K> : UnpackConstants<BlockQ3_K, TileKind::u4, 16, 4, false> {
  static constexpr int kLargest = 7;
  static void scales(const std::byte* p, float* s, float*) {
    const std::byte* packed = p + offsetof(BlockQ3_K, scales);
    const uint32_t a = word_at(packed), b = word_at(packed + 4), top = word_at(packed + 8);
    const uint32_t low = 0x0f0f0f0f, two = 0x03030303;
    const uint32_t bytes[4] = {(a & low) | (top & two) << 4, (b & low) | (top >> 2 & two) << 4,
                               (a >> 4 & low) | (top >> 4 & two) << 4, (b >> 4 & low) | (top >> 6 & two) << 4};
    const auto d = I::splat(I::half(p + offsetof(BlockQ3_K, d)));
    for (int i = 0; i < 2; ++i) I::store(s + 8 * i, I::mul(I::sub(I::load_u8(bytes + 2 * i), I::splat(32.0f)), d));
  }
  template <class P, class F>
  static void each_group(P p, F&& f) {
    auto high = I::load32(p + offsetof(BlockQ3_K, high));  // the third bits of the next four groups are bits 0 to 3
    const auto two = I::splat8(3), third = I::splat8(4);
    for (int h = 0; h < 2; ++h) {
      const auto q = I::load32(p + offsetof(BlockQ3_K, q) + 32 * h);
      f(4 * h, I::bit_or(I::bit_and(q, two), I::bit_and(I::template shift_left<2>(high), third)));
      f(4 * h + 1,
        I::bit_or(I::bit_and(I::template shift_right<2>(q), two), I::bit_and(I::template shift_left<1>(high), third)));
      f(4 * h + 2, I::bit_or(I::bit_and(I::template shift_right<4>(q), two), I::bit_and(high, third)));
      f(4 * h + 3,
        I::bit_or(I::bit_and(I::template shift_right<6>(q), two), I::bit_and(I::template shift_right<1>(high), third)));
      high = I::template shift_right<4>(high);
    }
  }
};

template <class I>
struct Unpack<I, BlockIQ4_XS> : UnpackConstants<BlockIQ4_XS, TileKind::s8, 8, 0, false> {
  static void scales(const std::byte* p, float* s, float*) {
    const uint32_t low = word_at(p + offsetof(BlockIQ4_XS, scales_low));
    const uint32_t high = word_at(p) >> 16;
    static_assert(offsetof(BlockIQ4_XS, scales_high) == 2);
    uint8_t bytes[8];
    for (uint32_t g = 0; g < 8; ++g)
      bytes[g] = static_cast<uint8_t>((low >> (4 * g) & 15u) | (high >> (2 * g) & 3u) << 4);
    I::store(s, I::mul(I::sub(I::load_u8(bytes), I::splat(32.0f)), I::splat(I::half(p))));
  }
  template <class P, class S, class M>
  [[gnu::always_inline]] static void turn_scales(P at, S&& store_s, M&&) {
    static_assert(offsetof(BlockIQ4_XS, d) == 0 && offsetof(BlockIQ4_XS, scales_low) == 4);
    typename I::Tile head[4];
    I::turn(at.p, at.stride, head);
    const auto four = I::tile_splat8(15), two = I::tile_splat8(3);
    const auto d = I::tile_low_half(head[0]);
    const typename I::Tile low[2] = {I::tile_and(head[1], four),
                                     I::tile_and(I::template tile_shift_right<4>(head[1]), four)};
    const typename I::Tile high[4] = {I::tile_and(head[0], two),
                                      I::tile_and(I::template tile_shift_right<2>(head[0]), two),
                                      I::tile_and(I::template tile_shift_right<4>(head[0]), two),
                                      I::tile_and(I::template tile_shift_right<6>(head[0]), two)};
    for (uint32_t g = 0; g < 8; ++g) {
      const auto lower = I::tile_fma(I::tile_byte(low[g % 2], g / 2), I::tile_splat_float(1), I::tile_splat_float(-32));
      const auto scale = I::tile_fma(I::tile_byte(high[g % 4], 2 + g / 4), I::tile_splat_float(16), lower);
      store_s(g, I::tile_mul(scale, d));
    }
  }
  template <class P, class F>
  static void each_group(P p, F&& f) {
    for (int j = 0; j < 8; ++j) f(j, I::look_up(kIq4, I::nibbles(p + offsetof(BlockIQ4_XS, q) + 16 * j)));
  }
};

template <class U>
constexpr size_t kUnitBytes = 256 / U::Block::kSize * sizeof(typename U::Block);

// The bytes of a unit as it lies in the weights.
inline size_t coded_bytes(const FormatInfo& format) { return 256 / format.block_size * format.block_bytes; }

// Expands a unit of a coded format.
inline void expand_unit(const Matmul& task, uint32_t row, uint32_t unit, Expanded& expanded) {
  const uint32_t rest = task.width - unit * 256;
  task.format->expand(task.weights + row * task.row_bytes + unit * coded_bytes(*task.format), rest < 256 ? rest : 256,
                      expanded);
}

// A copy of a unit, of which only the blocks that the row has are written.
template <class U>
void copy_unit(const Matmul& task, uint32_t row, uint32_t unit, std::byte* copy) {
  const uint32_t rest = task.width - unit * 256, values = rest < 256 ? rest : 256;
  __builtin_memcpy(copy, task.weights + row * task.row_bytes + unit * kUnitBytes<U>,
                   values / U::Block::kSize * sizeof(typename U::Block));
}

}  // namespace
}  // namespace hearth::cpu
