// What the lanes of a warp do together, for nvcc. All 32 call the same.
#pragma once

#include <type_traits>

#include "kernels/cuda/hardware/qualifiers.h"

namespace hearth::cuda {

inline constexpr uint32_t kAllLanes = 0xffffffff;

// The value that lane `from` % 32 gave, that lane() ^ mask gave, or lane() + by or lane() - by (where there is none:
// one's own). T: float, or an integer of 4 or 8 bytes.
template <class T>
HEARTH_DEVICE T shuffle(T value, uint32_t from) {
  return __shfl_sync(kAllLanes, value, from);
}
template <class T>
HEARTH_DEVICE T shuffle_xor(T value, uint32_t mask) {
  return __shfl_xor_sync(kAllLanes, value, mask);
}
template <class T>
HEARTH_DEVICE T shuffle_down(T value, uint32_t by) {
  return __shfl_down_sync(kAllLanes, value, by);
}
template <class T>
HEARTH_DEVICE T shuffle_up(T value, uint32_t by) {
  return __shfl_up_sync(kAllLanes, value, by);
}

// Bit i is lane i's.
HEARTH_DEVICE uint32_t ballot(bool value) { return __ballot_sync(kAllLanes, value); }
HEARTH_DEVICE bool any(bool value) { return __any_sync(kAllLanes, value); }
HEARTH_DEVICE bool all(bool value) { return __all_sync(kAllLanes, value); }

// Over each `lanes` (a power of 2) lanes that follow one another; all of them get the same bits, as the order is that
// of a butterfly: halves are added first. T as of shuffle.
template <uint32_t lanes = kWarp, class T>
HEARTH_DEVICE T warp_sum(T value) {
  if constexpr (lanes == kWarp && (std::is_same_v<T, uint32_t> || std::is_same_v<T, int>)) {
    return __reduce_add_sync(kAllLanes, value);
  } else {
#pragma unroll
    for (uint32_t mask = lanes / 2; mask != 0; mask /= 2) value += shuffle_xor(value, mask);
    return value;
  }
}
// NaN is passed over where another lane has a number.
template <uint32_t lanes = kWarp, class T>
HEARTH_DEVICE T warp_max(T value) {
#pragma unroll
  for (uint32_t mask = lanes / 2; mask != 0; mask /= 2) value = max(value, shuffle_xor(value, mask));
  return value;
}

}  // namespace hearth::cuda
