// The list of features, and looking for them.
#include "backends/vulkan/features.h"

#include <algorithm>
#include <vector>

#include "backends/vulkan/commands.h"
#include "backends/vulkan/shader_facts.h"

namespace hearth::vulkan {
namespace {

// Calls f(feature, its name) for each feature that is needed.
template <class F>
void for_each_needed(Features& features, F&& f) {
  f(features.base.features.shaderInt16, "shaderInt16");
  f(features.base.features.shaderInt64, "shaderInt64");
  f(features.more11.storageBuffer16BitAccess, "storageBuffer16BitAccess");
  f(features.more12.storageBuffer8BitAccess, "storageBuffer8BitAccess");
  f(features.more12.shaderInt8, "shaderInt8");
  f(features.more12.scalarBlockLayout, "scalarBlockLayout");
  f(features.more12.bufferDeviceAddress, "bufferDeviceAddress");
  f(features.more13.maintenance4, "maintenance4");
  f(features.more13.shaderIntegerDotProduct, "shaderIntegerDotProduct");
}

}  // namespace

Features::Features() {
  base.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2;
  more11.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_1_FEATURES;
  more12.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES;
  more13.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_3_FEATURES;
  base.pNext = &more11;
  more11.pNext = &more12;
  more12.pNext = &more13;
}

void Features::require_all() {
  for_each_needed(*this, [](VkBool32& feature, const char*) { feature = VK_TRUE; });
}

void Features::require_matrices() {
  more12.vulkanMemoryModel = more12.shaderFloat16 = matrices.matrices = VK_TRUE;
  more13.pNext = &matrices;
}

void Features::require_subgroup_sizes(bool full) {
  more13.subgroupSizeControl = VK_TRUE;
  more13.computeFullSubgroups = full ? VK_TRUE : VK_FALSE;
}

SubgroupControl subgroup_control(const Functions& functions, VkPhysicalDevice device) {
  Features found;
  functions.vkGetPhysicalDeviceFeatures2(device, &found.base);
  return {found.more13.subgroupSizeControl == VK_TRUE, found.more13.computeFullSubgroups == VK_TRUE};
}

std::string missing_limits(const VkPhysicalDeviceLimits& limits) {
  std::string missing;
  const auto require = [&](const char* name, uint32_t found, uint32_t needed) {
    if (found >= needed) return;
    missing += (missing.empty() ? "" : ", ") + std::string(name) + " of " + std::to_string(needed) + " (it has " +
               std::to_string(found) + ")";
  };
  const uint32_t threads = most_threads();
  require("maxComputeWorkGroupInvocations", limits.maxComputeWorkGroupInvocations, threads);
  require("maxComputeWorkGroupSize", limits.maxComputeWorkGroupSize[0], threads);
  require("maxComputeSharedMemorySize", limits.maxComputeSharedMemorySize, kSharedBytes);
  require("maxPushConstantsSize", limits.maxPushConstantsSize, kPushBytes);
  require("maxComputeWorkGroupCount", *std::ranges::min_element(limits.maxComputeWorkGroupCount), kGroupsOfAxis);
  return missing;
}

bool has_extension(const Functions& functions, VkPhysicalDevice device, std::string_view name) {
  uint32_t count = 0;
  if (functions.vkEnumerateDeviceExtensionProperties(device, nullptr, &count, nullptr) < 0) return false;
  std::vector<VkExtensionProperties> all(count);
  if (functions.vkEnumerateDeviceExtensionProperties(device, nullptr, &count, all.data()) < 0) return false;
  return std::any_of(all.begin(), all.end(),
                     [name](const VkExtensionProperties& one) { return name == one.extensionName; });
}

std::string missing_features(const Functions& functions, VkPhysicalDevice device,
                             const VkPhysicalDeviceVulkan11Properties& properties) {
  Features found;
  functions.vkGetPhysicalDeviceFeatures2(device, &found.base);
  std::string missing;
  const auto lacks = [&](const char* name) { missing += (missing.empty() ? "" : ", ") + std::string(name); };
  for_each_needed(found, [&](const VkBool32& feature, const char* name) {
    if (feature == VK_FALSE) lacks(name);
  });
  constexpr VkSubgroupFeatureFlags kOperations = VK_SUBGROUP_FEATURE_BASIC_BIT | VK_SUBGROUP_FEATURE_ARITHMETIC_BIT;
  if ((properties.subgroupSupportedOperations & kOperations) != kOperations ||
      (properties.subgroupSupportedStages & VK_SHADER_STAGE_COMPUTE_BIT) == 0)
    lacks("arithmetic of subgroups");
  return missing;
}

}  // namespace hearth::vulkan
