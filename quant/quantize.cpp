// The searching encoders of blocks of 32, and the choice of one by format.
#include "quant/quantize.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "quant/coded_encode.h"
#include "quant/fit.h"
#include "quant/fp4.h"
#include "quant/pack.h"
#include "quant/super_block_encode.h"

namespace hearth {
namespace {

using Q4Levels = IntegerLevels<-8, 7>;
using Q5Levels = IntegerLevels<-16, 15>;

template <class Levels>
void codes_of(const float* values, float scale, uint32_t* quanta) {
  const float inverse = inverse_of(scale);
  for (size_t i = 0; i < 32; ++i) quanta[i] = Levels::code(values[i] * inverse);
}

template <class Levels>
uint16_t search_symmetric(const float* values, const float* worth, uint32_t* quanta) {
  const uint16_t d = scale_to_f16(fit_scale<Levels, 32>(values, worth));
  codes_of<Levels>(values, f16_to_f32(d), quanta);
  return d;
}

template <int Top>
void search_affine(const float* values, const float* worth, uint32_t* quanta, uint16_t* d, uint16_t* m) {
  const Affine best = AffineGroup<Top, 32>(values, worth, false).fit();
  *d = scale_to_f16(best.scale);
  *m = f32_to_f16(clamped(best.offset, -65504.0f, 65504.0f));
  const float inverse = inverse_of(f16_to_f32(*d)), offset = f16_to_f32(*m);
  for (size_t i = 0; i < 32; ++i)
    quanta[i] = static_cast<uint32_t>(nearest(clamped((values[i] - offset) * inverse, 0, Top)));
}

void search(const float* values, const float* worth, BlockQ4_0& block) {
  uint32_t quanta[32];
  block.d = search_symmetric<Q4Levels>(values, worth, quanta);
  pack_nibbles(quanta, block.q);
}

void search(const float* values, const float* worth, BlockQ5_0& block) {
  uint32_t quanta[32];
  block.d = search_symmetric<Q5Levels>(values, worth, quanta);
  pack_nibbles(quanta, block.q);
  pack_fifth_bits(quanta, block.high);
}

void search(const float* values, const float* worth, BlockQ4_1& block) {
  uint32_t quanta[32];
  search_affine<15>(values, worth, quanta, &block.d, &block.m);
  pack_nibbles(quanta, block.q);
}

void search(const float* values, const float* worth, BlockQ5_1& block) {
  uint32_t quanta[32];
  search_affine<31>(values, worth, quanta, &block.d, &block.m);
  pack_nibbles(quanta, block.q);
  pack_fifth_bits(quanta, block.high);
}

void search(const float* values, const float* worth, BlockIQ4_NL& block) {
  uint32_t quanta[32];
  block.d = search_symmetric<Iq4Levels>(values, worth, quanta);
  pack_nibbles(quanta, block.q);
}

void search(const float* values, const float* worth, BlockMXFP4& block) {
  float largest = 0;
  for (size_t i = 0; i < 32; ++i) largest = std::max(largest, std::fabs(values[i]));
  // The exponent at which the largest value is from 6 to 12 levels, and its neighbours: past 12 is cut off.
  int exponent = 0;
  std::frexp(std::min(largest, std::numeric_limits<float>::max()) / 12, &exponent);
  float least = std::numeric_limits<float>::infinity();
  block.e = 0;
  for (int e = exponent + 127; e <= exponent + 129; ++e) {
    const auto candidate = static_cast<uint8_t>(std::clamp(e, 0, 254));
    const float scale = half_of_e8m0(candidate);
    float error = 0;
    for (size_t i = 0; i < 32; ++i) {
      const float decoded = scale * static_cast<float>(kFp4Doubled[fp4_code(values[i] / scale)]);
      const float off = (values[i] - decoded) / largest;  // a large value's square would not be a number
      error += worth[i] * off * off;
    }
    if (error < least) least = error, block.e = candidate;
  }
  uint32_t quanta[32];
  const float scale = half_of_e8m0(block.e);
  for (size_t i = 0; i < 32; ++i) quanta[i] = largest > 0 ? fp4_code(values[i] / scale) : 0;
  pack_nibbles(quanta, block.q);
}

template <class Block>
void round_off(const float* values, Block& block) {
  block.encode(values);
}
// Into the range of the 16-bit formats, and of scales in them, so that a large value does not become infinite.
void round_off(const float* values, BlockF16& block) { block.d = f32_to_f16(clamped(*values, -65504.0f, 65504.0f)); }
void round_off(const float* values, BlockQ8_0& block) {
  float inside[BlockQ8_0::kSize];
  for (size_t i = 0; i < BlockQ8_0::kSize; ++i) inside[i] = clamped(values[i], -65504.0f * 127, 65504.0f * 127);
  block.encode(inside);
}
void round_off(const float* values, BlockBF16& block) {
  const float largest = bf16_to_f32(0x7f7f);
  block.d = f32_to_bf16(clamped(*values, -largest, largest));
}

// What the error of each value of a block counts, at most 1. A column that counts nothing still counts a little, so
// that a group of such columns is coded by its values.
void find_worth(const float* importance, size_t count, float* worth) {
  float largest = 0;
  if (importance != nullptr) largest = *std::max_element(importance, importance + count);
  if (!(largest > 0) || !(largest <= std::numeric_limits<float>::max())) return std::fill_n(worth, count, 1.0f), void();
  for (size_t i = 0; i < count; ++i) worth[i] = clamped(importance[i] / largest, 1e-6f, 1.0f);
}

void rescale(float factor, uint16_t& scale) { scale = scale_to_f16(f16_to_f32(scale) * factor); }
void rescale(float factor, BlockIQ1_M& block) {
  const uint16_t d = scale_to_f16(block.unit() * factor);
  block.set_scale(f16_to_f32(d));
}
template <class Block>
requires requires(Block block) { block.d; }
void rescale(float factor, Block& block) {
  rescale(factor, block.d);
  if constexpr (requires { block.m; }) rescale(factor, block.m);
}

// Makes good most of what a search takes from the size of a block. The scale of least squared error makes weights too
// small: of their own direction, 1 less the share of the error is left. A few per cent off each matrix add up over a
// model, which errors of random sign do not; so the scale goes kRegained of the way to where that direction has its
// true size. All of the way is somewhat better yet at one bit, but its squared error is no longer small.
template <class Block>
void regain_size(const float* values, const float* worth, Block& block) {
  constexpr double kRegained = 0.75;
  float decoded[Block::kSize];
  block.decode(decoded);
  double square = 0, cross = 0, decoded_square = 0;
  for (size_t i = 0; i < Block::kSize; ++i) {
    const double counts = worth[i], value = values[i], got = decoded[i];
    square += counts * value * value;
    cross += counts * value * got;
    decoded_square += counts * got * got;
  }
  if (!(cross > 0)) return;
  const double best = cross / decoded_square, full = square / cross;
  const auto factor = static_cast<float>(best * std::pow(full / best, kRegained));
  if (std::isfinite(factor)) rescale(factor, block);
}

template <class Block>
void quantize_rows(const float* values, const float* importance, size_t width, size_t rows, std::byte* blocks) {
  float worth[Block::kSize];
  for (size_t row = 0; row < rows; ++row)
    for (size_t column = 0; column < width; column += Block::kSize, values += Block::kSize, blocks += sizeof(Block)) {
      if (importance != nullptr || (row == 0 && column == 0))
        find_worth(importance == nullptr ? nullptr : importance + column, Block::kSize, worth);
      Block block;
      if constexpr (requires { search(values, worth, block); }) {
        search(values, worth, block);
        if constexpr (requires { rescale(1, block); }) regain_size(values, worth, block);
      } else {
        round_off(values, block);
      }
      std::memcpy(blocks, &block, sizeof block);
    }
}

}  // namespace

void quantize(Format format, const float* values, const float* importance, size_t width, size_t rows,
              std::byte* blocks) noexcept {
  with_block(format, [&]<class Block>() { quantize_rows<Block>(values, importance, width, rows, blocks); });
}

}  // namespace hearth
