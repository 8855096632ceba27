// One Vulkan device in use: its queue, its pipelines, and work handed to it.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "backends/vulkan/buffer.h"
#include "backends/vulkan/commands.h"
#include "backends/vulkan/instance.h"

namespace hearth::vulkan {

// May be used by several threads; its pipelines live as long as it.
class Gpu {
 public:
  // `which`: see Instance::choose. Throws DeviceError where there is no such device or it cannot be started.
  explicit Gpu(std::string_view which, MessageSink sink = {});
  ~Gpu();
  Gpu(const Gpu&) = delete;
  Gpu& operator=(const Gpu&) = delete;

  const Functions& functions() const { return instance_.functions(); }
  VkDevice handle() const { return device_; }
  const Candidate& about() const { return about_; }
  VkPipelineLayout layout() const { return layout_; }
  const VkPhysicalDeviceMemoryProperties& memory() const { return memory_; }

  // The pipeline of a shader of kernels/vulkan, whose constants 0, 1, ... have those values; made on first use. Throws
  // DeviceError for a name that is no shader's.
  VkPipeline pipeline(std::string_view shader, std::span<const uint32_t> constants = {});

  // Hands recorded work to the queue, one after the other; `done`, if any, is signalled after it. Throws DeviceError
  // once the device is lost.
  void submit(std::span<const VkCommandBuffer> work, VkFence done);
  void wait(VkFence done);
  // Records with `record(commands)`, runs that and waits for it.
  template <class F>
  void run_once(F&& record);

  // Fills `bytes` of a buffer with what make(position, piece) makes of pieces, whose sizes are multiples of `unit`.
  void fill(const Buffer& to, uint64_t offset, uint64_t bytes, uint64_t unit,
            const std::function<void(uint64_t, std::span<std::byte>)>& make);
  void upload(const Buffer& to, uint64_t offset, std::span<const std::byte> bytes);
  void download(const Buffer& from, uint64_t offset, std::span<std::byte> bytes);

  // Lets the next wait find the device lost, as tests of that need; nothing can be done with it afterwards.
  void lose() { lost_ = true; }

 private:
  static constexpr uint64_t kStagingBytes = 16 << 20;

  void require_present() const;
  void destroy();

  const Instance instance_;
  const Candidate about_;
  VkPhysicalDeviceMemoryProperties memory_{};
  VkDevice device_ = nullptr;
  VkQueue queue_ = nullptr;
  VkPipelineLayout layout_ = nullptr;
  std::mutex queue_mutex_, pipelines_mutex_, staging_mutex_;
  std::map<std::string, VkPipeline> pipelines_;  // by shader and constants
  Buffer staging_;
  std::atomic<bool> lost_ = false;
};

template <class F>
void Gpu::run_once(F&& record) {
  Commands commands(*this);
  record(commands);
  commands.end();
  commands.run();
}

}  // namespace hearth::vulkan
