// Fitting and packing of the K-quants and IQ4_XS; blocks.h says where each bit lies.
#include "quant/super_block_encode.h"

#include <algorithm>

#include "quant/pack.h"
#include "quant/super_block.h"

namespace hearth {
namespace {

void set_bits(uint8_t& byte, uint32_t bits, uint32_t shift) { byte = static_cast<uint8_t>(byte | bits << shift); }

// The two low bits of value i, as Q2_K and Q3_K keep them.
void put_two_bits(uint8_t* q, uint32_t i, uint32_t code) {
  set_bits(q[i / 128 * 32 + i % 32], code & 3, i % 128 / 32 * 2);
}

// The four low bits of value i, as Q4_K and Q5_K keep them.
void put_four_bits(uint8_t* q, uint32_t i, uint32_t code) {
  set_bits(q[i / 64 * 32 + i % 32], code & 15, i % 64 / 32 * 4);
}

// The 6-bit scales and offsets of eight groups in 12 bytes.
void put_scales(const int* scales, const int* offsets, uint8_t* to) {
  for (size_t g = 0; g < 4; ++g) {
    const int scale = scales[g + 4], offset = offsets[g + 4];
    to[g] = static_cast<uint8_t>(scales[g] | scale >> 4 << 6);
    to[g + 4] = static_cast<uint8_t>(offsets[g] | offset >> 4 << 6);
    to[g + 8] = static_cast<uint8_t>((scale & 15) | (offset & 15) << 4);
  }
}

}  // namespace

void search(const float* values, const float* worth, BlockQ2_K& block) noexcept {
  OffsetGroups<3, 15, 16> groups;
  groups.fit(values, worth);
  block = {};
  block.d = groups.d;
  block.m = groups.m;
  for (size_t g = 0; g < 16; ++g) block.scales[g] = static_cast<uint8_t>(groups.scales[g] | groups.offsets[g] << 4);
  for (uint32_t i = 0; i < kSuperBlock; ++i) put_two_bits(block.q, i, groups.code(i / 16, values[i]));
}

void search(const float* values, const float* worth, BlockQ3_K& block) noexcept {
  using Levels = IntegerLevels<-4, 3>;
  ScaledGroups<Levels, 32, 16> groups;
  groups.fit(values, worth);
  block = {};
  block.d = groups.d;
  for (uint32_t g = 0; g < 16; ++g) {
    const auto scale = static_cast<uint32_t>(groups.scales[g] + 32);
    set_bits(block.scales[g % 8], scale & 15, g / 8 * 4);
    set_bits(block.scales[8 + g % 4], scale >> 4, g / 4 * 2);
  }
  for (uint32_t i = 0; i < kSuperBlock; ++i) {
    const uint32_t code = Levels::code(values[i] * inverse_of(groups.scale(i / 16)));
    put_two_bits(block.q, i, code);
    set_bits(block.high[i % 32], code >> 2, i / 32);
  }
}

void search(const float* values, const float* worth, BlockQ4_K& block) noexcept {
  OffsetGroups<15, 63, 32> groups;
  groups.fit(values, worth);
  block = {};
  block.d = groups.d;
  block.m = groups.m;
  put_scales(groups.scales, groups.offsets, block.scales);
  for (uint32_t i = 0; i < kSuperBlock; ++i) put_four_bits(block.q, i, groups.code(i / 32, values[i]));
}

void search(const float* values, const float* worth, BlockQ5_K& block) noexcept {
  OffsetGroups<31, 63, 32> groups;
  groups.fit(values, worth);
  block = {};
  block.d = groups.d;
  block.m = groups.m;
  put_scales(groups.scales, groups.offsets, block.scales);
  for (uint32_t i = 0; i < kSuperBlock; ++i) {
    const uint32_t code = groups.code(i / 32, values[i]);
    put_four_bits(block.q, i, code);
    set_bits(block.high[i % 32], code >> 4, i / 32);
  }
}

void search(const float* values, const float* worth, BlockQ6_K& block) noexcept {
  using Levels = IntegerLevels<-32, 31>;
  ScaledGroups<Levels, 128, 16> groups;
  groups.fit(values, worth);
  block = {};
  block.d = groups.d;
  for (size_t g = 0; g < 16; ++g) block.scales[g] = static_cast<int8_t>(groups.scales[g]);
  for (uint32_t i = 0; i < kSuperBlock; ++i) {
    const uint32_t code = Levels::code(values[i] * inverse_of(groups.scale(i / 16))), half = i / 128, j = i % 128;
    set_bits(block.low[half * 64 + j % 64], code & 15, j / 64 * 4);
    set_bits(block.high[half * 32 + j % 32], code >> 4, j / 32 * 2);
  }
}

void search(const float* values, const float* worth, BlockIQ4_XS& block) noexcept {
  ScaledGroups<Iq4Levels, 32, 32> groups;
  groups.fit(values, worth);
  block = {};
  block.d = groups.d;
  for (uint32_t g = 0; g < 8; ++g) {
    const auto scale = static_cast<uint32_t>(groups.scales[g] + 32);
    set_bits(block.scales_low[g / 2], scale & 15, g % 2 * 4);
    block.scales_high = static_cast<uint16_t>(block.scales_high | scale >> 4 << (2 * g));
    uint32_t quanta[32];
    const float inverse = inverse_of(groups.scale(g));
    for (uint32_t i = 0; i < 32; ++i) quanta[i] = Iq4Levels::code(values[g * 32 + i] * inverse);
    pack_nibbles(quanta, block.q + g * 16);
  }
}

}  // namespace hearth
