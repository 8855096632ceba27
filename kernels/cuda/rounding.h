// Rounding to bytes with a scale for each 32 values, of which a thread has 8 and four neighbours have all, or each lane
// of a warp has one; and the sum of each 16, by their scale.
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

// How values are rounded of which the largest magnitude has the bits `most`. As on the CPU, a group of zeros or nearly
// so has scale 0; one that holds infinity or NaN has that as its scale.
struct GroupRounding {
  HEARTH_DEVICE explicit GroupRounding(uint32_t most) : finite(most < 0x7f800000u) {
    const float magnitude = float_of(most);
    const bool tiny = most < bits_of(1e-30f);
    // Without its two lowest bits a scale times 1.5 * 2^23 is exact, which byte_columns takes for granted.
    scale = tiny ? 0.0f : float_of(bits_of(magnitude / 127.0f) & ~3u);
    inverse = tiny || !finite ? 0.0f : 127.0f / magnitude;
  }
  HEARTH_DEVICE int operator()(float x) const { return finite ? max(min(round_to_int(x * inverse), 127), -127) : 1; }

  float scale, inverse;
  bool finite;
};

// Writes those from `first` of a row's `width` on, which begins at `to`, where they are inside of it. All lanes must
// take part.
HEARTH_DEVICE void write_rounded(Address to, uint32_t width, uint32_t first, const float x[8], bool inside) {
  const GroupRounding round(largest_of_32(x));
  uint32_t q[2] = {};
  for (uint32_t i = 0; i < 8; ++i) q[i / 4] |= (static_cast<uint32_t>(round(x[i])) & 255u) << (i % 4 * 8);
  int sum = dot_bytes(static_cast<int>(q[1]), 0x01010101, dot_bytes(static_cast<int>(q[0]), 0x01010101, 0));
  sum += shuffle_xor(sum, 1);
  if (!inside) return;
  write(to + first, 0, Word2{q[0], q[1]});
  if (first % 32 == 0) write(to + width, first / 32, round.scale);
  if (first % 16 == 0) write(to + width + width / 8, first / 16, round.scale * static_cast<float>(sum));
}

// Likewise the 32 from `first`, a multiple of 32, on, of which each lane has its own.
HEARTH_DEVICE void write_rounded_by_lanes(Address to, uint32_t width, uint32_t first, float x) {
  const GroupRounding round(warp_max(bits_of(x) & 0x7fffffffu));
  const int q = round(x), sum = warp_sum<16>(q);
  write(to + first, lane(), static_cast<int8_t>(q));
  if (lane() == 0) write(to + width, first / 32, round.scale);
  if (lane() % 16 == 0) write(to + width + width / 8, first / 16 + lane() / 16, round.scale * static_cast<float>(sum));
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
