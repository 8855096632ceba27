// Blocks of 256 with scales of their groups: Q2_K, Q3_K, Q4_K, Q5_K, Q6_K, IQ4_XS. See quant/blocks.h.
#pragma once

#include "kernels/cuda/formats/planes.h"

namespace hearth::cuda {

// 8 of the 2-bit values of Q2_K and Q3_K: each half of the block has 32 bytes, for values j, j + 32, j + 64, j + 96.
HEARTH_DEVICE Word2 two_bits(Address q, uint32_t offset) {
  return masked(read<Word2>(q + offset / 128 * 32 + offset % 32), offset % 128 / 32 * 2, 0x03030303u);
}
// 8 bits as the lowest ones of bytes: bit offset / 32 of each byte of `high`.
HEARTH_DEVICE Word2 one_bit(Address high, uint32_t offset) {
  return masked(read<Word2>(high + offset % 32), offset / 32, 0x01010101u);
}
// 8 of the 4-bit values of Q4_K and Q5_K: each 64 share 32 bytes, low halves first.
HEARTH_DEVICE Word2 four_bits(Address q, uint32_t offset) {
  return masked(read<Word2>(q + offset / 64 * 32 + offset % 32), offset % 64 / 32 * 4, 0x0f0f0f0fu);
}

// Scales and mins of as many groups as the words have bytes.
struct ScaleAndMin {
  uint32_t scale, min;
};
// Of Q4_K and Q5_K, from bytes g, 4 + g and 8 + g of their 12: of groups g, or if `late` of groups 4 + g.
HEARTH_DEVICE ScaleAndMin scales_and_mins(uint32_t first, uint32_t second, uint32_t third, bool late) {
  // One expression each: nvcc 13.0 does not end on the same with two returns.
  return {late ? (third & 0x0f0f0f0fu) | (first >> 2 & 0x30303030u) : first & 0x3f3f3f3fu,
          late ? (third >> 4 & 0x0f0f0f0fu) | (second >> 2 & 0x30303030u) : second & 0x3f3f3f3fu};
}
// Of group g of eight.
HEARTH_DEVICE ScaleAndMin scale_and_min(Address scales, uint32_t g) {
  const uint32_t first = read<uint8_t>(scales, g % 4), second = read<uint8_t>(scales, 4 + g % 4);
  return scales_and_mins(first, second, read<uint8_t>(scales, 8 + g % 4), g >= 4);
}

struct Q2_KBlocks {
  static constexpr uint32_t kBlockSize = 256, kPlanes = 3, kScaleValues = 16;
  static constexpr bool kHasLess = true, kCoded = true;
  static constexpr uint32_t plane_bytes(uint32_t p) { return p == 0 ? 16 : p == 1 ? 64 : 4; }
  static HEARTH_DEVICE Piece piece_of(const Matrix<Q2_KBlocks>& m, uint32_t block, uint32_t offset) {
    const uint32_t units = read<uint32_t>(m.member(2, block));
    const uint32_t group = read<uint8_t>(m.member(0, block) + offset / 16);
    return {two_bits(m.member(1, block), offset), low_half(units) * static_cast<float>(group & 15u),
            high_half(units) * static_cast<float>(group >> 4)};
  }
};

struct Q3_KBlocks {
  static constexpr uint32_t kBlockSize = 256, kPlanes = 4, kScaleValues = 16;
  static constexpr bool kHasLess = false, kCoded = true;
  static constexpr uint32_t plane_bytes(uint32_t p) { return p == 0 ? 32 : p == 1 ? 64 : p == 2 ? 12 : 2; }
  static HEARTH_DEVICE Piece piece_of(const Matrix<Q3_KBlocks>& m, uint32_t block, uint32_t offset) {
    const uint32_t g = offset / 16;
    const Address scales = m.member(2, block);
    const uint32_t low = static_cast<uint32_t>(read<uint8_t>(scales + g % 8)) >> (g / 8 * 4) & 15u;
    const uint32_t top = static_cast<uint32_t>(read<uint8_t>(scales + 8 + g % 4)) >> (g / 4 * 2) & 3u;
    const Word2 q = joined(two_bits(m.member(1, block), offset), one_bit(m.member(0, block), offset), 2);
    return {bytes_less(q, 0x04040404u), half_at(m.member(3, block)) * (static_cast<float>(low | top << 4) - 32.0f), 0};
  }
};

struct Q4_KBlocks {
  static constexpr uint32_t kBlockSize = 256, kPlanes = 3, kScaleValues = 32;
  static constexpr bool kHasLess = true, kCoded = true;
  static constexpr uint32_t plane_bytes(uint32_t p) { return p == 0 ? 4 : p == 1 ? 12 : 128; }
  static HEARTH_DEVICE Piece piece_of(const Matrix<Q4_KBlocks>& m, uint32_t block, uint32_t offset) {
    const uint32_t units = read<uint32_t>(m.member(0, block));
    const ScaleAndMin group = scale_and_min(m.member(1, block), offset / 32);
    return {four_bits(m.member(2, block), offset), low_half(units) * static_cast<float>(group.scale),
            high_half(units) * static_cast<float>(group.min)};
  }
};

struct Q5_KBlocks {
  static constexpr uint32_t kBlockSize = 256, kPlanes = 4, kScaleValues = 32;
  static constexpr bool kHasLess = true, kCoded = true;
  static constexpr uint32_t plane_bytes(uint32_t p) { return p == 0 ? 4 : p == 1 ? 12 : p == 2 ? 32 : 128; }
  static HEARTH_DEVICE Piece piece_of(const Matrix<Q5_KBlocks>& m, uint32_t block, uint32_t offset) {
    const uint32_t units = read<uint32_t>(m.member(0, block));
    const ScaleAndMin group = scale_and_min(m.member(1, block), offset / 32);
    return {joined(four_bits(m.member(3, block), offset), one_bit(m.member(2, block), offset), 4),
            low_half(units) * static_cast<float>(group.scale), high_half(units) * static_cast<float>(group.min)};
  }
};

struct Q6_KBlocks {
  static constexpr uint32_t kBlockSize = 256, kPlanes = 4, kScaleValues = 16;
  static constexpr bool kHasLess = false, kCoded = true;
  static constexpr uint32_t plane_bytes(uint32_t p) { return p == 0 ? 128 : p == 1 ? 64 : p == 2 ? 16 : 2; }
  static HEARTH_DEVICE Piece piece_of(const Matrix<Q6_KBlocks>& m, uint32_t block, uint32_t offset) {
    const uint32_t half = offset / 128, j = offset % 128;
    const Word2 low = masked(read<Word2>(m.member(0, block) + half * 64 + j % 64), j / 64 * 4, 0x0f0f0f0fu);
    const Word2 high = masked(read<Word2>(m.member(1, block) + half * 32 + j % 32), j / 32 * 2, 0x03030303u);
    const int32_t group = read<int8_t>(m.member(2, block) + offset / 16);
    return {bytes_less(joined(low, high, 4), 0x20202020u), half_at(m.member(3, block)) * static_cast<float>(group), 0};
  }
};

struct IQ4_XSBlocks {
  static constexpr uint32_t kBlockSize = 256, kPlanes = 4, kScaleValues = 32;
  static constexpr bool kHasLess = false, kCoded = true;
  static constexpr uint32_t plane_bytes(uint32_t p) { return p < 2 ? 2 : p == 2 ? 4 : 128; }
  static HEARTH_DEVICE Piece piece_of(const Matrix<IQ4_XSBlocks>& m, uint32_t block, uint32_t offset) {
    const uint32_t g = offset / 32;
    const uint32_t low = read<uint32_t>(m.member(2, block)) >> (4 * g) & 15u;
    const uint32_t top = static_cast<uint32_t>(read<uint16_t>(m.member(1, block))) >> (2 * g) & 3u;
    const Word2 codes =
        masked(read<Word2>(m.member(3, block) + g * 16 + offset % 16), offset % 32 / 16 * 4, 0x0f0f0f0fu);
    return {iq4_levels(m.tables, codes), half_at(m.member(0, block)) * (static_cast<float>(low | top << 4) - 32.0f), 0};
  }
};

}  // namespace hearth::cuda
