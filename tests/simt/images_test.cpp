// The compiled kernels that the CUDA backend carries.
#include "kernels/cuda/images.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <set>
#include <string>

#include "quant/format.h"

namespace hearth::cuda {
namespace {

TEST(CudaImages, AreFatBinariesWithNames) {
  std::set<std::string> names;
  for (const Image& image : images()) {
    EXPECT_TRUE(names.insert(image.name).second) << image.name << " is there twice";
    ASSERT_GT(image.bytes.size(), 1000u) << image.name;
    uint32_t magic = 0;
    std::memcpy(&magic, image.bytes.data(), sizeof magic);
    EXPECT_EQ(magic, 0xba55ed50u) << image.name;
    // Its header says how many bytes follow.
    uint64_t bytes = 0;
    std::memcpy(&bytes, image.bytes.data() + 8, sizeof bytes);
    EXPECT_EQ(bytes + 16, image.bytes.size()) << image.name;
    EXPECT_EQ(reinterpret_cast<uintptr_t>(image.bytes.data()) % 16, 0u) << image.name;
  }
  std::set<std::string> wanted = {"adapters",  "attend", "attend_row", "attend_tiles", "candidates", "experts",
                                  "recurrent", "roof",   "rope_store", "round",        "rows",       "store"};
  for (const FormatInfo& format : formats()) {
    wanted.insert("products_" + std::string(format.name));
    if (format.block_size > 1) wanted.insert("rounded_products_" + std::string(format.name));
  }
  for (const std::string format : {"Q4_0", "Q8_0", "Q4_K", "Q5_K", "Q6_K"}) {
    if (HEARTH_GROUP_TILES != 0) wanted.insert("group_tiles_" + format);
    wanted.insert("column_products_" + format);
    wanted.insert("joined_products_" + format);
  }
  EXPECT_EQ(names, wanted);
}

}  // namespace
}  // namespace hearth::cuda
