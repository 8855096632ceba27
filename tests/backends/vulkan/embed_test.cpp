// Rows of tables of every format, to the last bit; and logits.
#include <bit>
#include <cmath>
#include <limits>
#include <numeric>

#include "kernels/gpu/row_parameters.h"
#include "quant/half.h"
#include "tests/backends/vulkan/weights_for_tests.h"

namespace hearth::vulkan {
using gpu::EmbedParameters, gpu::HeaderWord, gpu::kHeaderWords, gpu::LogitsParameters;

namespace {

class VulkanEmbed : public WithWeights, public testing::WithParamInterface<FormatInfo> {
 protected:
  static std::string shader() { return std::string("embed/") + GetParam().name; }
};

TEST_P(VulkanEmbed, DecodesToTheLastBit) {
  const bool ragged = GetParam().block_size == 1;
  const uint32_t width = ragged ? 261 : 512, rows = 9;
  const TestWeight table(GetParam().format, rows, width, 1);
  const std::vector<uint32_t> tokens = {8, 0, 3, 3};
  std::vector<uint32_t> words(16);
  words[HeaderWord::rows] = 4;
  words[HeaderWord::tokens] = 16;
  words.insert(words.end(), tokens.begin(), tokens.end());
  const Buffer planes = buffer_of(table.planes), batch = buffer_of(words);
  const Buffer out = buffer_of(std::vector<float>(tokens.size() * width));
  EmbedParameters push{};
  push.table = planes.address();
  push.out = out.address();
  push.batch = batch.address();
  push.decode_tables = tables().address();
  push.width = push.out_stride = width;
  push.table_rows = rows;
  push.index_at = HeaderWord::tokens;
  push.scale = 1;
  run(shader(), push, {(width + 511) / 512, 4});
  const auto values = values_of<float>(out);
  for (size_t i = 0; i < values.size(); ++i)
    ASSERT_EQ(values[i], table.values[tokens[i / width] * width + i % width])
        << "row " << i / width << ", " << i % width;
}

TEST_P(VulkanEmbed, AddsPositionsAndABias) {
  const uint32_t width = 256, rows = 5, stride = 300;
  const TestWeight table(GetParam().format, rows, width, 2);
  std::vector<uint32_t> words(16);
  words[HeaderWord::rows] = 2;
  words[HeaderWord::positions] = 17;
  words.insert(words.end(), {9, 4, 1});
  const std::vector<float> bias = normal_values(width, 3), before = normal_values(3 * stride, 4);
  const Buffer planes = buffer_of(table.planes), batch = buffer_of(words), biases = buffer_of(bias),
               out = buffer_of(before);
  EmbedParameters push{};
  push.table = planes.address();
  push.add = push.out = out.address();
  push.bias = biases.address();
  push.batch = batch.address();
  push.decode_tables = tables().address();
  push.width = width;
  push.out_stride = stride;
  push.table_rows = rows;
  push.index_at = HeaderWord::positions;
  push.scale = 2.5f;
  run(shader(), push, {1, 3});  // the batch has two rows only: the third stays
  const auto values = values_of<float>(out);
  for (uint32_t row = 0; row < 3; ++row)
    for (uint32_t i = 0; i < stride; ++i) {
      float expected = before[row * stride + i];
      if (row < 2 && i < width) expected += 2.5f * table.values[(row == 0 ? 4 : 1) * width + i] + bias[i];
      ASSERT_NEAR(values[row * stride + i], expected, 1e-5f * (1 + std::fabs(expected))) << "row " << row << ", " << i;
    }
}

class VulkanHalves : public WithWeights {};
class VulkanLogits : public WithWeights {};

TEST_F(VulkanHalves, AreAllExact) {
  constexpr uint32_t kWidth = 256;
  std::vector<uint16_t> table(1 << 16);
  std::iota(table.begin(), table.end(), uint16_t{0});
  std::vector<uint32_t> words(kHeaderWords);
  words[HeaderWord::rows] = kWidth;
  words[HeaderWord::tokens] = kHeaderWords;
  for (uint32_t row = 0; row < kWidth; ++row) words.push_back(row);
  const Buffer planes = buffer_of(table), batch = buffer_of(words), out = buffer_of(std::vector<float>(table.size()));
  EmbedParameters push{};
  push.table = planes.address();
  push.out = out.address();
  push.batch = batch.address();
  push.width = push.out_stride = push.table_rows = kWidth;
  push.index_at = HeaderWord::tokens;
  push.scale = 1;
  run("embed/F16", push, {1, kWidth});
  const auto values = values_of<float>(out);
  for (size_t i = 0; i < values.size(); ++i) {
    const float expected = f16_to_f32(table[i]);
    if (std::isnan(expected))
      ASSERT_TRUE(std::isnan(values[i])) << std::hex << i;
    else
      ASSERT_EQ(std::bit_cast<uint32_t>(values[i]), std::bit_cast<uint32_t>(expected)) << std::hex << i;
  }
}

TEST_F(VulkanLogits, AreCappedWhateverTheyAre) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  const std::vector<float> values = {0, 3, -3, 1e-3f, 400, 1e30f, -1e30f, kInfinity, -kInfinity, NAN};
  std::vector<uint32_t> words(kHeaderWords);
  words[HeaderWord::whole] = 1;
  words[HeaderWord::whole_rows] = kHeaderWords;
  words.push_back(0);
  const Buffer in = buffer_of(values), batch = buffer_of(words), out = buffer_of(values);
  LogitsParameters push{};
  push.in = in.address();
  push.out = out.address();
  push.batch = batch.address();
  push.width = static_cast<uint32_t>(values.size());
  push.softcap = 30;
  run("logits", push, {1, 1});
  const auto capped = values_of<float>(out);
  for (size_t i = 0; i + 1 < values.size(); ++i)
    EXPECT_NEAR(capped[i], 30 * std::tanh(double{values[i]} / 30), 1e-5) << values[i];
  EXPECT_TRUE(std::isnan(capped.back()));
}

INSTANTIATE_TEST_SUITE_P(Formats, VulkanEmbed, testing::ValuesIn(formats().begin(), formats().end()), format_name);

}  // namespace
}  // namespace hearth::vulkan
