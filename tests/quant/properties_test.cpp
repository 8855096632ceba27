// What must hold for every block format, over random blocks and random weights.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <random>
#include <type_traits>
#include <vector>

#include "quant/blocks.h"
#include "quant/half.h"

namespace hearth {
namespace {

constexpr int kBlocks = 4096;

template <class Block>
concept HasMinimum = requires(Block block) {
  block.m;
};
template <class Block>
concept HasEncoder = requires(Block block, const float* values) {
  block.encode(values);
};
template <class Block>
concept Quantised = Block::kSize >
1;

template <class Block>
Block random_block(std::mt19937_64& random) {
  unsigned char bytes[sizeof(Block)];
  for (unsigned char& byte : bytes) byte = static_cast<unsigned char>(random());
  Block block;
  std::memcpy(&block, bytes, sizeof block);
  return block;
}

template <class Block>
std::vector<float> decode(const Block& block) {
  std::vector<float> values(Block::kSize);
  block.decode(values.data());
  return values;
}

bool finite(float value) { return std::isfinite(value); }
bool all_finite(const std::vector<float>& values) { return std::all_of(values.begin(), values.end(), finite); }

// Whether the scales of a block are numbers that no code of the format can carry past the largest float.
template <class Block>
bool scale_is_finite(const Block& block) {
  if constexpr (std::is_same_v<Block, BlockMXFP4>)
    return std::isfinite(half_of_e8m0(block.e) * 12.0f);
  else if constexpr (std::is_same_v<Block, BlockF32>)
    return std::isfinite(block.d);
  else if constexpr (std::is_same_v<Block, BlockBF16>)
    return std::isfinite(bf16_to_f32(block.d));
  else if constexpr (HasMinimum<Block>)
    return finite(f16_to_f32(block.d)) && finite(f16_to_f32(block.m));
  else
    return finite(f16_to_f32(block.d));
}

// Doubles a binary16 value exactly; false where that is not possible, or the value is no normal number.
bool double_f16(uint16_t& half) {
  const uint32_t exponent = (half >> 10) & 31u;
  if (exponent == 0 || exponent >= 30) return false;
  half = static_cast<uint16_t>(half + (1u << 10));
  return true;
}

template <class List>
struct AsTypes;
template <class... Block>
struct AsTypes<std::tuple<Block...>> {
  using Type = testing::Types<Block...>;
};

// The block types of BlockList for which Holds<Block> is true.
template <template <class> class Holds>
struct Those {
  template <class... Block>
  static auto of(std::type_identity<std::tuple<Block...>>)
      -> decltype(std::tuple_cat(std::conditional_t<Holds<Block>::value, std::tuple<Block>, std::tuple<>>()...));
  using Type = typename AsTypes<decltype(of(std::type_identity<BlockList>()))>::Type;
};
template <class Block>
struct Encodes : std::bool_constant<HasEncoder<Block>> {};
template <class Block>
struct EncodesInSteps : std::bool_constant<HasEncoder<Block> && Quantised<Block>> {};

template <class Block>
class Properties : public testing::Test {
 protected:
  std::mt19937_64 random_{20261123};
};

struct BlockName {
  template <class Block>
  static std::string GetName(int) {
    return Block::kName;
  }
};
TYPED_TEST_SUITE(Properties, AsTypes<BlockList>::Type, BlockName);

TYPED_TEST(Properties, AnyBitsDecodeToFiniteValuesWhereTheScalesAreFinite) {
  int finite_blocks = 0;
  for (int i = 0; i < kBlocks; ++i) {
    const auto block = random_block<TypeParam>(this->random_);
    if (!scale_is_finite(block)) continue;
    ++finite_blocks;
    ASSERT_TRUE(all_finite(decode(block))) << "block " << i;
  }
  EXPECT_GT(finite_blocks, kBlocks / 2);
}

TYPED_TEST(Properties, AScaleThatIsNoNumberIsNotHidden) {
  if constexpr (std::is_same_v<TypeParam, BlockMXFP4>) {
    GTEST_SKIP() << "every scale is a number";
  } else {
    auto block = random_block<TypeParam>(this->random_);
    if constexpr (std::is_same_v<TypeParam, BlockF32>)
      block.d = NAN;
    else
      block.d = 0x7fff;  // NaN as binary16 and as bfloat16
    for (const float value : decode(block)) EXPECT_TRUE(std::isnan(value));
  }
}

TYPED_TEST(Properties, DoublingTheScaleDoublesEveryValue) {
  int doubled = 0;
  for (int i = 0; i < kBlocks; ++i) {
    auto block = random_block<TypeParam>(this->random_);
    const auto before = decode(block);
    if constexpr (std::is_same_v<TypeParam, BlockMXFP4>) {
      if (block.e < 8 || block.e > 250) continue;
      ++block.e;
    } else if constexpr (std::is_same_v<TypeParam, BlockF32>) {
      block.d *= 2;
    } else if constexpr (std::is_same_v<TypeParam, BlockBF16>) {
      const uint32_t exponent = (block.d >> 7) & 255u;
      if (exponent == 0 || exponent >= 254) continue;
      block.d = static_cast<uint16_t>(block.d + (1u << 7));
    } else {
      if (!double_f16(block.d)) continue;
      if constexpr (HasMinimum<TypeParam>)
        if (!double_f16(block.m)) continue;
    }
    const auto after = decode(block);
    ++doubled;
    // Exact: all intermediate values are normal floats, so a power of two passes through every rounding.
    for (size_t j = 0; j < before.size(); ++j)
      if (std::isfinite(before[j])) ASSERT_EQ(after[j], 2 * before[j]) << "block " << i << ", value " << j;
  }
  EXPECT_GT(doubled, kBlocks / 2);
}

TYPED_TEST(Properties, BlocksAreIndependentAndNeedNoAlignment) {
  const FormatInfo& info = format_info(TypeParam::kFormat);
  constexpr size_t kCount = 37;
  std::vector<TypeParam> blocks;
  for (size_t i = 0; i < kCount; ++i) blocks.push_back(random_block<TypeParam>(this->random_));
  std::vector<std::byte> bytes(kCount * sizeof(TypeParam) + 1);
  std::memcpy(bytes.data() + 1, blocks.data(), kCount * sizeof(TypeParam));
  std::vector<float> values(kCount * TypeParam::kSize + 1, 42.0f);
  info.decode(bytes.data() + 1, values.data(), kCount * TypeParam::kSize);
  EXPECT_EQ(values.back(), 42.0f) << "written past the end";
  for (size_t i = 0; i < kCount; ++i) {
    const auto expected = decode(blocks[i]);
    // By bits, since some of the values are NaN.
    EXPECT_EQ(std::memcmp(expected.data(), values.data() + i * TypeParam::kSize, expected.size() * sizeof(float)), 0);
  }
}

// Normal weights at magnitudes from 1e-6 (scales are subnormal there) to 1e3, with zeros, runs of one value, and blocks
// of one sign.
template <class Block>
std::vector<float> random_weights(std::mt19937_64& random) {
  std::normal_distribution<float> normal;
  const float magnitude = std::pow(10.0f, static_cast<float>(random() % 10) - 6);
  const auto kind = random() % 8;
  std::vector<float> weights(Block::kSize);
  for (float& weight : weights) {
    weight = magnitude * normal(random);
    if (kind == 0) weight = weights[0];
    if (kind == 1) weight = std::fabs(weight);
    if (kind == 2 && random() % 2 == 0) weight = 0;
  }
  return weights;
}

template <class Block>
class EncoderProperties : public Properties<Block> {};
TYPED_TEST_SUITE(EncoderProperties, Those<Encodes>::Type, BlockName);
template <class Block>
class QuantiserProperties : public Properties<Block> {};
TYPED_TEST_SUITE(QuantiserProperties, Those<EncodesInSteps>::Type, BlockName);

TYPED_TEST(EncoderProperties, WhatWasDecodedEncodesToItself) {
  for (int i = 0; i < kBlocks; ++i) {
    TypeParam block;
    block.encode(random_weights<TypeParam>(this->random_).data());
    const auto once = decode(block);
    block.encode(once.data());
    ASSERT_EQ(decode(block), once) << "block " << i;
  }
}

TYPED_TEST(QuantiserProperties, EncodingIsWithinOneStep) {
  for (int i = 0; i < kBlocks; ++i) {
    const auto weights = random_weights<TypeParam>(this->random_);
    TypeParam block;
    block.encode(weights.data());
    const auto decoded = decode(block);
    // A step is d. Rounding costs half of one; where the grid is not symmetric the opposite extreme loses up to a
    // whole one. d and m are rounded to binary16: 2^-11 of what they contribute, and 2^-25 where they are subnormal,
    // times the largest code, 127.
    float largest = 0;
    for (const float weight : weights) largest = std::max(largest, std::fabs(weight));
    const float bound = std::fabs(f16_to_f32(block.d)) + largest * 0x1p-9f + 128 * 0x1p-25f;
    for (size_t j = 0; j < weights.size(); ++j)
      ASSERT_LE(std::fabs(decoded[j] - weights[j]), bound) << "block " << i << ", value " << j;
  }
}

}  // namespace
}  // namespace hearth
