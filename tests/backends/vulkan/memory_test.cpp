// Which memory is chosen on GPUs as there are.
#include "backends/vulkan/memory.h"

#include <gtest/gtest.h>

#include <initializer_list>

#include "backends/backend.h"

namespace hearth::vulkan {
namespace {

constexpr VkMemoryPropertyFlags kLocal = VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT;
constexpr VkMemoryPropertyFlags kVisible = VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT | VK_MEMORY_PROPERTY_HOST_COHERENT_BIT;
constexpr VkMemoryPropertyFlags kCached = VK_MEMORY_PROPERTY_HOST_CACHED_BIT;
constexpr uint64_t kGiB = 1 << 30;

VkPhysicalDeviceMemoryProperties memory_of(std::initializer_list<VkMemoryHeap> heaps,
                                           std::initializer_list<VkMemoryType> types) {
  VkPhysicalDeviceMemoryProperties memory{};
  for (const VkMemoryHeap& one : heaps) memory.memoryHeaps[memory.memoryHeapCount++] = one;
  for (const VkMemoryType& one : types) memory.memoryTypes[memory.memoryTypeCount++] = one;
  return memory;
}

// With a small window to the device's memory, as before resizable BARs.
VkPhysicalDeviceMemoryProperties discrete() {
  return memory_of({{kGiB / 4, VK_MEMORY_HEAP_DEVICE_LOCAL_BIT}, {64 * kGiB, 0}, {8 * kGiB, 1}},
                   {{0, 1}, {kLocal, 2}, {kVisible, 1}, {kVisible | kCached, 1}, {kLocal | kVisible, 0}});
}
// With a part that firmware sets aside.
VkPhysicalDeviceMemoryProperties integrated() {
  return memory_of({{kGiB / 2, VK_MEMORY_HEAP_DEVICE_LOCAL_BIT}, {12 * kGiB, 0}},
                   {{kLocal, 0}, {kLocal | kVisible, 0}, {kVisible, 1}, {kVisible | kCached, 1}});
}

TEST(VulkanMemory, OfADiscreteGpuIsItsLargestHeap) {
  const auto memory = discrete();
  EXPECT_EQ(choose_heap(memory, VK_PHYSICAL_DEVICE_TYPE_DISCRETE_GPU), 2u);
  EXPECT_EQ(choose_memory_type(Place::device, memory, 2, 0x1f), 1u);
  EXPECT_EQ(choose_memory_type(Place::upload, memory, 2, 0x1f), 2u);
  EXPECT_EQ(choose_memory_type(Place::download, memory, 2, 0x1f), 3u);
  EXPECT_EQ(choose_memory_type(Place::download, memory, 2, 0x17), 2u) << "without caches where there are none";
}

TEST(VulkanMemory, OfAnIntegratedGpuIsTheMachines) {
  const auto memory = integrated();
  EXPECT_EQ(choose_heap(memory, VK_PHYSICAL_DEVICE_TYPE_INTEGRATED_GPU), 1u);
  EXPECT_EQ(choose_memory_type(Place::device, memory, 1, 0xf), 2u);
  EXPECT_EQ(choose_memory_type(Place::device, memory, 1, 0x3), 0u) << "its own where buffers must lie there";
  EXPECT_EQ(choose_heap(memory, VK_PHYSICAL_DEVICE_TYPE_DISCRETE_GPU), 0u);
  const auto equal = memory_of({{kGiB, 0}, {kGiB, VK_MEMORY_HEAP_DEVICE_LOCAL_BIT}}, {});
  EXPECT_EQ(choose_heap(equal, VK_PHYSICAL_DEVICE_TYPE_INTEGRATED_GPU), 1u);
}

TEST(VulkanMemory, IsNeverOfAKindThatMustBeAskedFor) {
  const auto memory = memory_of({{kGiB, 1}}, {{kLocal | VK_MEMORY_PROPERTY_DEVICE_COHERENT_BIT_AMD, 0},
                                              {kLocal | VK_MEMORY_PROPERTY_PROTECTED_BIT, 0},
                                              {kVisible | VK_MEMORY_PROPERTY_DEVICE_UNCACHED_BIT_AMD, 0}});
  EXPECT_THROW(choose_memory_type(Place::device, memory, 0, 7), DeviceError);
  EXPECT_THROW(choose_memory_type(Place::upload, memory, 0, 7), DeviceError);
}

TEST(VulkanMemory, IsFreeAsFarAsTheDriverTells) {
  const auto memory = discrete();
  VkPhysicalDeviceMemoryBudgetPropertiesEXT budget{};
  EXPECT_EQ(free_of(memory, budget, 2), 8 * kGiB) << "it does not tell";
  budget.heapBudget[2] = 6 * kGiB;
  budget.heapUsage[2] = 2 * kGiB;
  EXPECT_EQ(free_of(memory, budget, 2), 4 * kGiB);
  budget.heapUsage[2] = 7 * kGiB;  // others came after
  EXPECT_EQ(free_of(memory, budget, 2), 0u);
  budget.heapUsage[2] = 0;
  budget.heapBudget[2] = 9 * kGiB;
  EXPECT_EQ(free_of(memory, budget, 2), 8 * kGiB);
}

}  // namespace
}  // namespace hearth::vulkan
