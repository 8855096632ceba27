// Weights as the left fragments of products of bytes (kernels/cuda/hardware/matrices.h), straight from their planes.
//
// A warp has a tile of 16 rows, of which a lane has rows lane / 4 and 8 behind it; a row is taken in chunks of 256
// values, a chunk in parts of some groups of 32. A lane has 8 of each 32 values; which ones is the format's choice, as
// products may take values in any order if both sides take the same: the 8 from 8 * (lane % 4) on; or, kSplit, the 4
// from 4 * split_word() on and the 4 that are 16 behind them, as bytes of 4 bits lie.
//
// ByteWeights<Blocks> has kGroups, of a part; kParts, of a chunk; kScales, of a group (2 where each 16 values have one;
// then a[0] and a[1] of a group are of its first half); kHasMins, whether something is taken off, whole numbers below
// 256 times a unit of the row's chunk; kWide, whether two tiles of many columns are too much for registers; and kSmall,
// whether two of 8 columns leave room for twice the warps.
// All loads may be made before the kernel before has ended. Rows are of whole pairs of groups.
#pragma once

#include "kernels/cuda/formats/formats.h"

namespace hearth::cuda {

constexpr uint32_t kChunk = 256;

// Of 32 bytes, of which lane % 4 has the 8 from 8 * (lane % 4) on: a word of the first 16 and the same of the last 16.
HEARTH_DEVICE uint32_t split_word() { return lane() % 4 / 2 + lane() % 2 * 2; }
HEARTH_DEVICE Word2 split(Word2 own) {
  const bool early = lane() % 4 < 2;
  const uint32_t other = shuffle_xor(early ? own.y : own.x, 2);
  return {early ? own.x : other, early ? other : own.y};
}

// The byte as the low bits of 2^23, and that number of it as a float times `unit`, exactly.
HEARTH_DEVICE float byte_times(uint32_t bytes, uint32_t i, float unit) {
  return fma(float_of(permute_bytes(bytes, 0x4b000000u, 0x7440u | i)), unit, -8388608.0f * unit);
}

template <class Blocks>
struct ByteWeights;

// Q4_K, and Q5_K with the fifth bits of all 256 values in 32 bytes, a bit of each for every group.
template <class Blocks, bool kFifth>
struct GroupWeights {
  static constexpr uint32_t kGroups = 2, kParts = 4, kScales = 1;
  static constexpr bool kSplit = false, kHasMins = true, kWide = false, kSmall = !kFifth;
  struct Quants {
    Word2 q[2];
  };
  struct Coded {
    uint32_t units[2], words[2][3];
    Word2 fifth[2];
  };
  struct Scales {
    float unit[2], min_unit[2];
    uint32_t scale[2][2], min[2][2];
    Word2 fifth[2];
  };
  static HEARTH_DEVICE void load(Quants& to, const Matrix<Blocks>& m, const uint32_t (&row_blocks)[2], uint32_t chunk,
                                 uint32_t part, uint32_t) {
    constexpr uint32_t kPlane = kFifth ? 3 : 2;
#pragma unroll
    for (uint32_t r = 0; r < 2; ++r)
      to.q[r] = load_stream(global<const Word2>(m.member(kPlane, row_blocks[r] + chunk) + lane() % 4 * 8) + part * 4);
  }
  static HEARTH_DEVICE void load(Coded& to, const Matrix<Blocks>& m, const uint32_t (&row_blocks)[2], uint32_t chunk,
                                 uint32_t) {
#pragma unroll
    for (uint32_t r = 0; r < 2; ++r) {
      const uint32_t block = row_blocks[r] + chunk;
      to.units[r] = load_early(global<const uint32_t>(m.member(0, block)));
#pragma unroll
      for (uint32_t i = 0; i < 3; ++i) to.words[r][i] = load_early(global<const uint32_t>(m.member(1, block)) + i);
      if constexpr (kFifth) to.fifth[r] = load_stream(global<const Word2>(m.member(2, block) + lane() % 4 * 8));
    }
  }
  static HEARTH_DEVICE void decode(const Coded& from, Scales& to) {
#pragma unroll
    for (uint32_t r = 0; r < 2; ++r) {
      const uint32_t(&words)[3] = from.words[r];
      to.unit[r] = low_half(from.units[r]);
      to.min_unit[r] = high_half(from.units[r]);
#pragma unroll
      for (uint32_t late = 0; late < 2; ++late) {
        const ScaleAndMin four = scales_and_mins(words[0], words[1], words[2], late != 0);
        to.scale[r][late] = four.scale;
        to.min[r][late] = four.min;
      }
      if constexpr (kFifth) to.fifth[r] = from.fifth[r];
    }
  }
  static HEARTH_DEVICE void words(const Quants& from, const Scales& s, uint32_t part, uint32_t (&a)[kGroups][4]) {
#pragma unroll
    for (uint32_t i = 0; i < 4; ++i) {
      const uint32_t word = i < 2 ? from.q[i % 2].x : from.q[i % 2].y;
      a[0][i] = word & 0x0f0f0f0fu;
      a[1][i] = word >> 4 & 0x0f0f0f0fu;
      if constexpr (kFifth) {
        const uint32_t bits = i < 2 ? s.fifth[i % 2].x : s.fifth[i % 2].y;
        a[0][i] |= (bits >> (2 * part) & 0x01010101u) << 4;
        a[1][i] |= (bits >> (2 * part + 1) & 0x01010101u) << 4;
      }
    }
  }
  // Of row r, group `group` of the chunk and (where kScales is 2) that half of it.
  static HEARTH_DEVICE float scale(const Scales& s, uint32_t r, uint32_t group, uint32_t) {
    return byte_times(s.scale[r][group / 4], group % 4, s.unit[r]);
  }
  // Groups 2 * (lane % 4) and the next.
  static HEARTH_DEVICE uint32_t two_mins(const Scales& s, uint32_t r) {
    const uint32_t word = lane() % 4 < 2 ? s.min[r][0] : s.min[r][1], from = lane() % 2 * 2;
    return pack_bfloats(byte_times(word, from, 1), byte_times(word, from + 1, 1));
  }
};

template <>
struct ByteWeights<Q4_KBlocks> : GroupWeights<Q4_KBlocks, false> {};
template <>
struct ByteWeights<Q5_KBlocks> : GroupWeights<Q5_KBlocks, true> {};

template <>
struct ByteWeights<Q6_KBlocks> {
  static constexpr uint32_t kGroups = 4, kParts = 2, kScales = 2;
  static constexpr bool kSplit = true, kHasMins = false, kWide = true, kSmall = false;
  struct Quants {
    Word2 low[2][2], high[2];
  };
  struct Coded {
    uint32_t unit[2];
    Word4 scale[2];
  };
  struct Scales {
    float unit[2];
    uint32_t scale[2][4];
  };
  static HEARTH_DEVICE void load(Quants& to, const Matrix<Q6_KBlocks>& m, const uint32_t (&row_blocks)[2],
                                 uint32_t chunk, uint32_t part, uint32_t) {
#pragma unroll
    for (uint32_t r = 0; r < 2; ++r) {
      const uint32_t block = row_blocks[r] + chunk;
      const Global<const Word2> low = global<const Word2>(m.member(0, block) + lane() % 4 * 8) + part * 8;
      to.low[r][0] = load_stream(low);
      to.low[r][1] = load_stream(low + 4);
      to.high[r] = load_stream(global<const Word2>(m.member(1, block) + lane() % 4 * 8) + part * 4);
    }
  }
  static HEARTH_DEVICE void load(Coded& to, const Matrix<Q6_KBlocks>& m, const uint32_t (&row_blocks)[2],
                                 uint32_t chunk, uint32_t) {
#pragma unroll
    for (uint32_t r = 0; r < 2; ++r) {
      to.unit[r] = load_early(global<const uint16_t>(m.member(3, row_blocks[r] + chunk)));
      to.scale[r] = load_early(global<const Word4>(m.member(2, row_blocks[r] + chunk)));
    }
  }
  static HEARTH_DEVICE void decode(const Coded& from, Scales& to) {
#pragma unroll
    for (uint32_t r = 0; r < 2; ++r) {
      to.unit[r] = 0.25f * half_to_float(static_cast<uint16_t>(from.unit[r]));  // bytes are four times the values
      // 128 more, to be unsigned.
      to.scale[r][0] = from.scale[r].x ^ 0x80808080u;
      to.scale[r][1] = from.scale[r].y ^ 0x80808080u;
      to.scale[r][2] = from.scale[r].z ^ 0x80808080u;
      to.scale[r][3] = from.scale[r].w ^ 0x80808080u;
    }
  }
  // Four times a value less 32 is its 6 bits in the upper end of a byte, the highest flipped.
  static HEARTH_DEVICE void words(const Quants& from, const Scales&, uint32_t, uint32_t (&a)[kGroups][4]) {
#pragma unroll
    for (uint32_t r = 0; r < 2; ++r) {
      const Word2 high_two = split({from.high[r].x ^ 0xaaaaaaaau, from.high[r].y ^ 0xaaaaaaaau});
#pragma unroll
      for (uint32_t quarter = 0; quarter < 2; ++quarter) {
        const Word2 two = split(from.low[r][quarter]);
#pragma unroll
        for (uint32_t half = 0; half < 2; ++half) {
          const uint32_t low = half == 0 ? two.x : two.y, high = half == 0 ? high_two.x : high_two.y;
          const uint32_t early = quarter == 0 ? high << 6 : high << 4, late = quarter == 0 ? high << 2 : high;
          a[quarter][half * 2 + r] = (low << 2 & 0x3c3c3c3cu) | (early & 0xc0c0c0c0u);
          a[2 + quarter][half * 2 + r] = (low >> 2 & 0x3c3c3c3cu) | (late & 0xc0c0c0c0u);
        }
      }
    }
  }
  static HEARTH_DEVICE float scale(const Scales& s, uint32_t r, uint32_t group, uint32_t half) {
    const uint32_t bytes = s.scale[r][group / 2], i = group % 2 * 2 + half;
    return (float_of(permute_bytes(bytes, 0x4b000000u, 0x7440u | i)) - 8388736.0f) * s.unit[r];
  }
};

// Of blocks of 32 with a half for a scale, in plane 0. A part is two neighbouring blocks.
struct HalfScales {
  static constexpr uint32_t kGroups = 2, kParts = 4, kScales = 1;
  static constexpr bool kHasMins = false, kWide = false;
  struct Coded {
    uint32_t units[2][4];  // pairs of halves
  };
  using Scales = Coded;
  template <class Blocks>
  static HEARTH_DEVICE void load(Coded& to, const Matrix<Blocks>& m, const uint32_t (&row_blocks)[2], uint32_t chunk,
                                 uint32_t blocks) {
#pragma unroll
    for (uint32_t r = 0; r < 2; ++r)
#pragma unroll
      for (uint32_t i = 0; i < 4; ++i)
        to.units[r][i] =
            load_early(global<const uint32_t>(m.member(0, row_blocks[r] + min(chunk * 8 + 2 * i, blocks - 2))));
  }
  static HEARTH_DEVICE void decode(const Coded& from, Scales& to) { to = from; }
  static HEARTH_DEVICE float scale(const Scales& s, uint32_t r, uint32_t group, uint32_t) {
    const uint32_t pair = s.units[r][group / 2];
    return group % 2 == 0 ? low_half(pair) : high_half(pair);
  }
};
template <>
struct ByteWeights<Q8_0Blocks> : HalfScales {
  using HalfScales::load;
  static constexpr bool kSplit = false, kSmall = false;
  struct Quants {
    Word2 q[2][2];
  };
  static HEARTH_DEVICE void load(Quants& to, const Matrix<Q8_0Blocks>& m, const uint32_t (&row_blocks)[2],
                                 uint32_t chunk, uint32_t part, uint32_t blocks) {
    const uint32_t first = min(chunk * 8 + part * 2, blocks - 2);
#pragma unroll
    for (uint32_t r = 0; r < 2; ++r) {
      const auto from = global<const Word2>(m.member(1, row_blocks[r] + first) + lane() % 4 * 8);
      to.q[r][0] = load_stream(from);
      to.q[r][1] = load_stream(from + 4);
    }
  }
  static HEARTH_DEVICE void words(const Quants& from, const Scales&, uint32_t, uint32_t (&a)[kGroups][4]) {
#pragma unroll
    for (uint32_t j = 0; j < 2; ++j)
#pragma unroll
      for (uint32_t i = 0; i < 4; ++i) a[j][i] = i < 2 ? from.q[i % 2][j].x : from.q[i % 2][j].y;
  }
};

template <>
struct ByteWeights<Q4_0Blocks> : HalfScales {
  using HalfScales::load;
  static constexpr bool kSplit = true, kSmall = true;
  struct Quants {
    Word2 q[2];
  };
  static HEARTH_DEVICE void load(Quants& to, const Matrix<Q4_0Blocks>& m, const uint32_t (&row_blocks)[2],
                                 uint32_t chunk, uint32_t part, uint32_t blocks) {
    const uint32_t first = min(chunk * 8 + part * 2, blocks - 2);
#pragma unroll
    for (uint32_t r = 0; r < 2; ++r)
      to.q[r] = load_stream(global<const Word2>(m.member(1, row_blocks[r] + first) + lane() % 4 * 8));
  }
  static HEARTH_DEVICE void words(const Quants& from, const Scales&, uint32_t, uint32_t (&a)[kGroups][4]) {
#pragma unroll
    for (uint32_t r = 0; r < 2; ++r) {
      const Word2 two = split(from.q[r]);
      a[0][r] = (two.x << 4 & 0xf0f0f0f0u) ^ 0x80808080u;
      a[0][2 + r] = (two.x & 0xf0f0f0f0u) ^ 0x80808080u;
      a[1][r] = (two.y << 4 & 0xf0f0f0f0u) ^ 0x80808080u;
      a[1][2 + r] = (two.y & 0xf0f0f0f0u) ^ 0x80808080u;
    }
  }
  static HEARTH_DEVICE float scale(const Scales& s, uint32_t r, uint32_t group, uint32_t half) {
    return 0.0625f * HalfScales::scale(s, r, group, half);
  }
};

}  // namespace hearth::cuda
