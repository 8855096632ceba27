// What shaders need of a device.
#pragma once

#include <string>

#include "backends/vulkan/functions.h"

namespace hearth::vulkan {

// The features that every device must have, as vkCreateDevice takes them.
struct Features {
  VkPhysicalDeviceFeatures2 base{};
  VkPhysicalDeviceVulkan11Features more11{};
  VkPhysicalDeviceVulkan12Features more12{};
  VkPhysicalDeviceVulkan13Features more13{};

  Features();  // none, chained
  Features(const Features&) = delete;
  Features& operator=(const Features&) = delete;
  void require_all();
};

// Names of what is missing, "shaderInt8, scalarBlockLayout".
std::string missing_features(const Functions& functions, VkPhysicalDevice device,
                             const VkPhysicalDeviceVulkan11Properties& properties);

}  // namespace hearth::vulkan
