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

}  // namespace hearth::cuda
