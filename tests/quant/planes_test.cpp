// Planes hold what the blocks held: put together again they decode to the same values, however they were filled.
#include "quant/planes.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "quant/codebooks.h"
#include "quant/decode_tables.h"
#include "tests/kernels/random_blocks.h"

namespace hearth {
namespace {

class EveryFormatInPlanes : public testing::TestWithParam<FormatInfo> {};

TEST_P(EveryFormatInPlanes, DecodesAsItsBlocks) {
  const FormatInfo& info = GetParam();
  constexpr uint64_t kBlocks = 37;
  std::mt19937 random(1);
  const auto blocks = random_blocks(info.format, kBlocks * info.block_size, random, 1);
  const Planes planes = planes_of(info.format, kBlocks);
  std::vector<std::byte> memory(planes.bytes, std::byte{0xa5});
  for (uint32_t p = 0; p < planes.count; ++p)
    for (uint64_t first = 0; first < kBlocks; first += 10)  // in pieces, as a device is given them
      fill_plane(info.format, blocks.data() + first * info.block_bytes, std::min<uint64_t>(10, kBlocks - first), p,
                 memory.data() + planes.begin[p] + first * planes.size[p]);

  std::vector<std::byte> again;
  for (uint64_t i = 0; i < kBlocks; ++i)
    for (uint32_t p = 0; p < planes.count; ++p) {
      const std::byte* part = memory.data() + planes.begin[p] + i * planes.size[p];
      again.insert(again.end(), part, part + planes.size[p]);
    }
  ASSERT_EQ(again, blocks);
  std::vector<float> values(kBlocks * info.block_size), expected(values.size());
  info.decode(blocks.data(), expected.data(), expected.size());
  info.decode(again.data(), values.data(), values.size());
  EXPECT_EQ(std::memcmp(values.data(), expected.data(), values.size() * sizeof(float)), 0);
}

TEST_P(EveryFormatInPlanes, BeginsPlanesAtMultiplesOf256Bytes) {
  for (const uint64_t blocks : {uint64_t{1}, uint64_t{255}, uint64_t{1} << 33}) {
    const Planes planes = planes_of(GetParam().format, blocks);
    uint64_t end = 0;
    uint32_t bytes = 0;
    for (uint32_t p = 0; p < planes.count; ++p) {
      EXPECT_EQ(planes.begin[p] % 256, 0u);
      EXPECT_GE(planes.begin[p], end);
      EXPECT_LT(planes.begin[p], end + 256);
      end = planes.begin[p] + blocks * planes.size[p];
      bytes += planes.size[p];
    }
    EXPECT_EQ(bytes, GetParam().block_bytes);
    EXPECT_EQ(planes.bytes, (end + 255) / 256 * 256);
  }
}

INSTANTIATE_TEST_SUITE_P(Formats, EveryFormatInPlanes, testing::ValuesIn(formats().begin(), formats().end()),
                         [](const auto& info) { return std::string(info.param.name); });

TEST(DecodeTables, HoldEveryCodebookInItsPlace) {
  const DecodeTables tables = decode_tables();
  EXPECT_EQ(tables.iq2_xxs[255], kIq2XxsVectors[255]);
  EXPECT_EQ(tables.iq2_xs[511], kIq2XsVectors[511]);
  EXPECT_EQ(tables.iq2_s[1023], kIq2SVectors[1023]);
  EXPECT_EQ(tables.iq1[2047], kIq1Vectors[2047]);
  EXPECT_EQ(tables.iq3_xxs[255], kIq3XxsVectors[255]);
  EXPECT_EQ(tables.iq3_s[511], kIq3SVectors[511]);
  EXPECT_EQ(tables.iq4[0], 129u);
  EXPECT_EQ(tables.iq4[15], 113u);
}

}  // namespace
}  // namespace hearth
