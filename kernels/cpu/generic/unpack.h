// One unpack per block format, in the vocabulary of an instruction set I: 256 weights are w = s * q - m, with q as
// bytes and one s and m for each 32 or 16 of them. The dot products and the tiles are both made from it.
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

inline uint32_t word_at(const void* p) {
  uint32_t word;
  __builtin_memcpy(&word, p, 4);
  return word;
}

// A member of every Unpack:
//   kTile    the kind of q; s8 where q is signed
//   kGroups  8 or 16 values of s (and of m) for a unit of 256
//   kMin     whether there is an m
//   kExpands whether the bytes are those of an Expanded, which the format of the task makes
//   scales(p, s, m)     s, m: [kGroups]
//   each_group(p, f)    calls f(j, 32 bytes) for the groups of 32, j = 0 to 7
template <class I, class Block>
struct Unpack;

// Formats of 32 values: eight blocks are a unit.
template <class I, class B, TileKind tile, int offset>
struct UnpackSmall {
  using Block = B;
  static constexpr TileKind kTile = tile;
  static constexpr uint32_t kGroups = 8;
  static constexpr bool kMin = offset != 0, kExpands = false;
  static void scales(const std::byte* p, float* s, float* m) {
    const auto d = I::gather_f16(p + offsetof(B, d), sizeof(B));
    I::store(s, d);
    if constexpr (kMin) I::store(m, I::mul(d, I::splat(static_cast<float>(offset))));
  }
};

template <class I>
struct Unpack<I, BlockQ4_0> : UnpackSmall<I, BlockQ4_0, TileKind::u4, 8> {
  template <class F>
  static void each_group(const std::byte* p, F&& f) {
    for (int j = 0; j < 8; ++j) f(j, I::nibbles(p + j * sizeof(BlockQ4_0) + offsetof(BlockQ4_0, q)));
  }
};

template <class I>
struct Unpack<I, BlockQ5_0> : UnpackSmall<I, BlockQ5_0, TileKind::u5, 16> {
  template <class F>
  static void each_group(const std::byte* p, F&& f) {
    for (int j = 0; j < 8; ++j, p += sizeof(BlockQ5_0))
      f(j, I::bit_or(I::nibbles(p + offsetof(BlockQ5_0, q)), I::from_bits(word_at(p + offsetof(BlockQ5_0, high)), 16)));
  }
};

template <class I>
struct Unpack<I, BlockQ8_0> : UnpackSmall<I, BlockQ8_0, TileKind::s8, 0> {
  template <class F>
  static void each_group(const std::byte* p, F&& f) {
    for (int j = 0; j < 8; ++j) f(j, I::load32(p + j * sizeof(BlockQ8_0) + offsetof(BlockQ8_0, q)));
  }
};

template <class I>
struct Unpack<I, BlockIQ4_NL> : UnpackSmall<I, BlockIQ4_NL, TileKind::s8, 0> {
  template <class F>
  static void each_group(const std::byte* p, F&& f) {
    for (int j = 0; j < 8; ++j)
      f(j, I::look_up(kIq4, I::nibbles(p + j * sizeof(BlockIQ4_NL) + offsetof(BlockIQ4_NL, q))));
  }
};

template <class I, class B>
struct UnpackWithMin : UnpackSmall<I, B, TileKind::u4, 1> {
  static void scales(const std::byte* p, float* s, float* m) {
    I::store(s, I::gather_f16(p + offsetof(B, d), sizeof(B)));
    I::store(m, I::sub(I::zero(), I::gather_f16(p + offsetof(B, m), sizeof(B))));
  }
};

template <class I>
struct Unpack<I, BlockQ4_1> : UnpackWithMin<I, BlockQ4_1> {
  template <class F>
  static void each_group(const std::byte* p, F&& f) {
    for (int j = 0; j < 8; ++j) f(j, I::nibbles(p + j * sizeof(BlockQ4_1) + offsetof(BlockQ4_1, q)));
  }
};

template <class I>
struct Unpack<I, BlockQ5_1> : UnpackWithMin<I, BlockQ5_1> {
  static constexpr TileKind kTile = TileKind::u5;
  template <class F>
  static void each_group(const std::byte* p, F&& f) {
    for (int j = 0; j < 8; ++j, p += sizeof(BlockQ5_1))
      f(j, I::bit_or(I::nibbles(p + offsetof(BlockQ5_1, q)), I::from_bits(word_at(p + offsetof(BlockQ5_1, high)), 16)));
  }
};

