// Finding Vulkan's functions, and its errors in words.
#include "backends/vulkan/functions.h"

#include <dlfcn.h>

#include <string>
#include <type_traits>

#include "backends/backend.h"

namespace hearth::vulkan {
namespace {

template <class Function>
void find(const Functions& functions, VkInstance instance, Function& function, const char* name) {
  function = reinterpret_cast<Function>(functions.vkGetInstanceProcAddr(instance, name));
  if (function == nullptr) throw DeviceError(std::string("vulkan: the installed Vulkan has no ") + name);
}

std::string words_of(VkResult result) {
  switch (result) {
    case VK_ERROR_DEVICE_LOST:
      return "the device was lost: its driver gave it up, or it was reset or removed";
    case VK_ERROR_OUT_OF_DEVICE_MEMORY:
      return "the device has too little free memory";
    case VK_ERROR_OUT_OF_HOST_MEMORY:
      return "the machine has too little free memory";
    case VK_ERROR_INITIALIZATION_FAILED:
      return "its driver failed to start";
    case VK_ERROR_INCOMPATIBLE_DRIVER:
      return "no driver is installed that works with this Vulkan";
    case VK_ERROR_TOO_MANY_OBJECTS:
      return "its driver has too many pieces of memory";
    case VK_ERROR_MEMORY_MAP_FAILED:
      return "its memory cannot be reached";
    default:
      return "error " + std::to_string(result) + " of Vulkan";
  }
}

}  // namespace

Functions open_loader() {
  // Never closed: drivers do not all survive being unloaded.
  void* library = dlopen("libvulkan.so.1", RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) throw DeviceError("vulkan: libvulkan.so.1 is not installed on this machine");
  Functions functions{};
  functions.vkGetInstanceProcAddr =
      reinterpret_cast<PFN_vkGetInstanceProcAddr>(dlsym(library, "vkGetInstanceProcAddr"));
  if (functions.vkGetInstanceProcAddr == nullptr) throw DeviceError("vulkan: libvulkan.so.1 is not Vulkan's loader");
  find(functions, nullptr, functions.vkEnumerateInstanceVersion, "vkEnumerateInstanceVersion");
  find(functions, nullptr, functions.vkEnumerateInstanceLayerProperties, "vkEnumerateInstanceLayerProperties");
  find(functions, nullptr, functions.vkCreateInstance, "vkCreateInstance");
  return functions;
}

void find_functions(Functions& functions, VkInstance instance, bool messages) {
  const auto one = [&](auto& function, const char* name) { find(functions, instance, function, name); };
  one(functions.vkDestroyInstance, "vkDestroyInstance");  // first, so that what lacks another can be closed
  if (messages) {
    one(functions.vkCreateDebugUtilsMessengerEXT, "vkCreateDebugUtilsMessengerEXT");
    one(functions.vkDestroyDebugUtilsMessengerEXT, "vkDestroyDebugUtilsMessengerEXT");
  }
  one(functions.vkEnumeratePhysicalDevices, "vkEnumeratePhysicalDevices");
  one(functions.vkGetPhysicalDeviceProperties2, "vkGetPhysicalDeviceProperties2");
  one(functions.vkGetPhysicalDeviceFeatures2, "vkGetPhysicalDeviceFeatures2");
  one(functions.vkEnumerateDeviceExtensionProperties, "vkEnumerateDeviceExtensionProperties");
  one(functions.vkGetPhysicalDeviceMemoryProperties2, "vkGetPhysicalDeviceMemoryProperties2");
  one(functions.vkGetPhysicalDeviceMemoryProperties, "vkGetPhysicalDeviceMemoryProperties");
  one(functions.vkGetPhysicalDeviceQueueFamilyProperties, "vkGetPhysicalDeviceQueueFamilyProperties");
  one(functions.vkCreateDevice, "vkCreateDevice");
  one(functions.vkDestroyDevice, "vkDestroyDevice");
  one(functions.vkDeviceWaitIdle, "vkDeviceWaitIdle");
  one(functions.vkGetDeviceQueue, "vkGetDeviceQueue");
  one(functions.vkQueueSubmit, "vkQueueSubmit");
  one(functions.vkCreateFence, "vkCreateFence");
  one(functions.vkDestroyFence, "vkDestroyFence");
  one(functions.vkResetFences, "vkResetFences");
  one(functions.vkWaitForFences, "vkWaitForFences");
  one(functions.vkCreateBuffer, "vkCreateBuffer");
  one(functions.vkDestroyBuffer, "vkDestroyBuffer");
  one(functions.vkGetBufferMemoryRequirements, "vkGetBufferMemoryRequirements");
  one(functions.vkGetBufferDeviceAddress, "vkGetBufferDeviceAddress");
  one(functions.vkAllocateMemory, "vkAllocateMemory");
  one(functions.vkFreeMemory, "vkFreeMemory");
  one(functions.vkBindBufferMemory, "vkBindBufferMemory");
  one(functions.vkMapMemory, "vkMapMemory");
  one(functions.vkCreateShaderModule, "vkCreateShaderModule");
  one(functions.vkDestroyShaderModule, "vkDestroyShaderModule");
  one(functions.vkCreatePipelineLayout, "vkCreatePipelineLayout");
  one(functions.vkDestroyPipelineLayout, "vkDestroyPipelineLayout");
  one(functions.vkCreatePipelineCache, "vkCreatePipelineCache");
  one(functions.vkDestroyPipelineCache, "vkDestroyPipelineCache");
  one(functions.vkCreateComputePipelines, "vkCreateComputePipelines");
  one(functions.vkDestroyPipeline, "vkDestroyPipeline");
  one(functions.vkCreateCommandPool, "vkCreateCommandPool");
  one(functions.vkDestroyCommandPool, "vkDestroyCommandPool");
  one(functions.vkAllocateCommandBuffers, "vkAllocateCommandBuffers");
  one(functions.vkBeginCommandBuffer, "vkBeginCommandBuffer");
  one(functions.vkEndCommandBuffer, "vkEndCommandBuffer");
  one(functions.vkCmdBindPipeline, "vkCmdBindPipeline");
  one(functions.vkCmdPushConstants, "vkCmdPushConstants");
  one(functions.vkCmdDispatch, "vkCmdDispatch");
  one(functions.vkCmdDispatchBase, "vkCmdDispatchBase");
  one(functions.vkCmdPipelineBarrier, "vkCmdPipelineBarrier");
  one(functions.vkCmdCopyBuffer, "vkCmdCopyBuffer");
  one(functions.vkCmdFillBuffer, "vkCmdFillBuffer");
  one(functions.vkCreateQueryPool, "vkCreateQueryPool");
  one(functions.vkDestroyQueryPool, "vkDestroyQueryPool");
  one(functions.vkCmdResetQueryPool, "vkCmdResetQueryPool");
  one(functions.vkCmdWriteTimestamp, "vkCmdWriteTimestamp");
  one(functions.vkGetQueryPoolResults, "vkGetQueryPoolResults");
}

void check(VkResult result, const char* what) {
  if (result >= 0) return;
  const std::string text = std::string("vulkan: ") + what + ": " + words_of(result);
  if (result == VK_ERROR_DEVICE_LOST) throw DeviceLost(text);
  throw DeviceError(text);
}

}  // namespace hearth::vulkan
