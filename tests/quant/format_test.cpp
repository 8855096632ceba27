// Every format against blocks and values that two other decoders agree on, and every quantiser against its known error.
#include "quant/format.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <fstream>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "quant/blocks.h"
#include "tests/shared_data.h"

namespace hearth {

void PrintTo(const FormatInfo& info, std::ostream* out) { *out << info.name; }

namespace {

std::filesystem::path golden(const std::string& name) { return shared_data("golden/formats/" + name); }

template <class T>
std::vector<T> read_all(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  std::vector<T> result(static_cast<size_t>(file.tellg()) / sizeof(T));
  file.seekg(0);
  file.read(reinterpret_cast<char*>(result.data()), static_cast<std::streamsize>(result.size() * sizeof(T)));
  return result;
}

class EveryFormat : public testing::TestWithParam<FormatInfo> {};

TEST_P(EveryFormat, DecodesToTheLastBit) {
  const FormatInfo& info = GetParam();
  if (info.format == Format::f32) GTEST_SKIP() << "F32 has no golden blocks: see ExactFormatsComeBack";
  const auto path = golden(std::string(info.name) + ".blocks");
  HEARTH_REQUIRE_SHARED(path);
  const auto blocks = read_all<std::byte>(path);
  const auto expected = read_all<float>(golden(std::string(info.name) + ".f32"));
  ASSERT_EQ(blocks.size() / info.block_bytes * info.block_size, expected.size());
  ASSERT_GT(expected.size(), 0u);
  std::vector<float> values(expected.size());
  info.decode(blocks.data(), values.data(), values.size());
  for (size_t i = 0; i < values.size(); ++i)
    // +0 and -0 are the same weight, and which one a zero code gives depends on the decoder.
    if (values[i] != expected[i]) FAIL() << "value " << i << ": " << values[i] << " instead of " << expected[i];
}

TEST_P(EveryFormat, IsFoundByItsTensorTypeAndByWithBlock) {
  const FormatInfo& info = GetParam();
  EXPECT_EQ(find_format(static_cast<uint32_t>(info.format)), &format_info(info.format));
  size_t bytes = 0;
  with_block(info.format, [&]<class Block>() { bytes = sizeof(Block); });
  EXPECT_EQ(bytes, info.block_bytes);
}

TEST_P(EveryFormat, EncodesZerosInfinitiesAndNansWithoutUndefinedBehaviour) {
  const FormatInfo& info = GetParam();
  if (info.encode == nullptr) GTEST_SKIP() << info.name << " has no encoder";
  for (float odd : {0.0f, std::numeric_limits<float>::infinity(), std::numeric_limits<float>::quiet_NaN(), 1e-45f}) {
    std::vector<float> values(256, odd);
    values[3] = -odd;
    std::vector<std::byte> blocks(256 / info.block_size * info.block_bytes);
    info.encode(values.data(), blocks.data(), values.size());
    info.decode(blocks.data(), values.data(), values.size());
    if (odd == 0.0f) {
      for (float value : values) EXPECT_EQ(value, 0.0f);
    }
  }
}

// Mean squared errors over standard normal values that a plain quantiser of the format reaches.
struct Quality {
  Format format;
  double mse;
};
void PrintTo(const Quality& quality, std::ostream* out) { *out << format_info(quality.format).name; }
class EveryQuantiser : public testing::TestWithParam<Quality> {};

TEST_P(EveryQuantiser, ReachesTheKnownError) {
  const FormatInfo& info = format_info(GetParam().format);
  HEARTH_REQUIRE_SHARED(golden("w.f32"));
  const auto weights = read_all<float>(golden("w.f32"));
  std::vector<std::byte> blocks(weights.size() / info.block_size * info.block_bytes);
  std::vector<float> decoded(weights.size());
  info.encode(weights.data(), blocks.data(), weights.size());
  info.decode(blocks.data(), decoded.data(), decoded.size());
  double sum = 0;
  for (size_t i = 0; i < weights.size(); ++i) sum += std::pow(double{weights[i]} - decoded[i], 2);
  // The known figures have four digits.
  EXPECT_LE(sum / static_cast<double>(weights.size()), GetParam().mse * 1.0005);
}

TEST(Formats, ExactFormatsComeBack) {
  const float values[4] = {0.0f, -1.5f, 3.0e-39f, 1e38f};
  std::byte bytes[16];
  float back[4];
  const FormatInfo& info = format_info(Format::f32);
  info.encode(values, bytes, 4);
  info.decode(bytes, back, 4);
  EXPECT_EQ(std::memcmp(values, back, sizeof values), 0);
}

// What kernels see of a coded format is what it decodes to; of fewer values than 256 the rest is zero.
TEST(Formats, ExpandToWhatTheyDecodeTo) {
  std::mt19937 random(11);
  size_t coded = 0;
  for (const FormatInfo& info : formats()) {
    if (info.expand == nullptr) continue;
    SCOPED_TRACE(info.name);
    ++coded;
    for (const uint32_t count : {256u, info.block_size}) {
      std::vector<std::byte> blocks(count / info.block_size * info.block_bytes + 1);
      for (std::byte& byte : blocks) byte = static_cast<std::byte>(random());
      std::vector<float> decoded(256);
      info.decode(blocks.data() + 1, decoded.data(), count);
      Expanded expanded;
      std::memset(static_cast<void*>(&expanded), 0x55, sizeof expanded);
      info.expand(blocks.data() + 1, count, expanded);
      for (size_t i = 0; i < 256; ++i) {
        const float value = expanded.scale[i / 16] * static_cast<float>(expanded.q[i]);
        if (!std::isnan(value) || !std::isnan(decoded[i])) EXPECT_EQ(value, decoded[i]) << i;
      }
    }
  }
  EXPECT_EQ(coded, 10u);
}

TEST(Formats, ScalesOfCodedOnesCanBeSet) {
  for (const FormatInfo& info : formats())
    with_block(info.format, [&]<class Block>() {
      if constexpr (IsCoded<Block>) {
        Block block;
        std::memset(static_cast<void*>(&block), 0x36, sizeof block);
        block.set_scale(0.25f);
        std::vector<float> quarter(Block::kSize), one(Block::kSize);
        block.decode(quarter.data());
        block.set_scale(1);
        block.decode(one.data());
        for (size_t i = 0; i < one.size(); ++i) EXPECT_EQ(quarter[i] * 4, one[i]) << info.name << " " << i;
        EXPECT_NE(one, std::vector<float>(Block::kSize)) << info.name;
      }
    });
}

TEST(Formats, UnknownTensorTypeIsNotFound) {
  EXPECT_EQ(find_format(4), nullptr);  // a type that was withdrawn
  EXPECT_EQ(find_format(0xffffffff), nullptr);
}

std::string name_of(const testing::TestParamInfo<FormatInfo>& info) { return info.param.name; }

INSTANTIATE_TEST_SUITE_P(Formats, EveryFormat, testing::ValuesIn(formats().begin(), formats().end()), name_of);
INSTANTIATE_TEST_SUITE_P(Formats, EveryQuantiser,
                         testing::Values(Quality{Format::f16, 4.264e-08}, Quality{Format::bf16, 2.843e-06},
                                         Quality{Format::q4_0, 0.007236}, Quality{Format::q4_1, 0.006119},
                                         Quality{Format::q5_0, 0.001806}, Quality{Format::q5_1, 0.001418},
                                         Quality{Format::q8_0, 2.816e-05}),
                         [](const auto& info) { return std::string(format_info(info.param.format).name); });

}  // namespace
}  // namespace hearth
