// IQ2_XXS, IQ2_XS, IQ2_S, IQ3_XXS and IQ3_S: vectors of magnitudes, and signs. See quant/coded_blocks.h.
#pragma once

#include "kernels/cuda/formats/planes.h"

namespace hearth::cuda {

// Signs of 7 values with an eighth that makes their number even.
HEARTH_DEVICE uint32_t even_signs(uint32_t seven) { return seven | (count_ones(seven) & 1u) << 7; }

// Magnitudes above 0, negated where their bit of `signs` is set: no byte carries into the next.
HEARTH_DEVICE Word2 with_signs(Word2 magnitudes, uint32_t signs) {
  const uint32_t first = spread_bits(signs), second = spread_bits(signs >> 4);
  return {(magnitudes.x ^ first * 255u) + first, (magnitudes.y ^ second * 255u) + second};
}

struct IQ2_XXSBlocks {
  static constexpr uint32_t kBlockSize = 256, kPlanes = 2, kScaleValues = 32;
  static constexpr bool kHasLess = false, kCoded = true;
  static constexpr uint32_t plane_bytes(uint32_t p) { return p == 0 ? 2 : 64; }
  static HEARTH_DEVICE Piece piece_of(const Matrix<IQ2_XXSBlocks>& m, uint32_t block, uint32_t offset) {
    const uint32_t v = offset / 8;
    const Word2 group = read<Word2>(m.member(1, block), offset / 32);
    const Word2 vector = vector_of(m.tables, kIq2XxsTable, group.x >> (v % 4 * 8) & 255u);
    return {with_signs(vector, even_signs(group.y >> (v % 4 * 7) & 127u)),
            half_at(m.member(0, block)) * (0.5f + static_cast<float>(group.y >> 28)) * 0.25f, 0};
  }
};

// Of IQ2_XS and IQ2_S: the scale of 16 values, four bits of the last plane.
template <class Blocks>
HEARTH_DEVICE float iq2_scale(const Matrix<Blocks>& m, uint32_t block, uint32_t offset) {
  const uint32_t both = read<uint8_t>(m.member(Blocks::kPlanes - 1, block), offset / 32);
  const uint32_t s = both >> (offset / 16 % 2 * 4) & 15u;
  return half_at(m.member(0, block)) * (0.5f + static_cast<float>(s)) * 0.25f;
}

struct IQ2_XSBlocks {
  static constexpr uint32_t kBlockSize = 256, kPlanes = 3, kScaleValues = 16;
  static constexpr bool kHasLess = false, kCoded = true;
  static constexpr uint32_t plane_bytes(uint32_t p) { return p == 0 ? 2 : p == 1 ? 64 : 8; }
  static HEARTH_DEVICE Piece piece_of(const Matrix<IQ2_XSBlocks>& m, uint32_t block, uint32_t offset) {
    const uint32_t q = read<uint16_t>(m.member(1, block), offset / 8);
    return {with_signs(vector_of(m.tables, kIq2XsTable, q & 511u), even_signs(q >> 9)), iq2_scale(m, block, offset), 0};
  }
};

struct IQ2_SBlocks {
  static constexpr uint32_t kBlockSize = 256, kPlanes = 5, kScaleValues = 16;
  static constexpr bool kHasLess = false, kCoded = true;
  static constexpr uint32_t plane_bytes(uint32_t p) { return p == 0 ? 2 : p < 3 ? 32 : 8; }
  static HEARTH_DEVICE Piece piece_of(const Matrix<IQ2_SBlocks>& m, uint32_t block, uint32_t offset) {
    const uint32_t v = offset / 8;
    const uint32_t high = static_cast<uint32_t>(read<uint8_t>(m.member(3, block), offset / 32)) >> (v % 4 * 2) & 3u;
    const uint32_t number = read<uint8_t>(m.member(1, block), v) | high << 8;
    return {with_signs(vector_of(m.tables, kIq2STable, number), read<uint8_t>(m.member(2, block), v)),
            iq2_scale(m, block, offset), 0};
  }
};

struct IQ3_XXSBlocks {
  static constexpr uint32_t kBlockSize = 256, kPlanes = 3, kScaleValues = 32;
  static constexpr bool kHasLess = false, kCoded = true;
  static constexpr uint32_t plane_bytes(uint32_t p) { return p == 0 ? 2 : p == 1 ? 64 : 32; }
  static HEARTH_DEVICE Piece piece_of(const Matrix<IQ3_XXSBlocks>& m, uint32_t block, uint32_t offset) {
    const uint32_t v = offset / 8, rest = read<uint32_t>(m.member(2, block), offset / 32);
    const uint32_t two = read<uint16_t>(m.member(1, block), v);
    const Word2 vector = {read<uint32_t>(m.tables + kIq3XxsTable, two & 255u),
                          read<uint32_t>(m.tables + kIq3XxsTable, two >> 8)};
    return {with_signs(vector, even_signs(rest >> (v % 4 * 7) & 127u)),
            half_at(m.member(0, block)) * (0.5f + static_cast<float>(rest >> 28)) * 0.5f, 0};
  }
};

struct IQ3_SBlocks {
  static constexpr uint32_t kBlockSize = 256, kPlanes = 5, kScaleValues = 32;
  static constexpr bool kHasLess = false, kCoded = true;
  static constexpr uint32_t plane_bytes(uint32_t p) { return p == 0 ? 2 : p == 1 ? 64 : p == 2 ? 8 : p == 3 ? 32 : 4; }
  static HEARTH_DEVICE Piece piece_of(const Matrix<IQ3_SBlocks>& m, uint32_t block, uint32_t offset) {
    const uint32_t v = offset / 8, g = offset / 32;
    const uint32_t s = static_cast<uint32_t>(read<uint8_t>(m.member(4, block), g / 2)) >> (g % 2 * 4) & 15u;
    const uint32_t two = read<uint16_t>(m.member(1, block), v);
    const uint32_t high = static_cast<uint32_t>(read<uint8_t>(m.member(2, block), g)) >> (v % 4 * 2);
    const Word2 vector = {read<uint32_t>(m.tables + kIq3STable, (two & 255u) | (high & 1u) << 8),
                          read<uint32_t>(m.tables + kIq3STable, two >> 8 | (high & 2u) << 7)};
    return {with_signs(vector, read<uint8_t>(m.member(3, block), v)),
            half_at(m.member(0, block)) * static_cast<float>(1 + 2 * s), 0};
  }
};

}  // namespace hearth::cuda
