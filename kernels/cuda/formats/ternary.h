// TQ1_0 and TQ2_0: -1, 0 and 1 with one scale for 256. See quant/coded_blocks.h.
#pragma once

#include "kernels/cuda/formats/planes.h"

namespace hearth::cuda {

struct TQ1_0Blocks {
  static constexpr uint32_t kBlockSize = 256, kPlanes = 3, kScaleValues = 32;
  static constexpr bool kHasLess = false, kCoded = true;
  static constexpr uint32_t plane_bytes(uint32_t p) { return p == 0 ? 48 : p == 1 ? 4 : 2; }

  // Digit n of four fractions in base 3: two bytes at a time, since three of them fill 16 bits.
  static HEARTH_DEVICE uint32_t digits(uint32_t bytes, uint32_t n) {
    const uint32_t power = n == 0 ? 1u : n == 1 ? 3u : n == 2 ? 9u : n == 3 ? 27u : 81u;
    const uint32_t even = (bytes & 0x00ff00ffu) * power & 0x00ff00ffu;
    const uint32_t odd = (bytes >> 8 & 0x00ff00ffu) * power & 0x00ff00ffu;
    return (even * 3u >> 8 & 0x00030003u) | (odd * 3u & 0x03000300u);
  }
  static HEARTH_DEVICE Piece piece_of(const Matrix<TQ1_0Blocks>& m, uint32_t block, uint32_t offset) {
    Word2 q;
    if (offset < 240) {
      const bool second = offset >= 160;
      const uint32_t in_run = second ? offset - 160 : offset, run = second ? 16 : 32;
      const Word2 bytes = read<Word2>(m.member(0, block) + (second ? 32 : 0) + in_run % run);
      q = {digits(bytes.x, in_run / run), digits(bytes.y, in_run / run)};
    } else {
      const uint32_t bytes = read<uint32_t>(m.member(1, block)), n = (offset - 240) / 4;
      q = {digits(bytes, n), digits(bytes, n + 1)};
    }
    return {bytes_less(q, 0x01010101u), half_at(m.member(2, block)), 0};
  }
};

struct TQ2_0Blocks {
  static constexpr uint32_t kBlockSize = 256, kPlanes = 2, kScaleValues = 32;
  static constexpr bool kHasLess = false, kCoded = true;
  static constexpr uint32_t plane_bytes(uint32_t p) { return p == 0 ? 64 : 2; }
  static HEARTH_DEVICE Piece piece_of(const Matrix<TQ2_0Blocks>& m, uint32_t block, uint32_t offset) {
    const Word2 q =
        masked(read<Word2>(m.member(0, block) + offset / 128 * 32 + offset % 32), offset % 128 / 32 * 2, 0x03030303u);
    return {bytes_less(q, 0x01010101u), half_at(m.member(1, block)), 0};
  }
};

}  // namespace hearth::cuda
