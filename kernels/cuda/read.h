// Values at addresses, as kernels are told them.
#pragma once

#include <simt.h>

#include <cstdint>

namespace hearth::cuda {

template <class T>
HEARTH_DEVICE T read(Address place, uint64_t index = 0) {
  return global<const T>(place)[index];
}
// The same of what may be read before wait_for_kernel_before().
template <class T>
HEARTH_DEVICE T read_early(Address place, uint64_t index = 0) {
  return load_early(global<const T>(place) + index);
}
template <class T>
HEARTH_DEVICE void write(Address place, uint64_t index, T value) {
  global<T>(place)[index] = value;
}
// Row `row` of floats.
HEARTH_DEVICE Global<float> floats_at(Address place, uint64_t index = 0) { return global<float>(place) + index; }

// The 8 values from `first` of `width` on; those behind the end are 0. whole: the width is a multiple of 8, and all
// inputs begin at multiples of 16 bytes. early: as read_early.
template <bool early = false>
HEARTH_DEVICE void load8(Address place, uint32_t first, uint32_t width, bool whole, float x[8]) {
  if (whole && first < width) {
    for (uint32_t i = 0; i < 2; ++i) {
      const Address at = place + 4ull * first;
      Word4 four;
      if constexpr (early)
        four = read_early<Word4>(at, i);
      else
        four = read<Word4>(at, i);
      x[4 * i] = float_of(four.x);
      x[4 * i + 1] = float_of(four.y);
      x[4 * i + 2] = float_of(four.z);
      x[4 * i + 3] = float_of(four.w);
    }
  } else {
    for (uint32_t i = 0; i < 8; ++i) {
      x[i] = 0;
      if (first + i < width) x[i] = early ? read_early<float>(place, first + i) : read<float>(place, first + i);
    }
  }
}

}  // namespace hearth::cuda
