// Logits of the golden models on Vulkan: few tests of many models, for each pipeline is compiled once in a process.
#include "backends/vulkan/device.h"
#include "tests/backends/vulkan/gpu_for_tests.h"
#include "tests/engine/model/golden_cases.h"

namespace hearth {
namespace {

// Weights are decoded exactly and nothing is rounded, so that the bounds are those of 32-bit floats for all formats.
void expect_recorded_logits(const std::string& folder, uint32_t chunk) {
  const auto device = make_vulkan_device(vulkan::shared_gpu().gpu, false);
  for (const GoldenCase& one : golden_cases()) {
    if (one.chunk != chunk || !one.path.starts_with(folder)) continue;
    SCOPED_TRACE(one.path);
    HEARTH_REQUIRE_SHARED(golden_path(one, ".gguf"));
    EXPECT_LE(difference(*device, KvType::f32, one).largest, 2e-4);
  }
}

using VulkanGolden = vulkan::WithGpu;

TEST_F(VulkanGolden, EveryArchitectureGivesTheRecordedLogits) { expect_recorded_logits("models/", kContext); }
TEST_F(VulkanGolden, EveryArchitectureGivesTheRecordedLogitsTokenByToken) { expect_recorded_logits("models/", 1); }
TEST_F(VulkanGolden, QuantizedModelsGiveTheRecordedLogits) { expect_recorded_logits("quantized/", kContext); }

}  // namespace
}  // namespace hearth
