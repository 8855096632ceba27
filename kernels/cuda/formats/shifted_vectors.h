// IQ1_S and IQ1_M: vectors of -1, 0 and 1, shifted by an eighth up or down. See quant/coded_blocks.h.
#pragma once

#include "kernels/cuda/formats/planes.h"

namespace hearth::cuda {

HEARTH_DEVICE Piece shifted_vector(Address tables, uint32_t number, bool negative, float unit, uint32_t scale) {
  return {bytes_less(vector_of(tables, kIq1Table, number), negative ? 0x09090909u : 0x07070707u),
          unit * static_cast<float>(2 * scale + 1) * 0.125f, 0};
}

struct IQ1_SBlocks {
  static constexpr uint32_t kBlockSize = 256, kPlanes = 3, kScaleValues = 32;
  static constexpr bool kHasLess = false, kCoded = true;
  static constexpr uint32_t plane_bytes(uint32_t p) { return p == 0 ? 2 : p == 1 ? 32 : 16; }
  static HEARTH_DEVICE Piece piece_of(const Matrix<IQ1_SBlocks>& m, uint32_t block, uint32_t offset) {
    const uint32_t v = offset / 8;  // the vector's place
    const uint32_t rest = read<uint16_t>(m.member(2, block), v / 4);
    const uint32_t number = read<uint8_t>(m.member(1, block), v) | (rest >> (v % 4 * 3) & 7u) << 8;
    return shifted_vector(m.tables, number, (rest & 0x8000u) != 0, half_at(m.member(0, block)), rest >> 12 & 7u);
  }
};

struct IQ1_MBlocks {
  static constexpr uint32_t kBlockSize = 256, kPlanes = 3, kScaleValues = 16;
  static constexpr bool kHasLess = false, kCoded = true;
  static constexpr uint32_t plane_bytes(uint32_t p) { return p == 0 ? 32 : p == 1 ? 16 : 8; }
  static HEARTH_DEVICE Piece piece_of(const Matrix<IQ1_MBlocks>& m, uint32_t block, uint32_t offset) {
    const uint32_t v = offset / 8, g = offset / 16;
    const uint32_t rest = static_cast<uint32_t>(read<uint8_t>(m.member(1, block), v / 2)) >> (v % 2 * 4) & 15u;
    const uint32_t number = read<uint8_t>(m.member(0, block), v) | (rest & 7u) << 8;
    const Word2 scales = read<Word2>(m.member(2, block));
    // The scale of the block lies in the highest bits of four words.
    const uint32_t low = (scales.x >> 12 & 15u) | (scales.x >> 24 & 0xf0u);
    const uint32_t high = (scales.y >> 12 & 15u) | (scales.y >> 24 & 0xf0u);
    const uint32_t s = (g < 8 ? scales.x : scales.y) >> (g / 4 % 2 * 16 + g % 4 * 3) & 7u;
    return shifted_vector(m.tables, number, (rest & 8u) != 0, low_half(low | high << 8), s);
  }
};

}  // namespace hearth::cuda
