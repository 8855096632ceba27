// All formats, and 8 weights of any of them: as they are, or as scale * w - less.
#pragma once

#include "kernels/cuda/formats/floats.h"
#include "kernels/cuda/formats/shifted_vectors.h"
#include "kernels/cuda/formats/signed_vectors.h"
#include "kernels/cuda/formats/small_blocks.h"
#include "kernels/cuda/formats/super_blocks.h"
#include "kernels/cuda/formats/ternary.h"

namespace hearth::cuda {

template <class Blocks>
HEARTH_DEVICE Piece piece_at(const Matrix<Blocks>& matrix, uint32_t row_block, uint32_t first) {
  return Blocks::piece_of(matrix, row_block + first / Blocks::kBlockSize, first % Blocks::kBlockSize);
}

// The 8 values from value `first` of a row on, whose blocks begin with `row_block`. The order of the operations is part
// of the format: nothing of it is fused.
template <class Blocks>
HEARTH_DEVICE void decode8(const Matrix<Blocks>& matrix, uint32_t row_block, uint32_t first, uint32_t width, bool whole,
                           float values[8]) {
  if constexpr (Blocks::kCoded) {
    const Piece piece = piece_at(matrix, row_block, first);
    for (uint32_t i = 0; i < 8; ++i) {
      values[i] = piece.scale * quantum(piece, i);
      if constexpr (Blocks::kHasLess) values[i] -= piece.less;
    }
  } else {
    Blocks::decode8(matrix, row_block, first, width, whole, values);
  }
}

struct Scales {
  float scale, less;
};
// The same as w, of which a value is scale * w - less.
template <class Blocks>
HEARTH_DEVICE Scales split8(const Matrix<Blocks>& matrix, uint32_t row_block, uint32_t first, uint32_t width,
                            bool whole, float w[8]) {
  if constexpr (Blocks::kCoded) {
    const Piece piece = piece_at(matrix, row_block, first);
    for (uint32_t i = 0; i < 8; ++i) w[i] = quantum(piece, i);
    return {piece.scale, piece.less};
  } else {
    Blocks::decode8(matrix, row_block, first, width, whole, w);
    return {1, 0};
  }
}

}  // namespace hearth::cuda
