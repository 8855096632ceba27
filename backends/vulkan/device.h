// The Vulkan backend: programs run on a GPU, all activations as 32-bit floats, weights decoded where they are used.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "backends/backend.h"

namespace hearth {

namespace vulkan {
class Gpu;
}

// `which`: the number of a device, a part of its name in any case, or nothing for the first that can run programs, a
// GPU before others. Throws DeviceError where there is none, or it lacks something, naming that. Plans of one device
// may be used from several threads, and may outlive it. Before a plan is made, what its program needs is computed once
// on small cases; WrongResults names a shader that is wrong.
//
// A row's result may depend on the number of rows and outputs of its batch, for which there are different kernels; with
// Limits::deterministic it does not. It may differ between devices.
std::unique_ptr<Device> make_vulkan_device(std::string_view which = {});
// Plans on a GPU that is in use already. rounds: products with weights of few bits multiply inputs rounded to 8 bits,
// as they do by default where the GPU has an instruction for that.
std::unique_ptr<Device> make_vulkan_device(std::shared_ptr<vulkan::Gpu> gpu, std::optional<bool> rounds = {});

// What there is to choose from.
struct VulkanDeviceInfo {
  std::string name, driver;
  std::string kind;       // "discrete GPU", "integrated GPU", "CPU", "virtual GPU", "other"
  std::string missing;    // what it lacks to run programs; empty: nothing
  uint64_t memory = 0;    // bytes of its own, or of the machine's that it may use
  uint32_t subgroup = 0;  // threads that compute in step
};
// In the order of their numbers; empty where there is no Vulkan.
std::vector<VulkanDeviceInfo> vulkan_devices();
// The one that `which` means. Throws DeviceError as make_vulkan_device does.
VulkanDeviceInfo find_vulkan_device(std::string_view which);
struct VulkanDeviceTrial {
  double copies_gb_s = 0;    // 1e9 bytes a second copied within its memory, reads and writes counted, at best
  std::string switched_off;  // shaders that compute wrong results and are not used, "byte_tiles/Q4_K"; empty: none
};
// Tries out a device. Throws DeviceError, as where it computes wrong results and cannot be used.
VulkanDeviceTrial try_vulkan_device(std::string_view which);

}  // namespace hearth
