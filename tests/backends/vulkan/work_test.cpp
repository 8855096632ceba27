// How much work a workgroup is thought to be.
#include "backends/vulkan/work.h"

#include <gtest/gtest.h>

#include <array>

#include "kernels/gpu/row_parameters.h"

namespace hearth::vulkan {
namespace {

TEST(VulkanWork, OfProductsGrowsWithWhatIsMultiplied) {
  gpu::MatmulParameters push{};
  push.width = 4096;
  const auto work = [&](const char* shader, std::array<uint32_t, 3> constants) {
    return work_of_group(shader, constants, std::as_bytes(std::span(&push, 1)));
  };
  EXPECT_EQ(work("matmul_tiles/Q4_K", {1}), 64u * 32 * 4096);
  EXPECT_EQ(work("byte_tiles/Q4_K", {1}), 64u * 32 * 4096);
  EXPECT_EQ(work("matmul/Q4_K", {8, 4, 1}), 8u * 4 * 4096);
  EXPECT_EQ(work("byte_matmul/Q4_K", {8, 4, 1}), 8u * 4 * 4096);
  EXPECT_EQ(work("matmul/Q4_K", {1, 4, 1}), work("matmul/Q4_K", {4, 4, 1})) << "the weight is read all the same";
  const uint64_t single = work("matmul/F16", {8, 4, 1});
  push.weight_up = 256;
  EXPECT_EQ(work("matmul/F16", {8, 4, 1}), 2 * single);
}

// A prompt of 512 tokens is cut within a layer of a model of 7e9 weights; a token is hardly cut at all.
TEST(VulkanWork, CutsPromptsMoreThanTokens) {
  gpu::MatmulParameters push{};
  push.width = 4096;
  const auto bytes = std::as_bytes(std::span(&push, 1));
  const std::array<uint32_t, 3> one = {1, 4, 1};
  const uint64_t layer = 180'000'000 / 4096;  // rows of its matrices
  EXPECT_GT(layer / 64 * (512 / 32) * work_of_group("matmul_tiles/Q4_K", one, bytes), 20 * kWorkOfSubmission);
  EXPECT_LT(layer / 4 * work_of_group("matmul/Q4_K", one, bytes), kWorkOfSubmission / 4);
}

TEST(VulkanWork, IsSomethingForEveryShader) {
  EXPECT_GT(work_of_group("gate", {}, {}), 0u);
  gpu::AttendParameters push{};
  push.head_size = push.value_size = 128;
  EXPECT_GE(work_of_group("attend", {}, std::as_bytes(std::span(&push, 1))), 1u << 20);
  const std::array<uint32_t, 2> heads = {1, 4};
  const auto work = [&] { return work_of_group("attend", heads, std::as_bytes(std::span(&push, 1))); };
  const uint64_t of_all = work();
  push.parts = 256;
  EXPECT_EQ(of_all / work(), gpu::kMostParts);
}

}  // namespace
}  // namespace hearth::vulkan