template <class I>
struct Unpack<I, BlockMXFP4> : UnpackSmall<I, BlockQ4_0, TileKind::u5, 12> {
  using Block = BlockMXFP4;
  static void scales(const std::byte* p, float* s, float* m) {
    for (int j = 0; j < 8; ++j) {  // 2^(e - 128), whose two smallest are subnormal
      const auto e = static_cast<uint32_t>(p[j * sizeof(BlockMXFP4)]);
      const uint32_t bits = e >= 2 ? (e - 1) << 23 : 0x00200000u << e;
      __builtin_memcpy(s + j, &bits, 4);
    }
    I::store(m, I::mul(I::load(s), I::splat(12.0f)));
  }
  template <class F>
  static void each_group(const std::byte* p, F&& f) {
    for (int j = 0; j < 8; ++j)
      f(j, I::look_up(kFp4Plus12, I::nibbles(p + j * sizeof(BlockMXFP4) + offsetof(BlockMXFP4, q))));
  }
};

// Formats of 256 values: one block is a unit.
template <class B, TileKind tile, uint32_t groups, bool min>
struct UnpackLarge {
  using Block = B;
  static constexpr TileKind kTile = tile;
  static constexpr uint32_t kGroups = groups;
  static constexpr bool kMin = min, kExpands = false;
};

