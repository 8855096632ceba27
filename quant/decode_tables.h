// What a device looks up to decode weights: the codebooks, in one piece of memory.
#pragma once

#include <cstdint>

namespace hearth {

// Vectors as in codebooks.h.
struct DecodeTables {
  uint64_t iq2_xxs[256], iq2_xs[512], iq2_s[1024], iq1[2048];
  uint32_t iq3_xxs[256], iq3_s[512];
  uint32_t iq4[16];  // kIq4Values, a byte each
};
static_assert(sizeof(DecodeTables) == 3840 * 8 + 784 * 4);

DecodeTables decode_tables() noexcept;

}  // namespace hearth
