// Block formats whose integers are looked up or computed rather than stored: each once, as in blocks.h, which lists
// them. All are w = scale * q with q a signed byte and one scale for 16 values, and expand() says which; d is binary16.
//
// A vector is 8 or 4 magnitudes of a codebook (codebooks.h). Signs are a byte for 8 values, bit j set where value j is
// negative; 7 bits of them are completed so that an even number is set. Layouts and codebooks are those of llama.cpp.
#pragma once

#include "quant/format.h"
#include "quant/half.h"

namespace hearth {

// Adds to a coded format what follows from expand().
template <class Block, Format format, uint32_t size>
struct Coded {
  static constexpr Format kFormat = format;
  static constexpr uint32_t kSize = size;
  void decode(float* values) const noexcept {
    int8_t q[size];
    float scale[size / 16];
    static_cast<const Block*>(this)->expand(q, scale);
    for (uint32_t i = 0; i < size; ++i) values[i] = scale[i / 16] * static_cast<float>(q[i]);
  }
  // Makes d s, or as near as the format can say it.
  void set_scale(float s) noexcept { static_cast<Block*>(this)->d = f32_to_f16(s); }
};

// Each block has expand(q, scale); q: [kSize], scale: [kSize / 16].

// scale = d * (0.5 + s) / 4, 8 groups of 32 with 8 bytes each: the numbers of 4 vectors, then 4 times 7 signs and, in
// the top 4 bits, s.
struct BlockIQ2_XXS : Coded<BlockIQ2_XXS, Format::iq2_xxs, 256> {
  static constexpr const char* kName = "IQ2_XXS";
  static constexpr uint32_t kPlanes[] = {2, 64};
  uint16_t d;
  uint8_t q[64];
  void expand(int8_t* values, float* scale) const noexcept;
};

// scale = d * (0.5 + s) / 4 for 16 values, s in `scales`, low half first. Each q: a vector's number in 9 bits, 7 signs.
struct BlockIQ2_XS : Coded<BlockIQ2_XS, Format::iq2_xs, 256> {
  static constexpr const char* kName = "IQ2_XS";
  static constexpr uint32_t kPlanes[] = {2, 64, 8};
  uint16_t d;
  uint16_t q[32];
  uint8_t scales[8];
  void expand(int8_t* values, float* scale) const noexcept;
};

// Scales as in IQ2_XS. A vector's number has its low 8 bits in q, and two more in `high`: those of vector v are bits
// 2 (v % 4) of high[v / 4].
struct BlockIQ2_S : Coded<BlockIQ2_S, Format::iq2_s, 256> {
  static constexpr const char* kName = "IQ2_S";
  static constexpr uint32_t kPlanes[] = {2, 32, 32, 8, 8};
  uint16_t d;
  uint8_t q[32];
  uint8_t signs[32];
  uint8_t high[8];
  uint8_t scales[8];
  void expand(int8_t* values, float* scale) const noexcept;
};

// scale = d * (0.5 + s) / 2, 8 groups of 32: the numbers of 8 vectors of 4 in q, and 4 times 7 signs and s in 4 bytes.
struct BlockIQ3_XXS : Coded<BlockIQ3_XXS, Format::iq3_xxs, 256> {
  static constexpr const char* kName = "IQ3_XXS";
  static constexpr uint32_t kPlanes[] = {2, 64, 32};
  uint16_t d;
  uint8_t q[64];
  uint8_t signs[32];
  void expand(int8_t* values, float* scale) const noexcept;
};

// scale = d * (1 + 2 s), 8 groups of 32, s in `scales`, low half first. The ninth bit of the number of vector v is bit
// v % 8 of high[v / 8].
struct BlockIQ3_S : Coded<BlockIQ3_S, Format::iq3_s, 256> {
  static constexpr const char* kName = "IQ3_S";
  static constexpr uint32_t kPlanes[] = {2, 64, 8, 32, 4};
  uint16_t d;
  uint8_t q[64];
  uint8_t high[8];
  uint8_t signs[32];
  uint8_t scales[4];
  void expand(int8_t* values, float* scale) const noexcept;
};

// w = d * (2 s + 1) * (vector + delta), 8 groups of 32, delta 1/8 of either sign; so q is 8 times both, scale an
// eighth. `high` of a group: three more bits of the numbers of its 4 vectors, s in 3 bits, the sign of delta.
struct BlockIQ1_S : Coded<BlockIQ1_S, Format::iq1_s, 256> {
  static constexpr const char* kName = "IQ1_S";
  static constexpr uint32_t kPlanes[] = {2, 32, 16};
  uint16_t d;
  uint8_t q[32];
  uint16_t high[8];
  void expand(int8_t* values, float* scale) const noexcept;
};

// As IQ1_S, with s for 16 values and delta for each vector. A half byte of `high`: three more bits of a vector's
// number, and the sign of its delta. scales: four times 3-bit s in 12 bits, and above them a quarter of d, low first.
struct BlockIQ1_M : Coded<BlockIQ1_M, Format::iq1_m, 256> {
  static constexpr const char* kName = "IQ1_M";
  static constexpr uint32_t kPlanes[] = {32, 16, 8};
  uint8_t q[32];
  uint8_t high[16];
  uint16_t scales[4];
  void expand(int8_t* values, float* scale) const noexcept;
  float unit() const noexcept;  // d
  void set_scale(float s) noexcept;
};

// w = d * (t - 1). A byte holds five base-3 digits t as the fraction byte / 256 in base 3, the last bytes four: byte j
// of a run of n has the values j, j + n, ... of what the run holds. Runs of 32 and 16 bytes in q, and of 4 in `rest`.
struct BlockTQ1_0 : Coded<BlockTQ1_0, Format::tq1_0, 256> {
  static constexpr const char* kName = "TQ1_0";
  static constexpr uint32_t kPlanes[] = {48, 4, 2};
  uint8_t q[48];
  uint8_t rest[4];
  uint16_t d;
  void expand(int8_t* values, float* scale) const noexcept;
};

// w = d * (t - 1), t of two bits, which lie as in Q2_K.
struct BlockTQ2_0 : Coded<BlockTQ2_0, Format::tq2_0, 256> {
  static constexpr const char* kName = "TQ2_0";
  static constexpr uint32_t kPlanes[] = {64, 2};
  uint8_t q[64];
  uint16_t d;
  void expand(int8_t* values, float* scale) const noexcept;
};

// w = scale / 2 * kFp4Doubled[q], 4 groups of 16 with an unsigned 8-bit scale (E4M3) each; byte j of a group's 8 has
// value j in its low and value j + 8 in its high half.
struct BlockNVFP4 : Coded<BlockNVFP4, Format::nvfp4, 64> {
  static constexpr const char* kName = "NVFP4";
  static constexpr uint32_t kPlanes[] = {4, 32};
  uint8_t scales[4];
  uint8_t q[32];
  void expand(int8_t* values, float* scale) const noexcept;
  void set_scale(float s) noexcept;
};

static_assert(sizeof(BlockIQ2_XXS) == 66 && sizeof(BlockIQ2_XS) == 74 && sizeof(BlockIQ2_S) == 82);
static_assert(sizeof(BlockIQ3_XXS) == 98 && sizeof(BlockIQ3_S) == 110);
static_assert(sizeof(BlockIQ1_S) == 50 && sizeof(BlockIQ1_M) == 56);
static_assert(sizeof(BlockTQ1_0) == 54 && sizeof(BlockTQ2_0) == 66 && sizeof(BlockNVFP4) == 36);

}  // namespace hearth
