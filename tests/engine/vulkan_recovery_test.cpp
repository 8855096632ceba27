// An engine whose Vulkan device is lost gives all of it back and makes it anew. The device stands in the place of the
// CUDA backend, so that it can be reached from here.
#include <algorithm>
#include <mutex>

#include "backends/cuda/device.h"
#include "backends/vulkan/device.h"
#include "tests/backends/vulkan/gpu_for_tests.h"
#include "tests/engine/greedy_request.h"
#include "tests/formats/gguf_bytes.h"
#include "tests/tools/serve/scripted_model.h"

namespace hearth {
namespace {

// The GPU in use, which is the engine's.
class InUse {
 public:
  void note(const std::shared_ptr<vulkan::Gpu>& gpu) {
    const std::lock_guard lock(mutex_);
    all_.push_back(gpu);
  }
  void lose() {
    const std::lock_guard lock(mutex_);
    if (const auto gpu = all_.back().lock()) gpu->lose();
  }
  // How many were made, and how many of them there still are.
  std::pair<size_t, int64_t> counts() {
    const std::lock_guard lock(mutex_);
    return {all_.size(), std::count_if(all_.begin(), all_.end(), [](const auto& one) { return !one.expired(); })};
  }

 private:
  std::mutex mutex_;
  std::vector<std::weak_ptr<vulkan::Gpu>> all_;
};

InUse& in_use() {
  static InUse one;
  return one;
}

using VulkanRecovery = vulkan::WithGpu;
using Counts = std::pair<size_t, int64_t>;

TEST_F(VulkanRecovery, MakesTheDeviceAnewAfterEachLoss) {
  TemporaryFolder folder;
  write_scripted_model(folder.path() / "scripted.gguf");
  std::string told;
  EngineOptions options;
  options.device = "cuda";
  options.context = 512;
  options.on_recovery = [&](const std::string& line) { told += line + "\n"; };
  {
    Engine engine = Engine::load(folder.path() / "scripted.gguf", options);
    for (size_t losses = 1; losses <= 2; ++losses) {
      try {
        engine.generate(greedy("#", 200), [](std::string_view) {
          in_use().lose();
          return true;
        });
        ADD_FAILURE() << "no error";
      } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::device_lost);
        EXPECT_NE(std::string(error.what()).find("the device was lost"), std::string::npos) << error.what();
      }
      EXPECT_EQ(engine.generate(greedy("Say:", 8)).text, " Hello, world!");
      EXPECT_EQ(engine.statistics().device, "vulkan");
      EXPECT_EQ(engine.statistics().devices_lost, losses);
      EXPECT_EQ(in_use().counts(), Counts(losses + 1, 1));
    }
  }
  EXPECT_EQ(in_use().counts(), Counts(3, 0));
  EXPECT_NE(told.find("the device vulkan was made anew"), std::string::npos) << told;
}

}  // namespace

std::unique_ptr<Device> make_cuda_device(std::string_view) {
  const auto gpu = std::make_shared<vulkan::Gpu>("");
  in_use().note(gpu);
  return make_vulkan_device(gpu);
}
std::vector<CudaDeviceInfo> cuda_devices() { return {}; }
CudaDeviceInfo find_cuda_device(std::string_view) { return {}; }
double measure_cuda_reads(std::string_view) { return 0; }

}  // namespace hearth
