// Which of a device's memory is used for what, and how much of it is free.
#pragma once

#include <cstdint>

#include "backends/vulkan/functions.h"

namespace hearth::vulkan {

enum class Place : uint8_t {
  device,    // what kernels use
  upload,    // written by the host
  download,  // read by the host
};

// The heap for what kernels use: the largest of the device's own, but of devices that share the machine's memory the
// largest of all, for what is called their own may be a small part that firmware set aside.
uint32_t choose_heap(const VkPhysicalDeviceMemoryProperties& memory, VkPhysicalDeviceType type);

// The kind of memory for a place, of those that are `allowed`, a bit each. Throws DeviceError where there is none.
uint32_t choose_memory_type(Place place, const VkPhysicalDeviceMemoryProperties& memory, uint32_t heap,
                            uint32_t allowed);

// What this process may still take of a heap by the driver's estimate (VK_EXT_memory_budget) of what others use; its
// size where the driver gives none.
uint64_t free_memory(const Functions& functions, VkPhysicalDevice device, uint32_t heap);
uint64_t free_of(const VkPhysicalDeviceMemoryProperties& memory,
                 const VkPhysicalDeviceMemoryBudgetPropertiesEXT& budget, uint32_t heap);

}  // namespace hearth::vulkan
