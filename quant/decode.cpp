// Reference decode of every block format. The order of the operations is part of the format: results are bit-exact.
#include "quant/blocks.h"
#include "quant/half.h"

namespace hearth {
namespace {

uint32_t bit(const uint8_t* bits, uint32_t i) { return (bits[i / 8] >> (i % 8)) & 1u; }

// Value i of 32 four-bit values in 16 bytes.
uint32_t nibble(const uint8_t* q, uint32_t i) { return i < 16 ? q[i] & 15u : q[i - 16] >> 4; }

// The 6-bit scale and min of group g of Q4_K and Q5_K.
struct ScaleMin {
  uint32_t scale, min;
};
ScaleMin scale_min(const uint8_t* scales, uint32_t g) {
  if (g < 4) return {scales[g] & 63u, scales[g + 4] & 63u};
  const uint32_t scale_top = scales[g - 4] >> 6, min_top = scales[g] >> 6;
  return {(scales[g + 4] & 15u) | scale_top << 4, static_cast<uint32_t>(scales[g + 4] >> 4) | min_top << 4};
}

// The two bits of value i in the layout shared by Q2_K and Q3_K.
uint32_t two_bits(const uint8_t* q, uint32_t i) { return (q[i / 128 * 32 + i % 32] >> (i % 128 / 32 * 2)) & 3u; }

}  // namespace

void BlockF32::decode(float* values) const noexcept { *values = d; }
void BlockF16::decode(float* values) const noexcept { *values = f16_to_f32(d); }
void BlockBF16::decode(float* values) const noexcept { *values = bf16_to_f32(d); }

void BlockQ4_0::decode(float* values) const noexcept {
  const float scale = f16_to_f32(d);
  for (uint32_t i = 0; i < kSize; ++i) values[i] = scale * (static_cast<float>(nibble(q, i)) - 8.0f);
}

void BlockQ4_1::decode(float* values) const noexcept {
  const float scale = f16_to_f32(d), min = f16_to_f32(m);
  for (uint32_t i = 0; i < kSize; ++i) values[i] = scale * static_cast<float>(nibble(q, i)) + min;
}

void BlockQ5_0::decode(float* values) const noexcept {
  const float scale = f16_to_f32(d);
  for (uint32_t i = 0; i < kSize; ++i)
    values[i] = scale * (static_cast<float>(nibble(q, i) | bit(high, i) << 4) - 16.0f);
}

void BlockQ5_1::decode(float* values) const noexcept {
  const float scale = f16_to_f32(d), min = f16_to_f32(m);
  for (uint32_t i = 0; i < kSize; ++i) values[i] = scale * static_cast<float>(nibble(q, i) | bit(high, i) << 4) + min;
}

void BlockQ8_0::decode(float* values) const noexcept {
  const float scale = f16_to_f32(d);
  for (uint32_t i = 0; i < kSize; ++i) values[i] = scale * static_cast<float>(q[i]);
}

void BlockQ2_K::decode(float* values) const noexcept {
  const float scale = f16_to_f32(d), min = f16_to_f32(m);
  for (uint32_t i = 0; i < kSize; ++i) {
    const uint8_t group = scales[i / 16];
    const float group_scale = scale * static_cast<float>(group & 15), group_min = min * static_cast<float>(group >> 4);
    values[i] = group_scale * static_cast<float>(two_bits(q, i)) - group_min;
  }
}

void BlockQ3_K::decode(float* values) const noexcept {
  const float scale = f16_to_f32(d);
  for (uint32_t i = 0; i < kSize; ++i) {
    const uint32_t g = i / 16;
    const uint32_t low = (scales[g % 8] >> (g / 8 * 4)) & 15u, top = (scales[8 + g % 4] >> (g / 4 * 2)) & 3u;
    const float group_scale = scale * (static_cast<float>(low | top << 4) - 32.0f);
    const uint32_t third = (high[i % 32] >> (i / 32)) & 1u;
    values[i] = group_scale * (static_cast<float>(two_bits(q, i) | third << 2) - 4.0f);
  }
}

void BlockQ4_K::decode(float* values) const noexcept {
  const float scale = f16_to_f32(d), min = f16_to_f32(m);
  for (uint32_t i = 0; i < kSize; ++i) {
    const ScaleMin group = scale_min(scales, i / 32);
    const uint32_t quantum = (q[i / 64 * 32 + i % 32] >> (i % 64 / 32 * 4)) & 15u;
    values[i] =
        scale * static_cast<float>(group.scale) * static_cast<float>(quantum) - min * static_cast<float>(group.min);
  }
}

void BlockQ5_K::decode(float* values) const noexcept {
  const float scale = f16_to_f32(d), min = f16_to_f32(m);
  for (uint32_t i = 0; i < kSize; ++i) {
    const ScaleMin group = scale_min(scales, i / 32);
    const uint32_t low = (q[i / 64 * 32 + i % 32] >> (i % 64 / 32 * 4)) & 15u, fifth = (high[i % 32] >> (i / 32)) & 1u;
    values[i] = scale * static_cast<float>(group.scale) * static_cast<float>(low | fifth << 4) -
                min * static_cast<float>(group.min);
  }
}

void BlockQ6_K::decode(float* values) const noexcept {
  const float scale = f16_to_f32(d);
  for (uint32_t i = 0; i < kSize; ++i) {
    const uint32_t half = i / 128, j = i % 128;
    const uint32_t four = (low[half * 64 + j % 64] >> (j / 64 * 4)) & 15u;
    const uint32_t two = (high[half * 32 + j % 32] >> (j / 32 * 2)) & 3u;
    values[i] = scale * static_cast<float>(scales[i / 16]) * (static_cast<float>(four | two << 4) - 32.0f);
  }
}

void BlockIQ4_NL::decode(float* values) const noexcept {
  const float scale = f16_to_f32(d);
  for (uint32_t i = 0; i < kSize; ++i) values[i] = scale * static_cast<float>(kIq4Values[nibble(q, i)]);
}

void BlockIQ4_XS::decode(float* values) const noexcept {
  const float scale = f16_to_f32(d);
  for (uint32_t i = 0; i < kSize; ++i) {
    const uint32_t g = i / 32;
    const uint32_t low = (scales_low[g / 2] >> (g % 2 * 4)) & 15u, top = (scales_high >> (2 * g)) & 3u;
    const float group_scale = scale * (static_cast<float>(low | top << 4) - 32.0f);
    values[i] = group_scale * static_cast<float>(kIq4Values[nibble(q + g * 16, i % 32)]);
  }
}

void BlockMXFP4::decode(float* values) const noexcept {
  const float scale = half_of_e8m0(e);
  for (uint32_t i = 0; i < kSize; ++i) values[i] = scale * static_cast<float>(kFp4Doubled[nibble(q, i)]);
}

}  // namespace hearth
