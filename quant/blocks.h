// The block formats, each once: byte layout, formula, and decode. AllBlocks at the end is the one list of them.
//
// d, m and the like are binary16 unless stated. q(i) is the stored integer of value i. Within a run of 32 packed 4-bit
// values, byte j holds value j in its low and value j + 16 in its high half. kPlanes: bytes of the parts into which
// planes.h takes the block apart, in their order.
#pragma once

#include <cstdint>
#include <tuple>
#include <type_traits>
#include <utility>

#include "quant/coded_blocks.h"
#include "quant/format.h"

namespace hearth {

struct BlockF32 {  // w = d
  static constexpr Format kFormat = Format::f32;
  static constexpr const char* kName = "F32";
  static constexpr uint32_t kSize = 1;
  static constexpr uint32_t kPlanes[] = {4};
  float d;
  void decode(float* values) const noexcept;
  void encode(const float* values) noexcept;
};

struct BlockF16 {  // w = d
  static constexpr Format kFormat = Format::f16;
  static constexpr const char* kName = "F16";
  static constexpr uint32_t kSize = 1;
  static constexpr uint32_t kPlanes[] = {2};
  uint16_t d;
  void decode(float* values) const noexcept;
  void encode(const float* values) noexcept;
};

struct BlockBF16 {  // w = d, in bfloat16
  static constexpr Format kFormat = Format::bf16;
  static constexpr const char* kName = "BF16";
  static constexpr uint32_t kSize = 1;
  static constexpr uint32_t kPlanes[] = {2};
  uint16_t d;
  void decode(float* values) const noexcept;
  void encode(const float* values) noexcept;
};

struct BlockQ4_0 {  // w = d * (q - 8)
  static constexpr Format kFormat = Format::q4_0;
  static constexpr const char* kName = "Q4_0";
  static constexpr uint32_t kSize = 32;
  static constexpr uint32_t kPlanes[] = {2, 16};
  uint16_t d;
  uint8_t q[16];
  void decode(float* values) const noexcept;
  void encode(const float* values) noexcept;
};

struct BlockQ4_1 {  // w = d * q + m
  static constexpr Format kFormat = Format::q4_1;
  static constexpr const char* kName = "Q4_1";
  static constexpr uint32_t kSize = 32;
  static constexpr uint32_t kPlanes[] = {4, 16};
  uint16_t d, m;
  uint8_t q[16];
  void decode(float* values) const noexcept;
  void encode(const float* values) noexcept;
};

struct BlockQ5_0 {  // w = d * (q - 16); bit i of `high` is the fifth bit of value i
  static constexpr Format kFormat = Format::q5_0;
  static constexpr const char* kName = "Q5_0";
  static constexpr uint32_t kSize = 32;
  static constexpr uint32_t kPlanes[] = {2, 4, 16};
  uint16_t d;
  uint8_t high[4];
  uint8_t q[16];
  void decode(float* values) const noexcept;
  void encode(const float* values) noexcept;
};

struct BlockQ5_1 {  // w = d * q + m; bit i of `high` is the fifth bit of value i
  static constexpr Format kFormat = Format::q5_1;
  static constexpr const char* kName = "Q5_1";
  static constexpr uint32_t kSize = 32;
  static constexpr uint32_t kPlanes[] = {4, 4, 16};
  uint16_t d, m;
  uint8_t high[4];
  uint8_t q[16];
  void decode(float* values) const noexcept;
  void encode(const float* values) noexcept;
};

struct BlockQ8_0 {  // w = d * q
  static constexpr Format kFormat = Format::q8_0;
  static constexpr const char* kName = "Q8_0";
  static constexpr uint32_t kSize = 32;
  static constexpr uint32_t kPlanes[] = {2, 32};
  uint16_t d;
  int8_t q[32];
  void decode(float* values) const noexcept;
  void encode(const float* values) noexcept;
};

// w = d * scale * q - m * min, 16 groups of 16. `scales` holds scale in the low and min in the high half.
// q: in each half of the block, byte j holds the values j, j + 32, j + 64, j + 96, two bits each from the lowest up.
struct BlockQ2_K {
  static constexpr Format kFormat = Format::q2_k;
  static constexpr const char* kName = "Q2_K";
  static constexpr uint32_t kSize = 256;
  static constexpr uint32_t kPlanes[] = {16, 64, 4};
  uint8_t scales[16];
  uint8_t q[64];
  uint16_t d, m;
  void decode(float* values) const noexcept;
};

// w = d * (scale - 32) * (q - 4), 16 groups of 16. The two low bits of q lie as in Q2_K; the third bit of value i is
// bit i / 32 of high[i % 32]. scale g: low 4 bits in nibble g / 8 of scales[g % 8], high 2 in scales[8 + g % 4].
struct BlockQ3_K {
  static constexpr Format kFormat = Format::q3_k;
  static constexpr const char* kName = "Q3_K";
  static constexpr uint32_t kSize = 256;
  static constexpr uint32_t kPlanes[] = {32, 64, 12, 2};
  uint8_t high[32];
  uint8_t q[64];
  uint8_t scales[12];
  uint16_t d;
  void decode(float* values) const noexcept;
};

// w = d * scale * q - m * min, 8 groups of 32. Each 64 values share 32 bytes: low halves first, then high halves.
// scales: 6-bit scale and min of groups 0 to 3 in bytes 0 to 7; those of groups 4 to 7 have their low halves in bytes
// 8 to 11 and their two high bits in the top of bytes 0 to 7.
struct BlockQ4_K {
  static constexpr Format kFormat = Format::q4_k;
  static constexpr const char* kName = "Q4_K";
  static constexpr uint32_t kSize = 256;
  static constexpr uint32_t kPlanes[] = {4, 12, 128};
  uint16_t d, m;
  uint8_t scales[12];
  uint8_t q[128];
  void decode(float* values) const noexcept;
};

// As Q4_K with five bits: the fifth bit of value i is bit i / 32 of high[i % 32].
struct BlockQ5_K {
  static constexpr Format kFormat = Format::q5_k;
  static constexpr const char* kName = "Q5_K";
  static constexpr uint32_t kSize = 256;
  static constexpr uint32_t kPlanes[] = {4, 12, 32, 128};
  uint16_t d, m;
  uint8_t scales[12];
  uint8_t high[32];
  uint8_t q[128];
  void decode(float* values) const noexcept;
};

// w = d * scale * (q - 32), 16 groups of 16. In each half of the block, low[j] holds the low bits of values j and
// j + 64 for j < 64; high[j] the two high bits of values j, j + 32, j + 64, j + 96 for j < 32.
struct BlockQ6_K {
  static constexpr Format kFormat = Format::q6_k;
  static constexpr const char* kName = "Q6_K";
  static constexpr uint32_t kSize = 256;
  static constexpr uint32_t kPlanes[] = {128, 64, 16, 2};
  uint8_t low[128];
  uint8_t high[64];
  int8_t scales[16];
  uint16_t d;
  void decode(float* values) const noexcept;
};

struct BlockIQ4_NL {  // w = d * kIq4Values[q]
  static constexpr Format kFormat = Format::iq4_nl;
  static constexpr const char* kName = "IQ4_NL";
  static constexpr uint32_t kSize = 32;
  static constexpr uint32_t kPlanes[] = {2, 16};
  uint16_t d;
  uint8_t q[16];
  void decode(float* values) const noexcept;
};

// w = d * (scale - 32) * kIq4Values[q], 8 groups of 32. scale g: low 4 bits in nibble g of scales_low, high 2 in
// bits 2 g of scales_high.
struct BlockIQ4_XS {
  static constexpr Format kFormat = Format::iq4_xs;
  static constexpr const char* kName = "IQ4_XS";
  static constexpr uint32_t kSize = 256;
  static constexpr uint32_t kPlanes[] = {2, 2, 4, 128};
  uint16_t d;
  uint16_t scales_high;
  uint8_t scales_low[4];
  uint8_t q[128];
  void decode(float* values) const noexcept;
};

struct BlockMXFP4 {  // w = 2^(e - 128) * kFp4Doubled[q]
  static constexpr Format kFormat = Format::mxfp4;
  static constexpr const char* kName = "MXFP4";
  static constexpr uint32_t kSize = 32;
  static constexpr uint32_t kPlanes[] = {1, 16};
  uint8_t e;
  uint8_t q[16];
  void decode(float* values) const noexcept;
};

// The 16 levels of the IQ4 formats, and those of FP4 (E2M1) doubled.
inline constexpr int8_t kIq4Values[16] = {-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};
inline constexpr int8_t kFp4Doubled[16] = {0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12};

// The lists from which the run-time table, with_block, the kernels and the typed tests are made. Those of the first are
// unpacked by kernels of their own; the coded ones share one.
using BlockList =
    std::tuple<BlockF32, BlockF16, BlockQ4_0, BlockQ4_1, BlockQ5_0, BlockQ5_1, BlockQ8_0, BlockQ2_K, BlockQ3_K,
               BlockQ4_K, BlockQ5_K, BlockQ6_K, BlockIQ4_NL, BlockIQ4_XS, BlockBF16, BlockMXFP4>;
using CodedBlocks = std::tuple<BlockIQ2_XXS, BlockIQ2_XS, BlockIQ3_XXS, BlockIQ1_S, BlockIQ3_S, BlockIQ2_S, BlockIQ1_M,
                               BlockTQ1_0, BlockTQ2_0, BlockNVFP4>;
using AllBlocks = decltype(std::tuple_cat(std::declval<BlockList>(), std::declval<CodedBlocks>()));

template <class Block>
inline constexpr bool IsCoded = requires(const Block& block, int8_t* q, float* scale) {
  block.expand(q, scale);
};

static_assert(sizeof(BlockQ4_0) == 18 && sizeof(BlockQ4_1) == 20 && sizeof(BlockQ5_0) == 22 && sizeof(BlockQ5_1) == 24);
static_assert(sizeof(BlockQ8_0) == 34 && sizeof(BlockQ2_K) == 84 && sizeof(BlockQ3_K) == 110 &&
              sizeof(BlockQ4_K) == 144);
static_assert(sizeof(BlockQ5_K) == 176 && sizeof(BlockQ6_K) == 210 && sizeof(BlockIQ4_NL) == 18);
static_assert(sizeof(BlockIQ4_XS) == 136 && sizeof(BlockMXFP4) == 17 && sizeof(BlockF16) == 2 &&
              sizeof(BlockBF16) == 2);

// Calls f.template operator()<Block>() with the block type of a format: the one switch over formats.
template <class F>
void with_block(Format format, F&& f) {
  [&]<class... Block>(std::type_identity<std::tuple<Block...>>) {
    (void)((Block::kFormat == format && (f.template operator()<Block>(), true)) || ...);
  }(std::type_identity<AllBlocks>{});
}

}  // namespace hearth
