// Vulkan opened in this process: which devices there are, and what each lacks.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "backends/vulkan/functions.h"

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
  uint64_t memory = 0;          // bytes of its largest heap
  uint64_t largest_buffer = 0;  // that may be made in one piece
  uint32_t subgroup_size = 0;
  bool dots_bytes = false;  // it has an instruction for products of four bytes
  uint32_t queue_family = 0;
};

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
  // By number, by a part of the name (in any case), or for "" the first that lacks nothing, one apart from the CPU
  // before others. Throws DeviceError naming what there is, or what the chosen one lacks.
  Candidate choose(std::string_view which) const;

 private:
  const MessageSink sink_;
  Functions functions_{};
  VkInstance instance_ = nullptr;
  VkDebugUtilsMessengerEXT messenger_ = nullptr;
};

}  // namespace hearth::vulkan