// Any coded format, once expanded.
struct ExpandedUnit : Expanded {
  static constexpr uint32_t kSize = 256;
};
template <class I>
struct Unpack<I, ExpandedUnit> : UnpackLarge<ExpandedUnit, TileKind::s8, 16, false> {
  static constexpr bool kExpands = true;
  static void scales(const std::byte* p, float* s, float*) {
    for (int i = 0; i < 16; i += 8)
      I::store(s + i, I::load(reinterpret_cast<const float*>(p + sizeof(Expanded::q)) + i));
  }
  template <class F>
  static void each_group(const std::byte* p, F&& f) {
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

template <class I>
struct Unpack<I, BlockQ4_K> : UnpackLarge<BlockQ4_K, TileKind::u4, 8, true> {
  static void scales(const std::byte* p, float* s, float* m) { scales_of_six_bits<I, BlockQ4_K>(p, s, m); }
  template <class F>
  static void each_group(const std::byte* p, F&& f) {
    for (int i = 0; i < 4; ++i) {
      const auto q = I::load32(p + offsetof(BlockQ4_K, q) + 32 * i);
      f(2 * i, I::bit_and(q, I::splat8(15)));
      f(2 * i + 1, I::bit_and(I::template shift_right<4>(q), I::splat8(15)));
    }
  }
};

template <class I>
struct Unpack<I, BlockQ5_K> : UnpackLarge<BlockQ5_K, TileKind::u5, 8, true> {
  static void scales(const std::byte* p, float* s, float* m) { scales_of_six_bits<I, BlockQ5_K>(p, s, m); }
  template <class F>
  static void each_group(const std::byte* p, F&& f) {
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
struct Unpack<I, BlockQ6_K> : UnpackLarge<BlockQ6_K, TileKind::u6, 16, true> {
  static void scales(const std::byte* p, float* s, float* m) {
    const auto d = I::splat(I::half(p + offsetof(BlockQ6_K, d)));
    for (int i = 0; i < 16; i += 8) {
      const auto scale = I::mul(I::load_i8(p + offsetof(BlockQ6_K, scales) + i), d);
      I::store(s + i, scale);
      I::store(m + i, I::mul(scale, I::splat(32.0f)));
    }
  }
  template <class F>
  static void each_group(const std::byte* p, F&& f) {
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
struct Unpack<I, BlockQ2_K> : UnpackLarge<BlockQ2_K, TileKind::u4, 16, true> {
  static void scales(const std::byte* p, float* s, float* m) {
    const auto d = I::splat(I::half(p + offsetof(BlockQ2_K, d))), min = I::splat(I::half(p + offsetof(BlockQ2_K, m)));
    uint8_t bytes[32];  // scales, then mins
    I::store32(bytes, I::nibbles(p + offsetof(BlockQ2_K, scales)));
    for (int i = 0; i < 16; i += 8) {
      I::store(s + i, I::mul(I::load_u8(bytes + i), d));
      I::store(m + i, I::mul(I::load_u8(bytes + 16 + i), min));
    }
  }
  template <class F>
  static void each_group(const std::byte* p, F&& f) {
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
struct Unpack<I, BlockQ3_K> : UnpackLarge<BlockQ3_K, TileKind::u4, 16, true> {
  static void scales(const std::byte* p, float* s, float* m) {
    const std::byte* packed = p + offsetof(BlockQ3_K, scales);
    const uint32_t a = word_at(packed), b = word_at(packed + 4), top = word_at(packed + 8);
    const uint32_t low = 0x0f0f0f0f, two = 0x03030303;
    const uint32_t bytes[4] = {(a & low) | (top & two) << 4, (b & low) | (top >> 2 & two) << 4,
                               (a >> 4 & low) | (top >> 4 & two) << 4, (b >> 4 & low) | (top >> 6 & two) << 4};
    const auto d = I::splat(I::half(p + offsetof(BlockQ3_K, d)));
    for (int i = 0; i < 2; ++i) {
      const auto scale = I::mul(I::sub(I::load_u8(bytes + 2 * i), I::splat(32.0f)), d);
      I::store(s + 8 * i, scale);
      I::store(m + 8 * i, I::mul(scale, I::splat(4.0f)));
    }
  }
  template <class F>
  static void each_group(const std::byte* p, F&& f) {
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
struct Unpack<I, BlockIQ4_XS> : UnpackLarge<BlockIQ4_XS, TileKind::s8, 8, false> {
  static void scales(const std::byte* p, float* s, float*) {
    const uint32_t low = word_at(p + offsetof(BlockIQ4_XS, scales_low));
    const uint32_t high = word_at(p) >> 16;
    static_assert(offsetof(BlockIQ4_XS, scales_high) == 2);
    uint8_t bytes[8];
    for (uint32_t g = 0; g < 8; ++g)
      bytes[g] = static_cast<uint8_t>((low >> (4 * g) & 15u) | (high >> (2 * g) & 3u) << 4);
    I::store(s, I::mul(I::sub(I::load_u8(bytes), I::splat(32.0f)), I::splat(I::half(p))));
  }
  template <class F>
  static void each_group(const std::byte* p, F&& f) {
    for (int j = 0; j < 8; ++j) f(j, I::look_up(kIq4, I::nibbles(p + offsetof(BlockIQ4_XS, q) + 16 * j)));
  }
};

template <class U>
constexpr size_t kUnitBytes = 256 / U::Block::kSize * sizeof(typename U::Block);

// The bytes of a unit as it lies in the weights.
inline size_t coded_bytes(const FormatInfo& format) { return 256 / format.block_size * format.block_bytes; }
template <class U>
size_t stored_bytes(const Matmul& task) {
  return U::kExpands ? coded_bytes(*task.format) : kUnitBytes<U>;
}

// Expands a unit of a coded format.
inline void expand_unit(const Matmul& task, uint32_t row, uint32_t unit, Expanded& expanded) {
  const uint32_t rest = task.width - unit * 256;
  task.format->expand(task.weights + row * task.row_bytes + unit * coded_bytes(*task.format), rest < 256 ? rest : 256,
                      expanded);
}

// Calls f(unit, bytes of the unit) for units [begin, end) of a row; a last unit that is cut short is completed by zeros
// in `padded`.
template <class U, class F>
void each_unit(const Matmul& task, uint32_t row_index, uint32_t begin, uint32_t end, F&& f) {
  if constexpr (U::kExpands) {
    for (uint32_t u = begin; u < end; ++u) {
      Expanded expanded;
      expand_unit(task, row_index, u, expanded);
      f(u, reinterpret_cast<const std::byte*>(&expanded));
    }
    return;
  }
  const std::byte* row = task.weights + row_index * task.row_bytes;
  const uint32_t width = task.width;
  const uint32_t whole = width / 256;
  for (uint32_t u = begin; u < end; ++u) {
    const std::byte* p = row + u * kUnitBytes<U>;
    if constexpr (U::Block::kSize < 256) {
      if (u == whole) {
        std::byte padded[kUnitBytes<U>] = {};
        __builtin_memcpy(padded, p, width % 256 / U::Block::kSize * sizeof(typename U::Block));
        f(u, padded);
        break;
      }
    }
    f(u, p);
  }
}

}  // namespace
}  // namespace hearth::cpu
