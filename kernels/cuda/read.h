// Values at addresses, as kernels are told them.
#pragma once

#include <simt.h>

#include <cstdint>

namespace hearth::cuda {

template <class T>
HEARTH_DEVICE T read(Address place, uint64_t index = 0) {
  return global<const T>(place)[index];
}
template <class T>
HEARTH_DEVICE void write(Address place, uint64_t index, T value) {
  global<T>(place)[index] = value;
}
// Row `row` of floats.
HEARTH_DEVICE Global<float> floats_at(Address place, uint64_t index = 0) { return global<float>(place) + index; }

// The 8 values from `first` of `width` on; those behind the end are 0. whole: the width is a multiple of 8, and all
// inputs begin at multiples of 16 bytes.
HEARTH_DEVICE void load8(Address place, uint32_t first, uint32_t width, bool whole, float x[8]) {
  if (whole && first < width) {
    for (uint32_t i = 0; i < 2; ++i) {
      const Word4 four = read<Word4>(place + 4ull * first, i);
      x[4 * i] = float_of(four.x);
      x[4 * i + 1] = float_of(four.y);
      x[4 * i + 2] = float_of(four.z);
      x[4 * i + 3] = float_of(four.w);
    }
  } else {
    for (uint32_t i = 0; i < 8; ++i) x[i] = first + i < width ? read<float>(place, first + i) : 0.0f;
  }
}

}  // namespace hearth::cuda
