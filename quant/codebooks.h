// Codebooks: vectors of 8 or 4 magnitudes, as bytes of a word, the first lowest. Private to quant.
#pragma once

#include <array>
#include <cstdint>

namespace hearth {

extern const std::array<uint64_t, 256> kIq2XxsVectors;
extern const std::array<uint64_t, 512> kIq2XsVectors;
extern const std::array<uint64_t, 1024> kIq2SVectors;
extern const std::array<uint32_t, 256> kIq3XxsVectors;
extern const std::array<uint32_t, 512> kIq3SVectors;
extern const std::array<uint64_t, 2048> kIq1Vectors;  // 8 times -1, 0 or 1, plus 8
extern const std::array<uint64_t, 256> kSignMasks;    // byte j is 255 where bit j is set
// The same for 7 bits and an eighth that makes their number even.
extern const std::array<uint64_t, 128> kEvenSignMasks;

}  // namespace hearth
