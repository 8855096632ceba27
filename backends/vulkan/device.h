// The Vulkan backend: programs run on a GPU, all activations as 32-bit floats, weights decoded where they are used.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "backends/backend.h"

namespace hearth {

namespace vulkan {
class Gpu;
}

// How products are made; automatic: in the way in which a small product of many rows was made soonest, or integer where
// the device says that it has instructions for that and nothing is timed. What of that is wrong on the device is made
// as scalar; a way that is named is taken, or WrongResults says why not.
enum class VulkanProducts : uint8_t {
  automatic,
  scalar,    // of 32-bit floats
  integer,   // of inputs rounded to 8 bits, by dot products of bytes; of weights without blocks as scalar
  matrices,  // of many rows of halves, by cooperative matrices; of few, of experts, and of F32 as one of the others
};
inline constexpr uint32_t kVulkanArithmetic = 2;  // counts the times when the bits of deterministic results changed

// `which`: the number of a device, a part of its name in any case, or nothing for the first that can run programs, a
// GPU before others. Throws DeviceError where there is none, or it lacks something, naming that. Plans of one device
// may be used from several threads, and may outlive it. Before a plan is made, what its program needs is computed once
// on small cases; WrongResults names a shader that is wrong. Nor is there a device for products by matrices that it
// cannot make: the error says what it lacks.
//
// A row's result may depend on the number of rows and outputs of its batch, for which there are different kernels; with
// Limits::deterministic it does not. It may differ between devices.
std::unique_ptr<Device> make_vulkan_device(std::string_view which = {},
                                           VulkanProducts products = VulkanProducts::automatic);
// Plans on a GPU that is in use already.
std::unique_ptr<Device> make_vulkan_device(std::shared_ptr<vulkan::Gpu> gpu,
                                           VulkanProducts products = VulkanProducts::automatic);

// What there is to choose from.
struct VulkanDeviceInfo {
  std::string name, driver;
  std::string kind;       // "discrete GPU", "integrated GPU", "CPU", "virtual GPU", "other"
  std::string missing;    // what it lacks to run programs; empty: nothing
  uint64_t memory = 0;    // bytes of its own, or of the machine's that it may use
  uint32_t subgroup = 0;  // threads that compute in step
  bool matrices = false;  // it has cooperative matrices that are used
};
// In the order of their numbers; empty where there is no Vulkan.
std::vector<VulkanDeviceInfo> vulkan_devices();
// The one that `which` means. Throws DeviceError as make_vulkan_device does.
VulkanDeviceInfo find_vulkan_device(std::string_view which);
struct VulkanDeviceTrial {
  double copies_gb_s = 0;    // 1e9 bytes a second copied within its memory, reads and writes counted, at best
  std::string products;      // how they are made, "prompts by integer products (scalar in 2.10 ms, integer in 0.90 ms)"
  std::string switched_off;  // shaders that are not used, and why, "byte_tiles/Q4_K (wrong results)"; empty: none
};
// Tries out a device. Throws DeviceError, as where it computes wrong results and cannot be used.
VulkanDeviceTrial try_vulkan_device(std::string_view which, VulkanProducts products);

}  // namespace hearth
