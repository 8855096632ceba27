// Rows of weights for products of bfloat16 numbers, slice by slice: a slice is 64 of 256 neighbours. Lane t of the four
// that share a row has values 64t to 64t + 63 of them, and of slice s those of 64t + 8s and of 64t + 32 + 8s on, 8
// each. Slices are loaded, in order, well before they are decoded.
//
// A weight is made in float as scale * q - less and rounded once. Numbers q from 0 to 127 become floats as 128 + q, by
// placing bytes: what is too much goes into `less`.
#pragma once

#include "kernels/cuda/formats/formats.h"

namespace hearth::cuda {

constexpr uint32_t kSliceValues = 64;

// pairs[i]: values 2i and 2i + 1 of eight q below 128, as bfloat16 numbers scale * q + shift - 128 * scale.
HEARTH_DEVICE void bfloats_of_bytes(Word2 q, float scale, float shift, uint32_t* pairs) {
  float w[8];
#pragma unroll
  for (uint32_t i = 0; i < 8; ++i)
    w[i] = fma(float_of(permute_bytes(i < 4 ? q.x : q.y, 0x43000000u, 0x7044u | i % 4 << 8)), scale, shift);
#pragma unroll
  for (uint32_t i = 0; i < 4; ++i) pairs[i] = pack_bfloats(w[2 * i], w[2 * i + 1]);
}
// scale * q of signed bytes.
HEARTH_DEVICE void bfloats_of_signed(Word2 q, float scale, uint32_t* pairs) {
  float w[8];
#pragma unroll
  for (uint32_t i = 0; i < 8; ++i) {
    const uint32_t biased = (i < 4 ? q.x : q.y) ^ 0x80808080u;
    const float number = float_of(permute_bytes(biased, 0x4b000000u, 0x7440u | i % 4)) - 8388736.0f;  // 2^23 + 128
    w[i] = number * scale;
  }
#pragma unroll
  for (uint32_t i = 0; i < 4; ++i) pairs[i] = pack_bfloats(w[2 * i], w[2 * i + 1]);
}

HEARTH_DEVICE Word2 half_of(const Word4& words, uint32_t which) {
  return which == 0 ? Word2{words.x, words.y} : Word2{words.z, words.w};
}

// load<s>(m, row_block, first, t) begins to read slice s of the 256 values from `first` on; decode<s>(t, pairs) makes
// pairs[0..3] of its first eight values and pairs[4..7] of the others. Between them at most one other slice is loaded.
template <class Blocks>
struct SlicedRow;

// Of Q4_K and Q5_K: four bits of each value, in that plane, and scales.
template <class Blocks, uint32_t kNibbles>
struct ScaledNibbles {
  Word4 q[2];                            // of two slices each
  uint32_t units, first, second, third;  // of the block that is loaded: two bytes each of the twelve
  float scale[2], shift[2];              // of the block that is decoded

  template <uint32_t s>
  HEARTH_DEVICE void load(const Matrix<Blocks>& matrix, uint32_t row_block, uint32_t begin, uint32_t t) {
    const uint32_t block = row_block + begin / 256;
    if constexpr (s % 2 == 0)
      q[s / 2] = load_constant(global<const Word4>(matrix.member(kNibbles, block) + t * 32 + s * 8));
    if constexpr (s == 0) {
      units = load_constant(global<const uint32_t>(matrix.member(0, block)));
      const auto scales = global<const uint16_t>(matrix.member(1, block)) + t % 2;
      first = load_constant(scales);
      second = load_constant(scales + 2);
      third = load_constant(scales + 4);
    }
  }
  HEARTH_DEVICE void decode_scales(uint32_t t) {
    const ScaleAndMin two = scales_and_mins(first, second, third, t >= 2);
#pragma unroll
    for (uint32_t i = 0; i < 2; ++i) {
      scale[i] = low_half(units) * static_cast<float>(two.scale >> 8 * i & 255u);
      shift[i] = fma(scale[i], -128.0f, -(high_half(units) * static_cast<float>(two.min >> 8 * i & 255u)));
    }
  }
};

template <>
struct SlicedRow<Q4_KBlocks> : ScaledNibbles<Q4_KBlocks, 2> {
  template <uint32_t s>
  HEARTH_DEVICE void decode(uint32_t t, uint32_t (&pairs)[8]) {
    if constexpr (s == 0) decode_scales(t);
    const Word2 both = half_of(q[s / 2], s % 2);
    bfloats_of_bytes(masked(both, 0, 0x0f0f0f0fu), scale[0], shift[0], pairs);
    bfloats_of_bytes(masked(both, 4, 0x0f0f0f0fu), scale[1], shift[1], pairs + 4);
  }
};

template <>
struct SlicedRow<Q5_KBlocks> : ScaledNibbles<Q5_KBlocks, 3> {
  Word2 high[2];

