// F32, F16 and BF16: values as they are, in one plane. A row may begin anywhere.
#pragma once

#include "kernels/cuda/formats/planes.h"

namespace hearth::cuda {

// The 8 values of a row, whose values begin with `row`, from `first` on; those behind its end are 0. whole: the width
// is a multiple of 8.
struct F32Blocks {
  static constexpr uint32_t kBlockSize = 1, kPlanes = 1;
  static constexpr bool kHasLess = false, kCoded = false;
  static constexpr uint32_t plane_bytes(uint32_t) { return 4; }

  static HEARTH_DEVICE void decode8(const Matrix<F32Blocks>& matrix, uint32_t row, uint32_t first, uint32_t width,
                                    bool whole, float values[8]) {
    const Address place = matrix.member(0, row) + 4ull * first;
    if (whole) {
      for (uint32_t i = 0; i < 2; ++i) {
        const Word4 four = read<Word4>(place, i);
        values[4 * i] = float_of(four.x);
        values[4 * i + 1] = float_of(four.y);
        values[4 * i + 2] = float_of(four.z);
        values[4 * i + 3] = float_of(four.w);
      }
    } else {
      for (uint32_t i = 0; i < 8; ++i) values[i] = first + i < width ? read<float>(place, i) : 0.0f;
    }
  }
};

// Values of 16 bits, of which value_of() makes floats.
template <class Self>
struct HalfBlocks {
  static constexpr uint32_t kBlockSize = 1, kPlanes = 1;
  static constexpr bool kHasLess = false, kCoded = false;
  static constexpr uint32_t plane_bytes(uint32_t) { return 2; }

  static HEARTH_DEVICE void decode8(const Matrix<Self>& matrix, uint32_t row, uint32_t first, uint32_t width,
                                    bool whole, float values[8]) {
    const Address place = matrix.member(0, row) + 2ull * first;
    if (whole) {
      const Word4 words = read<Word4>(place);
      const uint32_t each[4] = {words.x, words.y, words.z, words.w};
      for (uint32_t i = 0; i < 8; ++i) values[i] = Self::value_of(each[i / 2] >> (i % 2 * 16) & 0xffffu);
    } else {
      for (uint32_t i = 0; i < 8; ++i) values[i] = first + i < width ? Self::value_of(read<uint16_t>(place, i)) : 0.0f;
    }
  }
};
struct F16Blocks : HalfBlocks<F16Blocks> {
  static HEARTH_DEVICE float value_of(uint32_t bits) { return low_half(bits); }
};
struct BF16Blocks : HalfBlocks<BF16Blocks> {
  static HEARTH_DEVICE float value_of(uint32_t bits) { return float_of(bits << 16); }
};

}  // namespace hearth::cuda
