// Choosing memory by its flags.
#include "backends/vulkan/memory.h"

#include <algorithm>
#include <vector>

#include "backends/backend.h"
#include "backends/vulkan/features.h"

namespace hearth::vulkan {
namespace {

// Kinds that must be asked for, are slow, or have no memory.
constexpr VkMemoryPropertyFlags kUnusable = VK_MEMORY_PROPERTY_LAZILY_ALLOCATED_BIT | VK_MEMORY_PROPERTY_PROTECTED_BIT |
                                            VK_MEMORY_PROPERTY_DEVICE_COHERENT_BIT_AMD |
                                            VK_MEMORY_PROPERTY_DEVICE_UNCACHED_BIT_AMD |
                                            VK_MEMORY_PROPERTY_RDMA_CAPABLE_BIT_NV;
constexpr uint32_t kAnyHeap = UINT32_MAX;

struct Wish {
  VkMemoryPropertyFlags flags;
  uint32_t heap = kAnyHeap;
};

bool shares_memory(VkPhysicalDeviceType type) {
  return type == VK_PHYSICAL_DEVICE_TYPE_INTEGRATED_GPU || type == VK_PHYSICAL_DEVICE_TYPE_CPU;
}

}  // namespace

uint32_t choose_heap(const VkPhysicalDeviceMemoryProperties& memory, VkPhysicalDeviceType type) {
  uint32_t best = 0;
  bool found = false;
  const auto is_own = [&](uint32_t i) { return (memory.memoryHeaps[i].flags & VK_MEMORY_HEAP_DEVICE_LOCAL_BIT) != 0; };
  for (uint32_t i = 0; i < memory.memoryHeapCount; ++i) {
    if (!is_own(i) && !shares_memory(type)) continue;
    const VkDeviceSize size = memory.memoryHeaps[i].size, most = memory.memoryHeaps[best].size;
    if (!found || size > most || (size == most && is_own(i) && !is_own(best))) best = i;
    found = true;
  }
  return best;
}

uint32_t choose_memory_type(Place place, const VkPhysicalDeviceMemoryProperties& memory, uint32_t heap,
                            uint32_t allowed) {
  constexpr VkMemoryPropertyFlags kOwn = VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT;
  constexpr VkMemoryPropertyFlags kShared = VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT | VK_MEMORY_PROPERTY_HOST_COHERENT_BIT;
  std::vector<Wish> wishes = {{kOwn, heap}, {0, heap}, {kOwn}, {0}};
  if (place == Place::upload) wishes = {{kShared}};
  if (place == Place::download) wishes = {{kShared | VK_MEMORY_PROPERTY_HOST_CACHED_BIT}, {kShared}};
  // Of kinds that have what is wished for Vulkan lists those first that have little else.
  for (const Wish& wish : wishes)
    for (uint32_t i = 0; i < memory.memoryTypeCount; ++i) {
      const VkMemoryType& type = memory.memoryTypes[i];
      const bool fits = wish.heap == kAnyHeap || wish.heap == type.heapIndex;
      if ((allowed >> i & 1) != 0 && fits && (type.propertyFlags & (wish.flags | kUnusable)) == wish.flags) return i;
    }
  throw DeviceError("vulkan: the device has no memory of the kind that is needed");
}

uint64_t free_of(const VkPhysicalDeviceMemoryProperties& memory,
                 const VkPhysicalDeviceMemoryBudgetPropertiesEXT& budget, uint32_t heap) {
  const uint64_t size = memory.memoryHeaps[heap].size;
  // Of old drivers some list the extension and leave zeros.
  if (budget.heapBudget[heap] == 0) return size;
  const uint64_t used = budget.heapUsage[heap];
  return std::min(size, budget.heapBudget[heap] - std::min<uint64_t>(budget.heapBudget[heap], used));
}

uint64_t free_memory(const Functions& functions, VkPhysicalDevice device, uint32_t heap) {
  VkPhysicalDeviceMemoryBudgetPropertiesEXT budget{};
  budget.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MEMORY_BUDGET_PROPERTIES_EXT;
  VkPhysicalDeviceMemoryProperties2 all{};
  all.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MEMORY_PROPERTIES_2;
  if (has_extension(functions, device, VK_EXT_MEMORY_BUDGET_EXTENSION_NAME)) all.pNext = &budget;
  functions.vkGetPhysicalDeviceMemoryProperties2(device, &all);
  return free_of(all.memoryProperties, budget, heap);
}

}  // namespace hearth::vulkan
