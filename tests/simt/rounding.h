// Rows that tests have rounded.
#pragma once

#include "kernels/gpu/parameters.h"

namespace hearth::simt {

// Of rows of `width` values that follow one another, to bytes; dispatch [ceil(width / 512), rows].
inline gpu::RoundInputsParameters rounding_of(gpu::Address in, gpu::Address out, gpu::Address batch, uint32_t width,
                                              gpu::HeaderWord::Word rows_at) {
  gpu::RoundInputsParameters p{};
  p.in = in;
  p.out = out;
  p.batch = batch;
  p.width = p.in_stride = width;
  p.out_stride = p.out_matrix_stride = gpu::rounded_words(width);
  p.rows_at = rows_at;
  p.rows_each = 1;
  return p;
}

}  // namespace hearth::simt
