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

// kCount (4 or 8) neighbours from `first` on, of which `valid` are there; the others are 0. whole: they are there, and
// lie so that they can be read at once.
template <uint32_t kType, uint32_t kCount>
HEARTH_DEVICE void load_kvs(Address row, uint32_t first, uint32_t valid, bool whole, float x[kCount]) {
  if (!whole) {
    for (uint32_t i = 0; i < kCount; ++i) x[i] = i < valid ? load_kv<kType>(row, first + i) : 0.0f;
  } else if constexpr (kType == kKvF32) {
    for (uint32_t i = 0; i < kCount / 4; ++i) {
      const Word4 four = read<Word4>(row + 4ull * first, i);
      x[4 * i] = float_of(four.x);
      x[4 * i + 1] = float_of(four.y);
      x[4 * i + 2] = float_of(four.z);
      x[4 * i + 3] = float_of(four.w);
    }
  } else if constexpr (kType == kKvF16) {
    uint32_t pairs[kCount / 2];
    if constexpr (kCount == 8) {
      const Word4 four = read<Word4>(row + 2ull * first);
      pairs[0] = four.x, pairs[1] = four.y, pairs[2] = four.z, pairs[3] = four.w;
    } else {
      const Word2 two = read<Word2>(row + 2ull * first);
      pairs[0] = two.x, pairs[1] = two.y;
    }
    for (uint32_t i = 0; i < kCount / 2; ++i) {
      x[2 * i] = low_half(pairs[i]);
      x[2 * i + 1] = high_half(pairs[i]);
    }
  } else {
    const Address block = row + first / kKvBlock * kKvBlockBytes;
    const float scale = half_to_float(read<uint16_t>(block));
    for (uint32_t i = 0; i < kCount / 2; ++i) {
      const uint32_t pair = read<uint16_t>(block + 2 + first % kKvBlock, i);
      x[2 * i] = scale * static_cast<float>(static_cast<int8_t>(pair));
      x[2 * i + 1] = scale * static_cast<float>(static_cast<int8_t>(pair >> 8));
    }
  }
}

}  // namespace hearth::cuda
