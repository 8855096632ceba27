// The numbers of NVIDIA's and OCP's 4-bit formats: levels of FP4 (E2M1), and unsigned 8-bit scales (E4M3). Private to
// quant.
#pragma once

#include <array>
#include <cmath>
#include <cstdint>

namespace hearth {

// An unsigned scale of 4 exponent bits with bias 7 and 3 bits behind the point. The largest code means 0.
inline constexpr std::array<float, 256> kE4m3 = [] {
  std::array<float, 256> values{};
  for (uint32_t code = 0; code < 256; ++code) {
    const uint32_t exponent = code >> 3 & 15, fraction = code & 7;
    const uint32_t eighths = exponent == 0 ? fraction : (8 + fraction) << (exponent - 1);
    values[code] = code == 0x7f ? 0 : static_cast<float>(eighths) * 0x1p-9f;
  }
  return values;
}();
inline constexpr uint8_t kLargestE4m3 = 0x7e;  // codes up to this rise

// The code of the nearest level, given a value over the scale of kFp4Doubled.
inline uint32_t fp4_code(float value) noexcept {
  constexpr float kMiddles[] = {0.5f, 1.5f, 2.5f, 3.5f, 5, 7, 10};
  const float size = std::fabs(value);
  uint32_t code = 0;
  for (const float middle : kMiddles) code += size > middle ? 1u : 0u;
  return value < 0 && code != 0 ? code + 8 : code;
}

}  // namespace hearth
