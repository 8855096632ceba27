// Vulkan opened in this process: which devices there are, and what each lacks.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "backends/vulkan/functions.h"
#include "backends/vulkan/shader_facts.h"

namespace hearth::vulkan {

// What the validation layer says; called by the thread that called Vulkan.
using MessageSink = std::function<void(const std::string& text)>;

// One device, as far as it can be known without using it.
struct Candidate {
  VkPhysicalDevice handle;
  std::string name;     // of the device, as its driver has it
  std::string missing;  // what it lacks to run programs, "bufferDeviceAddress, shaderInt8"; empty: nothing
  std::string driver;
  VkPhysicalDeviceType type;
  VkPhysicalDeviceLimits limits;
  uint32_t heap = 0;              // see choose_heap()
  uint64_t memory = 0;            // bytes of that
  uint64_t free_memory = 0;       // of those, when it was looked at
  uint64_t largest_buffer = 0;    // that may be made in one piece
  uint32_t subgroup_size = 0;     // the usual one
  SubgroupSizes subgroup_sizes;   // that shaders may ask for
  uint32_t most_subgroups = 0;    // of a workgroup whose subgroups have a size that was asked for
  bool full_subgroups = false;    // which can be asked for, too
  bool dots_bytes = false;        // it has an instruction for products of four bytes
  bool keeps_not_finite = false;  // shaders may declare keeping_not_finite()
  uint32_t matrix_threads = 0;    // of a workgroup of matrix_tiles; 0: it cannot run that
  std::string missing_matrices;   // what it lacks for that, "VK_KHR_cooperative_matrix"
  uint32_t queue_family = 0;
  uint32_t timestamp_bits = 0;  // of its queue; 0: that has no clock
};

// Of its queue families the one to use: one that draws nothing where there is one, so that a desktop is not held up;
// UINT32_MAX: none computes.
uint32_t choose_queue_family(std::span<const VkQueueFamilyProperties> families);
// The first of the best kind that lacks nothing, discrete GPUs before integrated before virtual before others before
// the CPU; null: there is none.
const Candidate* best_of(std::span<const Candidate> all);

class Instance {
 public:
  // Throws DeviceError where there is no Vulkan 1.3. With a sink the validation layer is loaded, with the checks of
  // synchronisation; without that layer on the machine it throws too.
  explicit Instance(MessageSink sink = {});
  ~Instance();
  Instance(const Instance&) = delete;
  Instance& operator=(const Instance&) = delete;

  const Functions& functions() const { return functions_; }
  std::vector<Candidate> candidates() const;
  // By number, by a part of the name (in any case), or for "" best_of() them. Throws DeviceError naming what there is,
  // or what the chosen one lacks.
  Candidate choose(std::string_view which) const;

 private:
  void close();

  const MessageSink sink_;
  Functions functions_{};
  VkInstance instance_ = nullptr;
  VkDebugUtilsMessengerEXT messenger_ = nullptr;
};

}  // namespace hearth::vulkan