  template <uint32_t s>
  HEARTH_DEVICE void load(const Matrix<Q5_KBlocks>& matrix, uint32_t row_block, uint32_t begin, uint32_t t) {
    ScaledNibbles::load<s>(matrix, row_block, begin, t);
    high[s % 2] = load_constant(global<const Word2>(matrix.member(2, row_block + begin / 256) + s * 8));
  }
  template <uint32_t s>
  HEARTH_DEVICE void decode(uint32_t t, uint32_t (&pairs)[8]) {
    if constexpr (s == 0) decode_scales(t);
    const Word2 both = half_of(q[s / 2], s % 2);
#pragma unroll
    for (uint32_t i = 0; i < 2; ++i)
      bfloats_of_bytes(joined(masked(both, 4 * i, 0x0f0f0f0fu), masked(high[s % 2], 2 * t + i, 0x01010101u), 4),
                       scale[i], shift[i], pairs + 4 * i);
  }
};

template <>
struct SlicedRow<Q6_KBlocks> {
  Word2 low[2][2], high[2][2];
  uint32_t unit, groups;  // of the block that is loaded: four bytes of the sixteen
  float scale[4];         // of the block that is decoded

  template <uint32_t s>
  HEARTH_DEVICE void load(const Matrix<Q6_KBlocks>& matrix, uint32_t row_block, uint32_t begin, uint32_t t) {
    const uint32_t block = row_block + begin / 256;
    const auto lows = global<const Word2>(matrix.member(0, block) + t / 2 * 64 + s * 8);
    low[s % 2][0] = load_constant(lows);
    low[s % 2][1] = load_constant(lows + 4);
    high[s % 2][0] = load_constant(global<const Word2>(matrix.member(1, block) + t / 2 * 32 + s * 8));
    if constexpr (s == 0) {
      groups = load_constant(global<const uint32_t>(matrix.member(2, block)) + t);
      unit = load_constant(global<const uint16_t>(matrix.member(3, block)));
    }
  }
  template <uint32_t s>
  HEARTH_DEVICE void decode(uint32_t t, uint32_t (&pairs)[8]) {
    if constexpr (s == 0) {
#pragma unroll
      for (uint32_t i = 0; i < 4; ++i)
        scale[i] = half_to_float(static_cast<uint16_t>(unit)) *
                   static_cast<float>(static_cast<int8_t>(groups >> 8 * i & 255u));
    }
    const uint32_t shift = t % 2 * 4;
#pragma unroll
    for (uint32_t i = 0; i < 2; ++i) {
      const Word2 q =
          joined(masked(low[s % 2][i], shift, 0x0f0f0f0fu), masked(high[s % 2][0], shift + 2 * i, 0x03030303u), 4);
      const float whole = scale[2 * i + s / 2];
      bfloats_of_bytes(q, whole, -160.0f * whole, pairs + 4 * i);  // numbers less 32; exact
    }
  }
};

template <>
struct SlicedRow<Q8_0Blocks> {
  Word2 q[2][2];
  uint32_t units;  // of the two blocks that are loaded
  float scale[2];  // of those that are decoded

  template <uint32_t s>
  HEARTH_DEVICE void load(const Matrix<Q8_0Blocks>& matrix, uint32_t row_block, uint32_t begin, uint32_t t) {
    const uint32_t block = row_block + begin / 32 + 2 * t;
    const auto bytes = global<const Word2>(matrix.member(1, block) + s * 8);
    q[s % 2][0] = load_constant(bytes);
    q[s % 2][1] = load_constant(bytes + 4);
    if constexpr (s == 0) units = load_constant(global<const uint32_t>(matrix.member(0, block)));
  }
  template <uint32_t s>
  HEARTH_DEVICE void decode(uint32_t, uint32_t (&pairs)[8]) {
    if constexpr (s == 0) {
      scale[0] = low_half(units);
      scale[1] = high_half(units);
    }
    bfloats_of_signed(q[s % 2][0], scale[0], pairs);
    bfloats_of_signed(q[s % 2][1], scale[1], pairs + 4);
  }
};

template <>
struct SlicedRow<Q4_0Blocks> {
  Word4 q[2];      // of two blocks: nibbles of slices 0 and 2 or 1 and 3 are halves of the same bytes
  uint32_t units;  // of the two blocks that are loaded
  Word4 own[2];    // those that are decoded
  float scale[2];

  template <uint32_t s>
  HEARTH_DEVICE void load(const Matrix<Q4_0Blocks>& matrix, uint32_t row_block, uint32_t begin, uint32_t t) {
    if constexpr (s == 0) {
      const uint32_t block = row_block + begin / 32 + 2 * t;
      const auto bytes = global<const Word4>(matrix.member(1, block));
      q[0] = load_constant(bytes);
      q[1] = load_constant(bytes + 1);
      units = load_constant(global<const uint32_t>(matrix.member(0, block)));
    }
  }
  template <uint32_t s>
  HEARTH_DEVICE void decode(uint32_t, uint32_t (&pairs)[8]) {
    if constexpr (s == 0) {
      scale[0] = low_half(units);
      scale[1] = high_half(units);
      own[0] = q[0];
      own[1] = q[1];
    }
#pragma unroll
    for (uint32_t i = 0; i < 2; ++i)
      bfloats_of_bytes(masked(half_of(own[i], s % 2), s / 2 * 4, 0x0f0f0f0fu), scale[i], -136.0f * scale[i],
                       pairs + 4 * i);
  }
};

}  // namespace hearth::cuda
