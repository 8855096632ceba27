// Logits of the golden models on Vulkan: few tests of many models, for each pipeline is compiled once in a process.
#include "backends/cpu/device.h"
#include "backends/split.h"
#include "backends/vulkan/device.h"
#include "tests/backends/vulkan/gpu_for_tests.h"
#include "tests/engine/model/golden_cases.h"

namespace hearth {
namespace {

// Weights are decoded exactly and nothing is rounded, so that the bounds are those of 32-bit floats for all formats.
void expect_recorded_logits(const std::string& folder, uint32_t chunk) {
  const auto device = make_vulkan_device(vulkan::shared_gpu().gpu, VulkanProducts::scalar);
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

// A mixture and a hybrid that keeps states, in both orders of devices and at every cut.
TEST_F(VulkanGolden, ModelsThatAreSplitWithTheCpuGiveTheRecordedLogits) {
  const std::shared_ptr<Device> gpu = make_vulkan_device(vulkan::shared_gpu().gpu, VulkanProducts::scalar);
  const std::shared_ptr<Device> cpu = make_cpu_device({1, ""});
  for (const char* name : {"models/llama-moe", "models/qwen3next"}) {
    const GoldenCase all{name, kContext}, some{name, 13};
    HEARTH_REQUIRE_SHARED(golden_path(all, ".gguf"));
    const uint32_t layers = read_config(Gguf::open(golden_path(all, ".gguf"))).layers;
    for (uint32_t first = 0; first <= layers; ++first) {
      SCOPED_TRACE(std::string(name) + " " + std::to_string(first));
      const auto split = make_split_device({{cpu, first}, {gpu, layers - first}});
      EXPECT_LE(difference(*split, KvType::f32, first % 2 == 0 ? all : some).largest, 2e-4);
    }
    const auto reversed = make_split_device({{gpu, 1}, {cpu, layers - 1}});
    EXPECT_LE(difference(*reversed, KvType::f32, some).largest, 2e-4);
  }
}

}  // namespace
}  // namespace hearth
