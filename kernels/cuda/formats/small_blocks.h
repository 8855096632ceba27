// Blocks of 32 with one scale, and NVFP4's of 64 with four: Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, IQ4_NL, MXFP4, NVFP4.
#pragma once

#include "kernels/cuda/formats/planes.h"

namespace hearth::cuda {

// 8 of 32 values of 4 bits, as bytes: byte j holds values j and j + 16.
HEARTH_DEVICE Word2 nibbles(Address q, uint32_t offset) {
  return masked(read<Word2>(q + offset % 16), offset / 16 * 4, 0x0f0f0f0fu);
}
// The fifth bits of 8 values, at their place.
HEARTH_DEVICE Word2 fifth_bits(uint32_t high) { return {spread_bits(high) << 4, spread_bits(high >> 4) << 4}; }

// Four FP4 codes to their doubled levels: 0 1 2 3 4 6 8 12, the fourth bit being the sign.
HEARTH_DEVICE uint32_t fp4_levels(uint32_t codes) {
  uint32_t levels = 0;
  for (uint32_t i = 0; i < 4; ++i) {
    const uint32_t code = codes >> (8 * i) & 15u, exponent = code >> 1 & 3u, fraction = code & 1u;
    const uint32_t size = exponent == 0 ? fraction : (2u + fraction) << (exponent - 1u);
    levels |= ((code & 8u) != 0 ? 0u - size : size) % 256u << (8 * i);
  }
  return levels;
}

struct Q4_0Blocks {
  static constexpr uint32_t kBlockSize = 32, kPlanes = 2, kScaleValues = 32;
  static constexpr bool kHasLess = false, kCoded = true;
  static constexpr uint32_t plane_bytes(uint32_t p) { return p == 0 ? 2 : 16; }
  static HEARTH_DEVICE Piece piece_of(const Matrix<Q4_0Blocks>& m, uint32_t block, uint32_t offset) {
    return {bytes_less(nibbles(m.member(1, block), offset), 0x08080808u), half_at(m.member(0, block)), 0};
  }
};

struct Q4_1Blocks {
  static constexpr uint32_t kBlockSize = 32, kPlanes = 2, kScaleValues = 32;
  static constexpr bool kHasLess = true, kCoded = true;
  static constexpr uint32_t plane_bytes(uint32_t p) { return p == 0 ? 4 : 16; }
  static HEARTH_DEVICE Piece piece_of(const Matrix<Q4_1Blocks>& m, uint32_t block, uint32_t offset) {
    const uint32_t units = read<uint32_t>(m.member(0, block));
    return {nibbles(m.member(1, block), offset), low_half(units), -high_half(units)};
  }
};

struct Q5_0Blocks {
  static constexpr uint32_t kBlockSize = 32, kPlanes = 3, kScaleValues = 32;
  static constexpr bool kHasLess = false, kCoded = true;
  static constexpr uint32_t plane_bytes(uint32_t p) { return p == 0 ? 2 : p == 1 ? 4 : 16; }
  static HEARTH_DEVICE Piece piece_of(const Matrix<Q5_0Blocks>& m, uint32_t block, uint32_t offset) {
    const Word2 high = fifth_bits(read<uint32_t>(m.member(1, block)) >> offset);
    return {bytes_less(joined(nibbles(m.member(2, block), offset), high, 0), 0x10101010u), half_at(m.member(0, block)),
            0};
  }
};

struct Q5_1Blocks {
  static constexpr uint32_t kBlockSize = 32, kPlanes = 3, kScaleValues = 32;
  static constexpr bool kHasLess = true, kCoded = true;
  static constexpr uint32_t plane_bytes(uint32_t p) { return p == 2 ? 16 : 4; }
  static HEARTH_DEVICE Piece piece_of(const Matrix<Q5_1Blocks>& m, uint32_t block, uint32_t offset) {
    const uint32_t units = read<uint32_t>(m.member(0, block));
    const Word2 high = fifth_bits(read<uint32_t>(m.member(1, block)) >> offset);
    return {joined(nibbles(m.member(2, block), offset), high, 0), low_half(units), -high_half(units)};
  }
};

struct Q8_0Blocks {
  static constexpr uint32_t kBlockSize = 32, kPlanes = 2, kScaleValues = 32;
  static constexpr bool kHasLess = false, kCoded = true;
  static constexpr uint32_t plane_bytes(uint32_t p) { return p == 0 ? 2 : 32; }
  static HEARTH_DEVICE Piece piece_of(const Matrix<Q8_0Blocks>& m, uint32_t block, uint32_t offset) {
    return {read<Word2>(m.member(1, block) + offset), half_at(m.member(0, block)), 0};
  }
};

struct IQ4_NLBlocks {
  static constexpr uint32_t kBlockSize = 32, kPlanes = 2, kScaleValues = 32;
  static constexpr bool kHasLess = false, kCoded = true;
  static constexpr uint32_t plane_bytes(uint32_t p) { return p == 0 ? 2 : 16; }
  static HEARTH_DEVICE Piece piece_of(const Matrix<IQ4_NLBlocks>& m, uint32_t block, uint32_t offset) {
    return {iq4_levels(m.tables, nibbles(m.member(1, block), offset)), half_at(m.member(0, block)), 0};
  }
};

struct MXFP4Blocks {
  static constexpr uint32_t kBlockSize = 32, kPlanes = 2, kScaleValues = 32;
  static constexpr bool kHasLess = false, kCoded = true;
  static constexpr uint32_t plane_bytes(uint32_t p) { return p == 0 ? 1 : 16; }
  static HEARTH_DEVICE Piece piece_of(const Matrix<MXFP4Blocks>& m, uint32_t block, uint32_t offset) {
    const uint32_t e = read<uint8_t>(m.member(0, block));
    const Word2 codes = nibbles(m.member(1, block), offset);
    // 2^(e - 128), of which the two least are subnormal.
    const float scale = float_of(e >= 2 ? (e - 1) << 23 : 0x00200000u << e);
    return {{fp4_levels(codes.x), fp4_levels(codes.y)}, scale, 0};
  }
};

struct NVFP4Blocks {
  static constexpr uint32_t kBlockSize = 64, kPlanes = 2, kScaleValues = 16;
  static constexpr bool kHasLess = false, kCoded = true;
  static constexpr uint32_t plane_bytes(uint32_t p) { return p == 0 ? 4 : 32; }
  // Half of an unsigned E4M3 number.
  static HEARTH_DEVICE float scale_of(uint32_t code) {
    const uint32_t exponent = code >> 3 & 15u, fraction = code & 7u;
    const uint32_t eighths = exponent == 0 ? fraction : (8u + fraction) << (exponent - 1u);
    return code == 0x7fu ? 0.0f : static_cast<float>(eighths) * (1.0f / 1024.0f);
  }
  static HEARTH_DEVICE Piece piece_of(const Matrix<NVFP4Blocks>& m, uint32_t block, uint32_t offset) {
    const uint32_t code = read<uint32_t>(m.member(0, block)) >> (offset / 16 * 8) & 255u;
    // Each 16 values have 8 bytes, of which the low halves come first.
    const Word2 codes = masked(read<Word2>(m.member(1, block) + offset / 16 * 8), offset % 16 / 8 * 4, 0x0f0f0f0fu);
    return {{fp4_levels(codes.x), fp4_levels(codes.y)}, scale_of(code), 0};
  }
};

}  // namespace hearth::cuda
