// Sums and maxima over lanes in a fixed order, of the words of <simt.h>, which includes this.
#pragma once

namespace hearth::cuda {

// Over each `lanes` (a power of 2) lanes that follow one another; all of them get the same bits. T as of shuffle.
template <uint32_t lanes = kWarp, class T>
HEARTH_DEVICE T warp_sum(T value) {
#pragma unroll
  for (uint32_t mask = lanes / 2; mask != 0; mask /= 2) value += shuffle_xor(value, mask);
  return value;
}
// NaN is passed over where another lane has a number.
template <uint32_t lanes = kWarp, class T>
HEARTH_DEVICE T warp_max(T value) {
#pragma unroll
  for (uint32_t mask = lanes / 2; mask != 0; mask /= 2) value = max(value, shuffle_xor(value, mask));
  return value;
}

}  // namespace hearth::cuda
