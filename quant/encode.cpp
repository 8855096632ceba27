// Reference quantisers: scale from the extremes of a block, then round to nearest. No search.
#include <algorithm>
#include <cmath>

#include "quant/blocks.h"
#include "quant/half.h"
#include "quant/pack.h"

namespace hearth {
namespace {

// The value of largest magnitude, with its sign; the first of equals.
float extreme(const float* values, uint32_t count) {
  float result = 0.0f;
  for (uint32_t i = 0; i < count; ++i)
    if (std::fabs(values[i]) > std::fabs(result)) result = values[i];
  return result;
}

// Rounds half up, into [0, top]; NaN gives 0.
uint32_t quantum(float value, float top) {
  const float shifted = value + 0.5f;
  return shifted > 0.0f ? static_cast<uint32_t>(std::min(shifted, top)) : 0;
}

float inverse(float scale) { return scale != 0.0f ? 1.0f / scale : 0.0f; }

// Formats without a minimum: the extreme value takes the lowest code, so d carries the opposite of its sign.
uint16_t encode_symmetric(const float* values, float half_range, uint32_t* quanta) {
  const float scale = extreme(values, 32) / -half_range;
  const float to_quanta = inverse(scale);
  for (uint32_t i = 0; i < 32; ++i) quanta[i] = quantum(values[i] * to_quanta + half_range, 2 * half_range - 1);
  return f32_to_f16(scale);
}

// Formats with a minimum: d * q + m spans the block.
void encode_affine(const float* values, float top, uint32_t* quanta, uint16_t* d, uint16_t* m) {
  const auto [low, high] = std::minmax_element(values, values + 32);
  const float scale = (*high - *low) / top;
  const float to_quanta = inverse(scale);
  for (uint32_t i = 0; i < 32; ++i) quanta[i] = quantum((values[i] - *low) * to_quanta, top);
  *d = f32_to_f16(scale);
  *m = f32_to_f16(*low);
}

}  // namespace

void BlockF32::encode(const float* values) noexcept { d = *values; }
void BlockF16::encode(const float* values) noexcept { d = f32_to_f16(*values); }
void BlockBF16::encode(const float* values) noexcept { d = f32_to_bf16(*values); }

void BlockQ4_0::encode(const float* values) noexcept {
  uint32_t quanta[32];
  d = encode_symmetric(values, 8.0f, quanta);
  pack_nibbles(quanta, q);
}

void BlockQ4_1::encode(const float* values) noexcept {
  uint32_t quanta[32];
  encode_affine(values, 15.0f, quanta, &d, &m);
  pack_nibbles(quanta, q);
}

void BlockQ5_0::encode(const float* values) noexcept {
  uint32_t quanta[32];
  d = encode_symmetric(values, 16.0f, quanta);
  pack_nibbles(quanta, q);
  pack_fifth_bits(quanta, high);
}

void BlockQ5_1::encode(const float* values) noexcept {
  uint32_t quanta[32];
  encode_affine(values, 31.0f, quanta, &d, &m);
  pack_nibbles(quanta, q);
  pack_fifth_bits(quanta, high);
}

void BlockQ8_0::encode(const float* values) noexcept {
  const float scale = std::fabs(extreme(values, kSize)) / 127.0f;
  const float to_quanta = inverse(scale);
  for (uint32_t i = 0; i < kSize; ++i) {
    const float scaled = std::round(values[i] * to_quanta);
    q[i] = static_cast<int8_t>(scaled > -127.0f ? std::min(scaled, 127.0f) : -127.0f);
  }
  d = f32_to_f16(scale);
}

}  // namespace hearth
