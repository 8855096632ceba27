// What shaders need of a device.
#pragma once

#include <string>
#include <string_view>

#include "backends/vulkan/functions.h"
#include "backends/vulkan/matrices.h"

namespace hearth::vulkan {

// Limits that shaders and steps need; Vulkan promises no less, but drivers have been wrong.
inline constexpr uint32_t kSharedBytes = 16384;   // of a workgroup
inline constexpr uint32_t kGroupsOfAxis = 65535;  // workgroups along an axis

// The features that every device must have, as vkCreateDevice takes them.
struct Features {
  VkPhysicalDeviceFeatures2 base{};
  VkPhysicalDeviceVulkan11Features more11{};
  VkPhysicalDeviceVulkan12Features more12{};
  VkPhysicalDeviceVulkan13Features more13{};
  MatrixFeatures matrices;  // chained where they are required

  Features();  // none, chained
  Features(const Features&) = delete;
  Features& operator=(const Features&) = delete;
  void require_all();
  // What matrix_tiles needs besides; the extension must be asked for, too.
  void require_matrices();
  // Asks for subgroups of a chosen size, and for full ones where the device has those.
  void require_subgroup_sizes(bool full);
};

// What a device says of subgroups; part of VkPhysicalDeviceVulkan13Features.
struct SubgroupControl {
  bool sizes = false, full = false;
};
SubgroupControl subgroup_control(const Functions& functions, VkPhysicalDevice device);

bool has_extension(const Functions& functions, VkPhysicalDevice device, std::string_view name);

// Names of what is missing, "shaderInt8, scalarBlockLayout".
std::string missing_features(const Functions& functions, VkPhysicalDevice device,
                             const VkPhysicalDeviceVulkan11Properties& properties);
// The same of limits, with what is needed: "maxPushConstantsSize of 128 (it has 64)".
std::string missing_limits(const VkPhysicalDeviceLimits& limits);

}  // namespace hearth::vulkan
