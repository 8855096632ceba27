// The 16-bit and 8-bit floating-point encodings that weight blocks use, to and from float.
#pragma once

#include <bit>
#include <cstdint>

namespace hearth {

// IEEE 754 binary16 to float, exact; subnormals, infinities and NaN included.
inline float f16_to_f32(uint16_t half) noexcept {
  const uint32_t sign = static_cast<uint32_t>(half & 0x8000) << 16;
  const uint32_t magnitude = half & 0x7fffu;
  if (magnitude >= 0x7c00) return std::bit_cast<float>(sign | 0x7f800000 | ((magnitude & 0x3ff) << 13));
  if (magnitude >= 0x0400) return std::bit_cast<float>(sign | ((magnitude << 13) + (112u << 23)));
  const float subnormal = static_cast<float>(magnitude) * 0x1p-24f;
  return sign != 0 ? -subnormal : subnormal;
}

// Float to binary16, rounded to nearest, ties to even; overflow gives infinity, NaN stays a quiet NaN.
inline uint16_t f32_to_f16(float value) noexcept {
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  const auto sign = static_cast<uint16_t>((bits >> 16) & 0x8000);
  const uint32_t magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000) return sign | 0x7e00;
  if (magnitude >= 0x477ff000) return sign | 0x7c00;  // 65520 and more round to infinity
  if (magnitude < 0x38800000) {  // below 2^-14: adding 1/2 moves the result's last bit to float's last bit, 2^-24
    const float aligned = std::bit_cast<float>(magnitude) + 0.5f;
    return sign | static_cast<uint16_t>(std::bit_cast<uint32_t>(aligned) - 0x3f000000);
  }
  const uint32_t rounded = magnitude + 0xfff + ((magnitude >> 13) & 1);
  return sign | static_cast<uint16_t>((rounded - (112u << 23)) >> 13);
}

inline float bf16_to_f32(uint16_t value) noexcept { return std::bit_cast<float>(static_cast<uint32_t>(value) << 16); }

// Float to bfloat16, rounded to nearest, ties to even; NaN stays a quiet NaN.
inline uint16_t f32_to_bf16(float value) noexcept {
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  if ((bits & 0x7fffffff) > 0x7f800000) return static_cast<uint16_t>((bits >> 16) | 64);
  return static_cast<uint16_t>((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
}

// Half of an E8M0 scale, 2^(exponent - 128): MXFP4 keeps its values doubled so that they are integers.
inline float half_of_e8m0(uint8_t exponent) noexcept {
  if (exponent >= 2) return std::bit_cast<float>(static_cast<uint32_t>(exponent - 1) << 23);
  return std::bit_cast<float>(uint32_t{0x00200000} << exponent);  // 2^-128 and 2^-127 are subnormal
}

}  // namespace hearth
