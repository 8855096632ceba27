// A unit of a row: 32 weights that one lane multiplies with inputs rounded to bytes, in two runs of 16 neighbours,
// which are what 16 bytes of a plane hold of most formats. What memory holds is loaded first and taken apart when the
// inputs are there, so that many loads are under way at once.
#pragma once

#include "kernels/cuda/formats/formats.h"

namespace hearth::cuda {

// What an input, rounded as round_inputs does, has at the places of a unit's two runs. A sum is that of a run's values,
// by their scale.
struct UnitInput {
  Word4 first, second;
  float first_scale, second_scale, first_sum, second_sum;
};

// The input begins at `input` and has `width` values; the second run lies `apart` behind the first.
template <uint32_t apart>
HEARTH_DEVICE UnitInput unit_input(Address input, uint32_t width, uint32_t offset) {
  const Address scales = input + width, sums = scales + width / 8;
  const float scale = read<float>(scales, offset / 32);
  return {read<Word4>(input + offset),
          read<Word4>(input + offset + apart),
          scale,
          apart == 16 ? scale : read<float>(scales, (offset + apart) / 32),
          read<float>(sums, offset / 16),
          read<float>(sums, (offset + apart) / 16)};
}

HEARTH_DEVICE Word4 masked(Word4 words, uint32_t shift, uint32_t mask) {
  return {words.x >> shift & mask, words.y >> shift & mask, words.z >> shift & mask, words.w >> shift & mask};
}
HEARTH_DEVICE Word4 joined(Word4 low, Word4 high, uint32_t shift) {
  return {low.x | high.x << shift, low.y | high.y << shift, low.z | high.z << shift, low.w | high.w << shift};
}
HEARTH_DEVICE float run_dot(Word4 weights, Word4 inputs) {
  int sum = dot_bytes(static_cast<int>(weights.x), static_cast<int>(inputs.x), 0);
  sum = dot_bytes(static_cast<int>(weights.y), static_cast<int>(inputs.y), sum);
  sum = dot_bytes(static_cast<int>(weights.z), static_cast<int>(inputs.z), sum);
  return static_cast<float>(dot_bytes(static_cast<int>(weights.w), static_cast<int>(inputs.w), sum));
}
// A plane that no kernel writes, each byte of which is read once.
HEARTH_DEVICE Word4 stream16(Address place) { return load_stream(global<const Word4>(place)); }

// Of any format, by pieces of 8, which are taken apart at once.
//
// Of every Unit: kApart, which unit_input is given; offset(), where the first run of a unit of a row lies; load(), of a
// row whose blocks begin with `row_block`; add_to(), the sum with the products of the unit; kBlocks, how many blocks of
// a multiprocessor have registers for those of one column, or 0; kEarly, whether load() may come before
// wait_for_kernel_before().
template <class Blocks>
struct Unit {
  static constexpr uint32_t kApart = 16;
  static constexpr uint32_t kBlocks = 0;
  static constexpr bool kEarly = false;
  static HEARTH_DEVICE uint32_t offset(uint32_t unit) { return unit * 32; }
  HEARTH_DEVICE void load(const Matrix<Blocks>& m, uint32_t row_block, uint32_t unit) {
    const Piece a = piece_at(m, row_block, unit * 32), b = piece_at(m, row_block, unit * 32 + 8);
    const Piece c = piece_at(m, row_block, unit * 32 + 16), d = piece_at(m, row_block, unit * 32 + 24);
    first = {a.q.x, a.q.y, b.q.x, b.q.y};
    second = {c.q.x, c.q.y, d.q.x, d.q.y};
    first_scale = a.scale;
    second_scale = c.scale;
    first_less = a.less;
    second_less = c.less;
  }
  HEARTH_DEVICE float add_to(float sum, const UnitInput& x, uint32_t) const {
    sum = fma(first_scale * x.first_scale, run_dot(first, x.first), sum);
    sum = fma(second_scale * x.second_scale, run_dot(second, x.second), sum);
    if constexpr (Blocks::kHasLess) sum = fma(-second_less, x.second_sum, fma(-first_less, x.first_sum, sum));
    return sum;
  }
  Word4 first, second;
  float first_scale, second_scale, first_less, second_less;
};

// Of blocks of 32 with two neighbouring runs.
struct BlockUnit {
  static constexpr uint32_t kApart = 16, kBlocks = 8;
  static constexpr bool kEarly = true;
  static HEARTH_DEVICE uint32_t offset(uint32_t unit) { return unit * 32; }
};
// With 16 bytes of 4 bits: the low halves are the first run.
struct NibbleUnit : BlockUnit {
  HEARTH_DEVICE float dot(const UnitInput& x) const {
    return run_dot(masked(q, 0, 0x0f0f0f0fu), x.first) + run_dot(masked(q, 4, 0x0f0f0f0fu), x.second);
  }
  Word4 q;
};
template <>
struct Unit<Q4_0Blocks> : NibbleUnit {
  HEARTH_DEVICE void load(const Matrix<Q4_0Blocks>& m, uint32_t row_block, uint32_t unit) {
    q = stream16(m.member(1, row_block + unit));
    scale = read_early<uint16_t>(m.member(0, row_block + unit));
  }
  HEARTH_DEVICE float add_to(float sum, const UnitInput& x, uint32_t) const {
    return fma(half_to_float(scale), fma(x.first_scale, dot(x), -8.0f * (x.first_sum + x.second_sum)), sum);
  }
  uint16_t scale;
};
template <>
struct Unit<Q4_1Blocks> : NibbleUnit {
  HEARTH_DEVICE void load(const Matrix<Q4_1Blocks>& m, uint32_t row_block, uint32_t unit) {
    q = stream16(m.member(1, row_block + unit));
    scales = read_early<uint32_t>(m.member(0, row_block + unit));
  }
  HEARTH_DEVICE float add_to(float sum, const UnitInput& x, uint32_t) const {
    return fma(high_half(scales), x.first_sum + x.second_sum, fma(low_half(scales) * x.first_scale, dot(x), sum));
  }
  uint32_t scales;
};

template <>
struct Unit<Q8_0Blocks> : BlockUnit {
  HEARTH_DEVICE void load(const Matrix<Q8_0Blocks>& m, uint32_t row_block, uint32_t unit) {
    const Address q = m.member(1, row_block + unit);
    first = stream16(q);
    second = stream16(q + 16);
    scale = read_early<uint16_t>(m.member(0, row_block + unit));
  }
  HEARTH_DEVICE float add_to(float sum, const UnitInput& x, uint32_t) const {
    return fma(half_to_float(scale) * x.first_scale, run_dot(first, x.first) + run_dot(second, x.second), sum);
  }
  Word4 first, second;
  uint16_t scale;
};

// Of Q4_K and Q5_K: 16 bytes of a block are values of two groups, 32 apart.
template <class Blocks>
struct PairUnit {
  static constexpr uint32_t kApart = 32;
  static constexpr uint32_t kBlocks = 8;
  static constexpr bool kEarly = true;
  static HEARTH_DEVICE uint32_t offset(uint32_t unit) { return unit / 8 * 256 + unit % 8 / 2 * 64 + unit % 2 * 16; }
  HEARTH_DEVICE void load_groups(const Matrix<Blocks>& m, uint32_t block, uint32_t unit, Address q_plane) {
    q = stream16(q_plane + unit % 8 * 16);
    scales = read_early<uint32_t>(m.member(0, block));
    // Of the 12 bytes, those of four groups each, the two that are this pair's.
    const Address groups = m.member(1, block);
    lows = read_early<uint16_t>(groups, unit / 2 % 2);
    mins = read_early<uint16_t>(groups, 2 + unit / 2 % 2);
    rest = read_early<uint16_t>(groups, 4 + unit / 2 % 2);
  }
  HEARTH_DEVICE float add_groups(float sum, const UnitInput& x, uint32_t unit, Word4 first, Word4 second) const {
    const ScaleAndMin two = scales_and_mins(lows, mins, rest, unit % 8 >= 4);
    const float d = low_half(scales);
    sum = fma(d * static_cast<float>(two.scale & 255u) * x.first_scale, run_dot(first, x.first), sum);
    sum = fma(d * static_cast<float>(two.scale >> 8) * x.second_scale, run_dot(second, x.second), sum);
    const float less =
        fma(static_cast<float>(two.min & 255u), x.first_sum, static_cast<float>(two.min >> 8) * x.second_sum);
    return fma(-high_half(scales), less, sum);
  }
  Word4 q;
  uint32_t scales, lows, mins, rest;
};
template <>
struct Unit<Q4_KBlocks> : PairUnit<Q4_KBlocks> {
  HEARTH_DEVICE void load(const Matrix<Q4_KBlocks>& m, uint32_t row_block, uint32_t unit) {
    load_groups(m, row_block + unit / 8, unit, m.member(2, row_block + unit / 8));
  }
  HEARTH_DEVICE float add_to(float sum, const UnitInput& x, uint32_t unit) const {
    return add_groups(sum, x, unit, masked(q, 0, 0x0f0f0f0fu), masked(q, 4, 0x0f0f0f0fu));
  }
};
template <>
struct Unit<Q5_KBlocks> : PairUnit<Q5_KBlocks> {
  HEARTH_DEVICE void load(const Matrix<Q5_KBlocks>& m, uint32_t row_block, uint32_t unit) {
    load_groups(m, row_block + unit / 8, unit, m.member(3, row_block + unit / 8));
    high = read_early<Word4>(m.member(2, row_block + unit / 8), unit % 2);
  }
  HEARTH_DEVICE float add_to(float sum, const UnitInput& x, uint32_t unit) const {
    const Word4 bits = masked(high, unit % 8 / 2 * 2, 0x03030303u);
    return add_groups(sum, x, unit, joined(masked(q, 0, 0x0f0f0f0fu), masked(bits, 0, 0x01010101u), 4),
                      joined(masked(q, 4, 0x0f0f0f0fu), masked(bits, 1, 0x01010101u), 4));
  }
  Word4 high;
};

// 16 bytes of low bits are values that are 64 apart, in each half of a block.
template <>
struct Unit<Q6_KBlocks> {
  static constexpr uint32_t kApart = 64;
  static constexpr uint32_t kBlocks = 7;
  static constexpr bool kEarly = true;
  static HEARTH_DEVICE uint32_t offset(uint32_t unit) { return unit / 8 * 256 + unit % 8 / 4 * 128 + unit % 4 * 16; }
  HEARTH_DEVICE void load(const Matrix<Q6_KBlocks>& m, uint32_t row_block, uint32_t unit) {
    const uint32_t block = row_block + unit / 8, half = unit % 8 / 4;
    low = stream16(m.member(0, block) + half * 64 + unit % 4 * 16);
    high = read_early<Word4>(m.member(1, block) + half * 32, unit % 2);
    const Address scales = m.member(2, block) + half * 8 + unit % 4;
    first_scale = read_early<int8_t>(scales);
    second_scale = read_early<int8_t>(scales, 4);
    scale = read_early<uint16_t>(m.member(3, block));
  }
  HEARTH_DEVICE float add_to(float sum, const UnitInput& x, uint32_t unit) const {
    const Word4 bits = masked(high, unit % 4 / 2 * 2, 0x33333333u);
    const Word4 first = joined(masked(low, 0, 0x0f0f0f0fu), masked(bits, 0, 0x03030303u), 4);
    const Word4 second = joined(masked(low, 4, 0x0f0f0f0fu), masked(bits, 4, 0x03030303u), 4);
    const float d = half_to_float(scale);
    sum = fma(d * static_cast<float>(first_scale), fma(x.first_scale, run_dot(first, x.first), -32.0f * x.first_sum),
              sum);
    return fma(d * static_cast<float>(second_scale),
               fma(x.second_scale, run_dot(second, x.second), -32.0f * x.second_sum), sum);
  }
  Word4 low, high;
  int8_t first_scale, second_scale;
  uint16_t scale;
};

}  // namespace hearth::cuda
