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
#include "backends/vulkan/work.h"

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
  // Bytes that this process may still take for what kernels use, as far as the driver tells.
  uint64_t free_memory() const { return vulkan::free_memory(functions(), about_.handle, about_.heap); }

  // The pipeline of a shader of kernels/vulkan, whose constants 0, 1, ... have those values; made on first use. Throws
  // DeviceError for a name that is no shader's.
  VkPipeline pipeline(std::string_view shader, std::span<const uint32_t> constants = {});

  // Hands recorded work to the queue, one after the other; `done`, if any, is signalled after it. Throws DeviceLost
  // once the device is lost.
  void submit(std::span<const VkCommandBuffer> work, VkFence done);
  void wait(VkFence done);
  void wait_until_idle() noexcept;  // whatever became of it
  // Work that is recorded from now on is cut into submissions of at most so much work, or of one step that is more.
  void limit_submissions(uint64_t work) { work_of_submission_ = work; }
  uint64_t work_of_submission() const { return work_of_submission_; }
  // See backends/vulkan/work.h.
  struct GroupWork {
    uint64_t amount;
    bool is_divisible;
  };
  GroupWork work_of_group(VkPipeline pipeline, std::span<const std::byte> push);
  // Records with `record(commands)`, runs that and waits for it.
  template <class F>
  void run_once(F&& record);

  // Fills `bytes` of a buffer with what make(position, piece) makes of pieces, whose sizes are multiples of `unit`.
  void fill(const Buffer& to, uint64_t offset, uint64_t bytes, uint64_t unit,
            const std::function<void(uint64_t, std::span<std::byte>)>& make);
  void upload(const Buffer& to, uint64_t offset, std::span<const std::byte> bytes);
  void download(const Buffer& from, uint64_t offset, std::span<std::byte> bytes);

  // Has pipelines of a shader that are not made yet be made of other code, as tests of wrong results need.
  void replace_shader(const std::string& shader, std::vector<uint32_t> by) { replaced_[shader] = std::move(by); }
  // Of a workgroup of matrix_tiles, for which there may be code that does without cooperative matrices; 0: it has none.
  uint32_t matrix_threads() const { return matrix_threads_; }
  void emulate_matrices(uint32_t threads) { matrix_threads_ = threads; }  // as tests of the rest of that need
  // Lets the next wait find the device lost, as tests of that need; nothing can be done with it afterwards.
  void lose() { lost_ = true; }

 private:
  static constexpr uint64_t kStagingBytes = 16 << 20;
  struct Origin {
    std::string shader;
    std::vector<uint32_t> constants;
  };

  void require_present() const;
  void destroy();

  const Instance instance_;
  const Candidate about_;
  uint32_t matrix_threads_ = about_.matrix_threads;
  VkPhysicalDeviceMemoryProperties memory_{};
  VkDevice device_ = nullptr;
  VkQueue queue_ = nullptr;
  VkPipelineLayout layout_ = nullptr;
  VkPipelineCache cache_ = nullptr;  // what pipelines of one shader have in common
  std::mutex queue_mutex_, pipelines_mutex_, staging_mutex_;
  std::map<std::string, VkPipeline> pipelines_;  // by shader and constants
  std::map<VkPipeline, Origin> origins_;
  std::map<std::string, std::vector<uint32_t>> replaced_;
  std::atomic<uint64_t> work_of_submission_ = kWorkOfSubmission;
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
