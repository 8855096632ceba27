// Rounding to bytes with a scale for each 32 values, of which a thread has 8 and four neighbours have all; and the sum
// of each 16, by their scale.
#pragma once

#include "kernels/cuda/batch.h"

namespace hearth::cuda {

// Bits of the largest magnitude of the 32; those of NaN are the largest. All lanes must take part.
HEARTH_DEVICE uint32_t largest_of_32(const float x[8]) {
  uint32_t most = 0;
  for (uint32_t i = 0; i < 8; ++i) most = max(most, bits_of(x[i]) & 0x7fffffffu);
  most = max(most, shuffle_xor(most, 1));
  return max(most, shuffle_xor(most, 2));
}

// Writes those from `first` of a row's `width` on, which begins at `to`, where they are inside of it. All lanes must
// take part.
HEARTH_DEVICE void write_rounded(Address to, uint32_t width, uint32_t first, const float x[8], bool inside) {
  const uint32_t most = largest_of_32(x);
  // As on the CPU, a group of zeros or nearly so has scale 0; one that holds infinity or NaN has that as its scale.
  const float magnitude = float_of(most);
  const bool tiny = most < bits_of(1e-30f), finite = most < 0x7f800000u;
  // Without its two lowest bits a scale times 1.5 * 2^23 is exact, which byte_columns takes for granted.
  const float scale = tiny ? 0.0f : float_of(bits_of(magnitude / 127.0f) & ~3u),
              inverse = tiny || !finite ? 0.0f : 127.0f / magnitude;
  uint32_t q[2] = {};
  for (uint32_t i = 0; i < 8; ++i) {
    const int whole = max(min(round_to_int(x[i] * inverse), 127), -127);
    q[i / 4] |= (finite ? static_cast<uint32_t>(whole) & 255u : 1u) << (i % 4 * 8);
  }
  int sum = dot_bytes(static_cast<int>(q[1]), 0x01010101, dot_bytes(static_cast<int>(q[0]), 0x01010101, 0));
  sum += shuffle_xor(sum, 1);
  if (!inside) return;
  write(to + first, 0, Word2{q[0], q[1]});
  if (first % 32 == 0) write(to + width, first / 32, scale);
  if (first % 16 == 0) write(to + width + width / 8, first / 16, scale * static_cast<float>(sum));
}

// Likewise as bfloat16 numbers.
HEARTH_DEVICE void write_bfloats(Address to, uint32_t first, const float x[8]) {
  write(to + 2ull * first, 0,
        Word4{pack_bfloats(x[0], x[1]), pack_bfloats(x[2], x[3]), pack_bfloats(x[4], x[5]), pack_bfloats(x[6], x[7])});
}

// Likewise as bfloat16 numbers in slices, as RoundInputsParameters has them, of column `column`; those of its eight
// columns and its matrix begin at `eight`.
HEARTH_DEVICE void write_slices(Address eight, uint32_t column, uint32_t first, const float x[8]) {
  const uint32_t own = column % 8, slice = first / 256 * 4 + first % 32 / 8;
  const Address to = eight + 1024ull * slice + 128 * own + 4 * (first % 256 / 64);
  for (uint32_t j = 0; j < 4; ++j)
    write(to, 4 * ((first % 64 / 32 * 4 + j) ^ own), pack_bfloats(x[2 * j], x[2 * j + 1]));
}

}  // namespace hearth::cuda
