// Packing of 32 small integers as the formats with blocks of 32 keep them. Private to quant.
#pragma once

#include <cstdint>

namespace hearth {

// Byte j of `q` takes value j in its low and value j + 16 in its high half. quanta: [32], four bits of each.
inline void pack_nibbles(const uint32_t* quanta, uint8_t* q) noexcept {
  for (uint32_t j = 0; j < 16; ++j) q[j] = static_cast<uint8_t>((quanta[j] & 15) | (quanta[j + 16] & 15) << 4);
}

// Bit i of `high` takes the fifth bit of value i. quanta: [32]; high: [4].
inline void pack_fifth_bits(const uint32_t* quanta, uint8_t* high) noexcept {
  for (uint32_t j = 0; j < 4; ++j) high[j] = 0;
  for (uint32_t i = 0; i < 32; ++i) high[i / 8] = static_cast<uint8_t>(high[i / 8] | (quanta[i] >> 4 & 1) << (i % 8));
}

}  // namespace hearth
