// What the encoders of the coded formats do beyond what holds for all: searching codebooks, and giving back what a
// format can say.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <random>
#include <vector>

#include "quant/blocks.h"
#include "quant/codebooks.h"
#include "quant/fp4.h"
#include "quant/nearest_vector.h"
#include "quant/quantize.h"

namespace hearth {
namespace {

// Random costs with a 0 at each place, and the vector that looking at all of them finds.
template <uint32_t levels, uint32_t length, class Word, size_t count>
void expect_nearest(const std::array<Word, count>& vectors, const std::array<uint8_t, levels>& bytes) {
  const NearestVector<levels, length, count> search(vectors, bytes.data());
  std::mt19937 random(11);
  std::exponential_distribution<float> cost;
  for (int round = 0; round < 2000; ++round) {
    float costs[levels][length];
    for (uint32_t place = 0; place < length; ++place) {
      for (auto& level : costs) level[place] = round % 3 == 0 ? std::floor(3 * cost(random)) : cost(random);
      costs[random() % levels][place] = 0;
    }
    const auto cost_of = [&](size_t vector) {
      float sum[2] = {};
      for (uint32_t place = 0; place < length; ++place)
        for (uint32_t level = 0; level < levels; ++level)
          if (bytes[level] == static_cast<uint8_t>(vectors[vector] >> (8 * place)))
            sum[place >= length / 2] += costs[level][place];
      return sum[0] + sum[1];
    };
    float least = cost_of(0);
    for (size_t vector = 1; vector < count; ++vector) least = std::min(least, cost_of(vector));
    const uint32_t found = search.find(costs);
    ASSERT_LT(found, count);
    ASSERT_NEAR(cost_of(found), least, 1e-5f * (1 + least)) << "round " << round;
  }
}

TEST(NearestVectors, CostTheLeastOfTheirCodebook) {
  expect_nearest<3, 8>(kIq2XxsVectors, {8, 25, 43});
  expect_nearest<3, 8>(kIq2XsVectors, {8, 25, 43});
  expect_nearest<3, 8>(kIq2SVectors, {8, 25, 43});
  expect_nearest<8, 4>(kIq3XxsVectors, {4, 12, 20, 28, 36, 44, 52, 62});
  expect_nearest<8, 4>(kIq3SVectors, {1, 3, 5, 7, 9, 11, 13, 15});
  expect_nearest<3, 8>(kIq1Vectors, {0, 8, 16});
}

TEST(NearestVectors, AreOfTheCodebookForCostsThatAreNoNumbers) {
  const NearestVector<3, 8, 256> search(kIq2XxsVectors, std::array<uint8_t, 3>{8, 25, 43}.data());
  float costs[3][8];
  for (const float odd : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    std::fill(&costs[0][0], &costs[0][0] + 24, odd);
    EXPECT_LT(search.find(costs), 256u);
  }
}

template <class List>
struct TypesOf;
template <class... Block>
struct TypesOf<std::tuple<Block...>> {
  using Type = testing::Types<Block...>;
};
template <class Block>
class CodedQuantizer : public testing::Test {};
struct NameOfCoded {
  template <class Block>
  static std::string GetName(int) {
    return Block::kName;
  }
};
TYPED_TEST_SUITE(CodedQuantizer, TypesOf<CodedBlocks>::Type, NameOfCoded);

// How much of the energy of what random blocks say is lost when it is encoded once more.
template <class Block>
double loss_of_representable(float scale) {
  std::mt19937_64 random(12);
  constexpr size_t kBlocks = 64;
  std::vector<float> values(kBlocks * Block::kSize), decoded(values.size());
  for (size_t i = 0; i < kBlocks; ++i) {
    unsigned char bytes[sizeof(Block)];
    for (unsigned char& byte : bytes) byte = static_cast<unsigned char>(random());
    Block block;
    std::memcpy(&block, bytes, sizeof block);
    if constexpr (std::is_same_v<Block, BlockTQ2_0>)  // without the fourth code, which no encoder gives
      for (uint8_t& byte : block.q) byte = static_cast<uint8_t>(byte & ~(byte >> 1 & 0x55));
    block.set_scale(scale);
    block.decode(values.data() + i * Block::kSize);
  }
  std::vector<std::byte> blocks(kBlocks * sizeof(Block));
  quantize(Block::kFormat, values.data(), nullptr, Block::kSize, kBlocks, blocks.data());
  format_info(Block::kFormat).decode(blocks.data(), decoded.data(), decoded.size());
  double lost = 0, all = 0;
  for (size_t i = 0; i < values.size(); ++i) {
    lost += std::pow(double{values[i]} - double{decoded[i]}, 2);
    all += std::pow(double{values[i]}, 2);
  }
  return lost / all;
}

TYPED_TEST(CodedQuantizer, GivesBackWhatTheFormatSays) {
  for (const float scale : {0.0625f, 0.0043f, 7.7f})
    EXPECT_LT(loss_of_representable<TypeParam>(scale), 0.002) << "d " << scale;
}

TEST(TernaryQuantizer, KeepsTernaryWeightsToTheLastBit) {
  std::mt19937 random(13);
  for (const Format format : {Format::tq1_0, Format::tq2_0}) {
    std::vector<float> values(8 * 256), decoded(values.size());
    for (size_t i = 0; i < values.size(); ++i)
      values[i] = (static_cast<float>(random() % 3) - 1) * f16_to_f32(static_cast<uint16_t>(0x2c01 + i / 256 * 333));
    std::vector<std::byte> blocks(8 * format_info(format).block_bytes);
    quantize(format, values.data(), nullptr, 256, 8, blocks.data());
    format_info(format).decode(blocks.data(), decoded.data(), decoded.size());
    EXPECT_EQ(decoded, values) << format_info(format).name;
  }
}

// The best of all scales, by trying them.
TEST(Nvfp4Quantizer, FindsTheBestScale) {
  std::mt19937 random(14);
  std::normal_distribution<float> normal;
  for (int round = 0; round < 200; ++round) {
    float values[64], decoded[64];
    for (float& value : values) value = normal(random) * std::pow(2.0f, static_cast<float>(round % 16) - 12);
    std::byte bytes[36];
    quantize(Format::nvfp4, values, nullptr, 64, 1, bytes);
    format_info(Format::nvfp4).decode(bytes, decoded, 64);
    for (size_t g = 0; g < 64; g += 16) {
      double error = 0, least = INFINITY;
      for (size_t i = g; i < g + 16; ++i) error += std::pow(double{values[i]} - double{decoded[i]}, 2);
      for (uint32_t code = 0; code <= kLargestE4m3; ++code) {
        double sum = 0;
        const float scale = kE4m3[code] / 2;
        for (size_t i = g; i < g + 16; ++i) {
          double nearest = INFINITY;
          for (const int8_t level : kFp4Doubled)
            nearest = std::min(nearest, std::fabs(double{values[i]} - double{scale} * level));
          sum += nearest * nearest;
        }
        least = std::min(least, sum);
      }
      EXPECT_LE(error, least * 1.0001 + 1e-20) << "round " << round;
    }
  }
}

}  // namespace
}  // namespace hearth
