// Puts the codebooks together.
#include "quant/decode_tables.h"

#include <algorithm>

#include "quant/blocks.h"
#include "quant/codebooks.h"

namespace hearth {

DecodeTables decode_tables() noexcept {
  DecodeTables tables;
  std::ranges::copy(kIq2XxsVectors, tables.iq2_xxs);
  std::ranges::copy(kIq2XsVectors, tables.iq2_xs);
  std::ranges::copy(kIq2SVectors, tables.iq2_s);
  std::ranges::copy(kIq1Vectors, tables.iq1);
  std::ranges::copy(kIq3XxsVectors, tables.iq3_xxs);
  std::ranges::copy(kIq3SVectors, tables.iq3_s);
  std::ranges::transform(kIq4Values, tables.iq4, [](int8_t level) { return static_cast<uint8_t>(level); });
  return tables;
}

}  // namespace hearth
