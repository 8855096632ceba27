// Expanding the coded formats. The order of the operations on scales is part of the format.
#include "quant/coded_blocks.h"

#include <array>
#include <cmath>
#include <cstring>

#include "quant/blocks.h"
#include "quant/codebooks.h"
#include "quant/fp4.h"
#include "quant/half.h"

namespace hearth {
namespace {

uint32_t word_at(const uint8_t* bytes) {
  uint32_t word;
  std::memcpy(&word, bytes, sizeof word);
  return word;
}

constexpr uint64_t kOnes = 0x0101010101010101;  // for arithmetic on the eight bytes of a word

// Eight bytes below 128, each less a number: their highest bits keep them from borrowing.
uint64_t less(uint64_t bytes, uint64_t number) {
  constexpr uint64_t kHighest = 128 * kOnes;
  return ((bytes | kHighest) - number * kOnes) ^ kHighest;
}

// Eight magnitudes above 0, negated where the mask's byte is 255: no byte carries into the next.
void put_signed(uint64_t vector, uint64_t mask, int8_t* values) {
  vector = (vector ^ mask) + (mask & kOnes);
  std::memcpy(values, &vector, sizeof vector);
}

uint64_t pair(uint32_t first, uint32_t second) { return first | uint64_t{second} << 32; }

// q = 8 (vector + delta) for one of 2048 vectors.
void put_shifted(uint32_t number, bool negative, int8_t* values) {
  const uint64_t vector = less(kIq1Vectors[number], negative ? 9 : 7);
  std::memcpy(values, &vector, sizeof vector);
}

uint32_t half_byte(const uint8_t* bytes, uint32_t i) { return bytes[i / 2] >> (i % 2 * 4) & 15u; }

// The base-3 digits of fractions of 256, less 1: the first of all bytes, the second, and so on. In bytes alone, which
// compilers make vectors of.
template <uint32_t count, uint32_t digits>
void put_digits(const uint8_t* bytes, int8_t* values) {
  uint8_t rest[count];
  std::memcpy(rest, bytes, count);
  for (uint32_t n = 0; n < digits; ++n, values += count) {
    int8_t digit[count];
    for (uint32_t j = 0; j < count; ++j) {
      digit[j] = static_cast<int8_t>((rest[j] > 85 ? 1 : 0) + (rest[j] > 170 ? 1 : 0) - 1);
      rest[j] = static_cast<uint8_t>(3 * rest[j]);
    }
    std::memcpy(values, digit, count);
  }
}

// kFp4Doubled[code], computed.
int8_t fp4_doubled(uint8_t code) {
  const auto m = static_cast<uint8_t>(code & 7);
  const auto size = static_cast<int8_t>(m + (m > 4 ? m - 4 : 0) + (m == 7 ? 2 : 0));
  return static_cast<int8_t>(code > 7 ? -size : size);
}

}  // namespace

void BlockIQ2_XXS::expand(int8_t* values, float* scale) const noexcept {
  const float unit = f16_to_f32(d);
  for (uint32_t g = 0; g < 8; ++g) {
    const uint8_t* group = q + 8 * g;
    const uint32_t rest = word_at(group + 4);
    scale[2 * g] = scale[2 * g + 1] = unit * (0.5f + static_cast<float>(rest >> 28)) * 0.25f;
    for (uint32_t v = 0; v < 4; ++v, values += 8)
      put_signed(kIq2XxsVectors[group[v]], kEvenSignMasks[rest >> (7 * v) & 127], values);
  }
}

void BlockIQ2_XS::expand(int8_t* values, float* scale) const noexcept {
  const float unit = f16_to_f32(d);
  for (uint32_t g = 0; g < 16; ++g) scale[g] = unit * (0.5f + static_cast<float>(half_byte(scales, g))) * 0.25f;
  for (uint32_t v = 0; v < 32; ++v, values += 8)
    put_signed(kIq2XsVectors[q[v] & 511], kEvenSignMasks[q[v] >> 9], values);
}

void BlockIQ2_S::expand(int8_t* values, float* scale) const noexcept {
  const float unit = f16_to_f32(d);
  for (uint32_t g = 0; g < 16; ++g) scale[g] = unit * (0.5f + static_cast<float>(half_byte(scales, g))) * 0.25f;
  for (uint32_t v = 0; v < 32; ++v, values += 8)
    put_signed(kIq2SVectors[q[v] | (high[v / 4] >> (2 * (v % 4)) & 3u) << 8], kSignMasks[signs[v]], values);
}

void BlockIQ3_XXS::expand(int8_t* values, float* scale) const noexcept {
  const float unit = f16_to_f32(d);
  for (uint32_t g = 0; g < 8; ++g) {
    const uint32_t rest = word_at(signs + 4 * g);
    scale[2 * g] = scale[2 * g + 1] = unit * (0.5f + static_cast<float>(rest >> 28)) * 0.5f;
    for (uint32_t v = 0; v < 4; ++v, values += 8) {
      const uint8_t* two = q + 8 * g + 2 * v;
      put_signed(pair(kIq3XxsVectors[two[0]], kIq3XxsVectors[two[1]]), kEvenSignMasks[rest >> (7 * v) & 127], values);
    }
  }
}

void BlockIQ3_S::expand(int8_t* values, float* scale) const noexcept {
  const float unit = f16_to_f32(d);
  const auto vector = [&](uint32_t v) { return kIq3SVectors[q[v] | (high[v / 8] >> (v % 8) & 1u) << 8]; };
  for (uint32_t g = 0; g < 8; ++g)
    scale[2 * g] = scale[2 * g + 1] = unit * static_cast<float>(1 + 2 * half_byte(scales, g));
  for (uint32_t i = 0; i < 32; ++i, values += 8)
    put_signed(pair(vector(2 * i), vector(2 * i + 1)), kSignMasks[signs[i]], values);
}

void BlockIQ1_S::expand(int8_t* values, float* scale) const noexcept {
  const float unit = f16_to_f32(d);
  for (uint32_t g = 0; g < 8; ++g) {
    const uint32_t rest = high[g];
    scale[2 * g] = scale[2 * g + 1] = unit * static_cast<float>(2 * (rest >> 12 & 7) + 1) * 0.125f;
    for (uint32_t v = 0; v < 4; ++v, values += 8)
      put_shifted(q[4 * g + v] | (rest >> (3 * v) & 7) << 8, (rest & 0x8000) != 0, values);
  }
}

void BlockIQ1_M::expand(int8_t* values, float* scale) const noexcept {
  const float d = unit();
  for (uint32_t g = 0; g < 16; ++g)
    scale[g] = d * static_cast<float>(2 * (scales[g / 4] >> (3 * (g % 4)) & 7u) + 1) * 0.125f;
  for (uint32_t v = 0; v < 32; ++v, values += 8) {
    const uint32_t rest = half_byte(high, v);
    put_shifted(q[v] | (rest & 7) << 8, (rest & 8) != 0, values);
  }
}
float BlockIQ1_M::unit() const noexcept {
  uint32_t half = 0;
  for (uint32_t i = 0; i < 4; ++i) half |= (scales[i] >> 12 & 15u) << (4 * i);
  return f16_to_f32(static_cast<uint16_t>(half));
}
void BlockIQ1_M::set_scale(float s) noexcept {
  const uint32_t half = f32_to_f16(s);
  for (uint32_t i = 0; i < 4; ++i)
    scales[i] = static_cast<uint16_t>((scales[i] & 0x0fff) | (half >> (4 * i) & 15u) << 12);
}

void BlockTQ1_0::expand(int8_t* values, float* scale) const noexcept {
  const float unit = f16_to_f32(d);
  for (uint32_t g = 0; g < 16; ++g) scale[g] = unit;
  put_digits<32, 5>(q, values);
  put_digits<16, 5>(q + 32, values + 160);
  put_digits<4, 4>(rest, values + 240);
}

void BlockTQ2_0::expand(int8_t* values, float* scale) const noexcept {
  const float unit = f16_to_f32(d);
  for (uint32_t g = 0; g < 16; ++g) scale[g] = unit;
  for (uint32_t half = 0; half < 2; ++half) {
    uint8_t rest[32];
    std::memcpy(rest, q + 32 * half, sizeof rest);
    for (uint32_t n = 0; n < 4; ++n, values += 32) {
      int8_t digit[32];
      for (uint32_t j = 0; j < 32; ++j) {
        digit[j] = static_cast<int8_t>((rest[j] & 3) - 1);
        rest[j] = static_cast<uint8_t>(rest[j] >> 2);
      }
      std::memcpy(values, digit, sizeof digit);
    }
  }
}

void BlockNVFP4::expand(int8_t* values, float* scale) const noexcept {
  int8_t low[32], high[32];
  for (uint32_t i = 0; i < 32; ++i) {
    low[i] = fp4_doubled(q[i] & 15);
    high[i] = fp4_doubled(q[i] >> 4);
  }
  for (uint32_t g = 0; g < 4; ++g, values += 16) {
    scale[g] = kE4m3[scales[g]] * 0.5f;
    std::memcpy(values, low + 8 * g, 8);
    std::memcpy(values + 8, high + 8 * g, 8);
  }
}
void BlockNVFP4::set_scale(float s) noexcept {
  uint8_t nearest = 0;
  for (uint8_t code = 1; code <= kLargestE4m3; ++code)
    if (std::fabs(kE4m3[code] - s) < std::fabs(kE4m3[nearest] - s)) nearest = code;
  for (uint8_t& one : scales) one = nearest;
}

}  // namespace hearth
