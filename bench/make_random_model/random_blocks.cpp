// Random bits for the quanta, then scales that suit them, format by format.
#include "bench/make_random_model/random_blocks.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

#include "quant/blocks.h"
#include "quant/half.h"

namespace hearth {
namespace {

// A block's scale lies within a quarter of the mean, so that binary16 steps at small scales average out.
float near(double scale, uint64_t random) {
  return static_cast<float>(scale * (0.75 + static_cast<double>(random & 0xffff) * (0.5 / 65536)));
}

uint16_t either_sign(double scale, uint64_t random) {
  return f32_to_f16((random >> 63) != 0 ? near(scale, random) : -near(scale, random));
}

// d, and an m for which a mean quantum (at equal group scales) decodes to zero.
template <class Block>
void centre(Block& block, double scale, uint64_t random, float mean_quantum) {
  block.d = f32_to_f16(near(scale, random));
  block.m = f32_to_f16(f16_to_f32(block.d) * mean_quantum);
}

// shape: turns a block of random bits into one whose weights are scale times unit-scale ones, with mean zero.
void shape(BlockF32& block, double scale, uint64_t random) {
  block.d = static_cast<float>(scale) * roughly_normal(random);
}
void shape(BlockF16& block, double scale, uint64_t random) {
  block.d = f32_to_f16(static_cast<float>(scale) * roughly_normal(random));
}
void shape(BlockBF16& block, double scale, uint64_t random) {
  block.d = f32_to_bf16(static_cast<float>(scale) * roughly_normal(random));
}
void shape(BlockQ4_0& block, double scale, uint64_t random) { block.d = either_sign(scale, random); }
void shape(BlockQ4_1& block, double scale, uint64_t random) { centre(block, scale, random, -7.5f); }
void shape(BlockQ5_0& block, double scale, uint64_t random) { block.d = either_sign(scale, random); }
void shape(BlockQ5_1& block, double scale, uint64_t random) { centre(block, scale, random, -15.5f); }
void shape(BlockQ8_0& block, double scale, uint64_t random) {
  block.d = either_sign(scale, random);
  for (int8_t& quantum : block.q) quantum = std::max<int8_t>(quantum, -127);  // no quantiser writes -128
}
void shape(BlockQ2_K& block, double scale, uint64_t random) {
  centre(block, scale, random, 1.5f);
  for (uint8_t& group : block.scales) group |= 0x88;
}
void shape(BlockQ3_K& block, double scale, uint64_t random) { block.d = either_sign(scale, random); }
void shape(BlockQ4_K& block, double scale, uint64_t random) {
  centre(block, scale, random, 7.5f);
  for (int i = 0; i < 8; ++i) block.scales[i] |= 0xa0;  // the top bit of every scale and min
}
void shape(BlockQ5_K& block, double scale, uint64_t random) {
  centre(block, scale, random, 15.5f);
  for (int i = 0; i < 8; ++i) block.scales[i] |= 0xa0;
}
void shape(BlockQ6_K& block, double scale, uint64_t random) { block.d = either_sign(scale, random); }
void shape(BlockIQ4_NL& block, double scale, uint64_t random) { block.d = either_sign(scale, random); }
void shape(BlockIQ4_XS& block, double scale, uint64_t random) { block.d = either_sign(scale, random); }
void shape(BlockMXFP4& block, double scale, uint64_t random) {
  // The two powers of two around the scale, each as often as keeps the mean square.
  const double exponent = std::floor(std::log2(scale));
  const double square = std::pow(scale / std::exp2(exponent), 2);  // 1 to 4
  const bool upper = static_cast<double>(random & 0xffffff) * 0x1p-24 < (square - 1) / 3;
  block.e = static_cast<uint8_t>(exponent + 128 + (upper ? 1 : 0));
}

// Of the coded formats, whose signs are as random as their magnitudes.
template <class Block>
requires IsCoded<Block>
void shape(Block& block, double scale, uint64_t random) { block.set_scale(near(scale, random)); }
void shape(BlockTQ2_0& block, double scale, uint64_t random) {
  block.set_scale(near(scale, random));
  for (uint8_t& four : block.q) four = static_cast<uint8_t>(four & ~((four & four << 1) & 0xaa));  // no 3, but twice 1
}

template <class Block>
void fill_blocks(double scale, uint64_t key, uint64_t first, std::span<std::byte> blocks) {
  constexpr size_t kWords = (sizeof(Block) + 7) / 8;
  for (uint64_t index = first; !blocks.empty(); ++index, blocks = blocks.subspan(sizeof(Block))) {
    RandomWords random(key, index * (kWords + 1));
    Block block;
    if constexpr (Block::kSize > 1) {
      uint64_t words[kWords];
      for (uint64_t& word : words) word = random.next();
      std::memcpy(&block, words, sizeof block);
    }
    shape(block, scale, random.next());
    std::memcpy(blocks.data(), &block, sizeof block);
  }
}

// The standard deviation of the weights of blocks made with a scale of 1, over 2^18 of them: good to half a percent.
double unit_deviation(Format format) {
  const FormatInfo& info = format_info(format);
  std::vector<float> values(size_t{1} << 18);
  std::vector<std::byte> blocks(values.size() / info.block_size * info.block_bytes);
  with_block(format, [&]<class Block>() { fill_blocks<Block>(1.0, 0, 0, blocks); });
  info.decode(blocks.data(), values.data(), values.size());
  double squares = 0;
  for (const float value : values) squares += double{value} * value;
  return std::sqrt(squares / static_cast<double>(values.size()));
}

}  // namespace

float roughly_normal(uint64_t random) {
  // The sum of four uniform values in [0, 1) has mean 2 and variance 1/3.
  const auto sum =
      static_cast<int32_t>((random & 0xffff) + (random >> 16 & 0xffff) + (random >> 32 & 0xffff) + (random >> 48));
  return static_cast<float>(sum - 2 * 65535) * (1.7320508f / 65536);
}

RandomBlocks::RandomBlocks(Format format, double deviation, uint64_t key)
    : format_(format), scale_(deviation / unit_deviation(format)), key_(key) {}

void RandomBlocks::fill(uint64_t first, std::span<std::byte> blocks) const {
  with_block(format_, [&]<class Block>() { fill_blocks<Block>(scale_, key_, first, blocks); });
}

}  // namespace hearth
