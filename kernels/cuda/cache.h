// How the cache keeps keys and values, by backends' KvType: 0 as floats, 1 as binary16, 2 as Q8_0 blocks of 32.
#pragma once

#include "kernels/cuda/read.h"

namespace hearth::cuda {

constexpr uint32_t kKvF32 = 0, kKvF16 = 1, kKvQ8 = 2;
constexpr uint32_t kKvBlock = 32;       // values of a Q8_0 block
constexpr uint32_t kKvBlockBytes = 34;  // its binary16 scale, then a byte for each value

HEARTH_DEVICE uint64_t kv_row_bytes(uint32_t type, uint32_t width) {
  return type == kKvF32 ? 4 * width : type == kKvF16 ? 2 * width : width / kKvBlock * kKvBlockBytes;
}

// Value `index` of the row that begins at `row`.
template <uint32_t kType>
HEARTH_DEVICE float load_kv(Address row, uint32_t index) {
  if constexpr (kType == kKvF32) {
    return read<float>(row, index);
  } else if constexpr (kType == kKvF16) {
    return half_to_float(read<uint16_t>(row, index));
  } else {
    const Address block = row + index / kKvBlock * kKvBlockBytes;
    return half_to_float(read<uint16_t>(block)) * static_cast<float>(read<int8_t>(block + 2, index % kKvBlock));
  }
}

}  // namespace hearth::cuda
