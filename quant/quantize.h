// Encoders that search for the scales of least squared error, for files that are made once and read often.
#pragma once

#include <cstddef>

#include "quant/format.h"

namespace hearth {

// Encodes rows in any format. The error that is made small is the sum over a row of importance * (value - decoded)^2;
// then blocks with a binary16 scale are enlarged by a few per cent, for what has the least error is too small.
// values: [rows x width], width a whole number of blocks; importance: [width], finite and not negative, or null: all
// equal; blocks: those of the rows, back to back. No infinity or NaN is written where the values are finite; what
// others become is not said. The same input gives the same bytes. F32, F16, BF16 and Q8_0 are rounded, without a
// search.
void quantize(Format format, const float* values, const float* importance, size_t width, size_t rows,
              std::byte* blocks) noexcept;

}  // namespace hearth
