// Opening Vulkan, and looking at its devices.
#include "backends/vulkan/instance.h"

#include <algorithm>
#include <cstring>

#include "backends/backend.h"
#include "backends/gpu/choice.h"
#include "backends/vulkan/features.h"
#include "backends/vulkan/matrices.h"
#include "backends/vulkan/memory.h"

namespace hearth::vulkan {
namespace {

constexpr const char* kValidation = "VK_LAYER_KHRONOS_validation";

VKAPI_ATTR VkBool32 VKAPI_CALL pass_message(VkDebugUtilsMessageSeverityFlagBitsEXT, VkDebugUtilsMessageTypeFlagsEXT,
                                            const VkDebugUtilsMessengerCallbackDataEXT* data, void* sink) {
  (*static_cast<const MessageSink*>(sink))(data->pMessage);
  return VK_FALSE;
}

bool has_validation(const Functions& functions) {
  uint32_t count = 0;
  check(functions.vkEnumerateInstanceLayerProperties(&count, nullptr), "listing layers");
  std::vector<VkLayerProperties> layers(count);
  check(functions.vkEnumerateInstanceLayerProperties(&count, layers.data()), "listing layers");
  return std::any_of(layers.begin(), layers.end(),
                     [](const VkLayerProperties& one) { return std::strcmp(one.layerName, kValidation) == 0; });
}

std::vector<VkQueueFamilyProperties> queue_families(const Functions& functions, VkPhysicalDevice device) {
  uint32_t count = 0;
  functions.vkGetPhysicalDeviceQueueFamilyProperties(device, &count, nullptr);
  std::vector<VkQueueFamilyProperties> families(count);
  functions.vkGetPhysicalDeviceQueueFamilyProperties(device, &count, families.data());
  families.resize(count);
  return families;
}

Candidate look_at(const Functions& functions, VkInstance instance, VkPhysicalDevice device) {
  Candidate result{};
  result.handle = device;
  VkPhysicalDeviceMaintenance4Properties sizes{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MAINTENANCE_4_PROPERTIES, nullptr, 0};
  VkPhysicalDeviceVulkan13Properties speeds{};
  speeds.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_3_PROPERTIES;
  speeds.pNext = &sizes;
  VkPhysicalDeviceVulkan12Properties driver{};
  driver.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_PROPERTIES;
  driver.pNext = &speeds;
  VkPhysicalDeviceVulkan11Properties more{};
  more.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_1_PROPERTIES;
  more.pNext = &driver;
  VkPhysicalDeviceProperties2 all{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2, nullptr, {}};
  functions.vkGetPhysicalDeviceProperties2(device, &all);
  result.name = all.properties.deviceName;
  result.type = all.properties.deviceType;
  result.limits = all.properties.limits;
  if (all.properties.apiVersion < VK_API_VERSION_1_3) {
    result.missing = "Vulkan 1.3";
    return result;
  }
  all.pNext = &more;
  functions.vkGetPhysicalDeviceProperties2(device, &all);
  result.driver = std::string(driver.driverName) + " " + driver.driverInfo;
  result.largest_buffer = std::min(sizes.maxBufferSize, more.maxMemoryAllocationSize);
  result.subgroup_size = more.subgroupSize;
  const SubgroupControl control = subgroup_control(functions, device);
  if (control.sizes && (speeds.requiredSubgroupSizeStages & VK_SHADER_STAGE_COMPUTE_BIT) != 0) {
    result.subgroup_sizes = {more.subgroupSize, speeds.minSubgroupSize, speeds.maxSubgroupSize};
    result.most_subgroups = speeds.maxComputeWorkgroupSubgroups;
    result.full_subgroups = control.full;
  }
  result.keeps_not_finite = driver.shaderSignedZeroInfNanPreserveFloat32 == VK_TRUE;
  result.dots_bytes = speeds.integerDotProduct4x8BitPackedSignedAccelerated == VK_TRUE;
  look_for_matrices(functions, instance, result);
  result.missing = missing_features(functions, device, more);
  const std::vector<VkQueueFamilyProperties> families = queue_families(functions, device);
  result.queue_family = choose_queue_family(families);
  if (result.queue_family != UINT32_MAX) result.timestamp_bits = families[result.queue_family].timestampValidBits;
  for (const std::string& more_missing :
       {missing_limits(result.limits), std::string(result.queue_family == UINT32_MAX ? "compute" : "")})
    if (!more_missing.empty()) result.missing += (result.missing.empty() ? "" : ", ") + more_missing;
  VkPhysicalDeviceMemoryProperties memory{};
  functions.vkGetPhysicalDeviceMemoryProperties(device, &memory);
  result.heap = choose_heap(memory, result.type);
  result.memory = memory.memoryHeaps[result.heap].size;
  result.free_memory = vulkan::free_memory(functions, device, result.heap);
  return result;
}

// The lower the better.
uint32_t rank_of(VkPhysicalDeviceType type) {
  switch (type) {
    case VK_PHYSICAL_DEVICE_TYPE_DISCRETE_GPU:
      return 0;
    case VK_PHYSICAL_DEVICE_TYPE_INTEGRATED_GPU:
      return 1;
    case VK_PHYSICAL_DEVICE_TYPE_VIRTUAL_GPU:
      return 2;
    case VK_PHYSICAL_DEVICE_TYPE_CPU:
      return 4;
    default:
      return 3;
  }
}

}  // namespace

uint32_t choose_queue_family(std::span<const VkQueueFamilyProperties> families) {
  uint32_t chosen = UINT32_MAX;
  for (uint32_t i = 0; i < families.size(); ++i) {
    const VkQueueFlags flags = families[i].queueFlags;
    if ((flags & VK_QUEUE_COMPUTE_BIT) == 0 || families[i].queueCount == 0) continue;
    if ((flags & VK_QUEUE_GRAPHICS_BIT) == 0) return i;
    if (chosen == UINT32_MAX) chosen = i;
  }
  return chosen;
}

const Candidate* best_of(std::span<const Candidate> all) {
  const Candidate* best = nullptr;
  for (const Candidate& one : all)
    if (one.missing.empty() && (best == nullptr || rank_of(one.type) < rank_of(best->type))) best = &one;
  return best;
}

Instance::Instance(MessageSink sink) : sink_(std::move(sink)), functions_(open_loader()) {
  uint32_t version = 0;
  check(functions_.vkEnumerateInstanceVersion(&version), "asking for its version");
  if (version < VK_API_VERSION_1_3) throw DeviceError("vulkan: the installed Vulkan is older than 1.3");
  VkApplicationInfo application{};
  application.sType = VK_STRUCTURE_TYPE_APPLICATION_INFO;
  application.pApplicationName = "hearth";
  application.apiVersion = VK_API_VERSION_1_3;
  VkInstanceCreateInfo info{};
  info.sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO;
  info.pApplicationInfo = &application;
  const char* const extension = VK_EXT_DEBUG_UTILS_EXTENSION_NAME;
  const VkValidationFeatureEnableEXT enabled = VK_VALIDATION_FEATURE_ENABLE_SYNCHRONIZATION_VALIDATION_EXT;
  VkValidationFeaturesEXT checks{VK_STRUCTURE_TYPE_VALIDATION_FEATURES_EXT, nullptr, 1, &enabled, 0, nullptr};
  VkDebugUtilsMessengerCreateInfoEXT messages{};
  messages.sType = VK_STRUCTURE_TYPE_DEBUG_UTILS_MESSENGER_CREATE_INFO_EXT;
  messages.messageSeverity =
      VK_DEBUG_UTILS_MESSAGE_SEVERITY_WARNING_BIT_EXT | VK_DEBUG_UTILS_MESSAGE_SEVERITY_ERROR_BIT_EXT;
  messages.messageType =
      VK_DEBUG_UTILS_MESSAGE_TYPE_VALIDATION_BIT_EXT | VK_DEBUG_UTILS_MESSAGE_TYPE_PERFORMANCE_BIT_EXT;
  messages.pfnUserCallback = pass_message;
  messages.pUserData = const_cast<MessageSink*>(&sink_);
  if (sink_) {
    if (!has_validation(functions_)) throw DeviceError("vulkan: the validation layer is not installed");
    info.enabledLayerCount = 1;
    info.ppEnabledLayerNames = &kValidation;
    info.enabledExtensionCount = 1;
    info.ppEnabledExtensionNames = &extension;
    checks.pNext = &messages;
    info.pNext = &checks;
  }
  check(functions_.vkCreateInstance(&info, nullptr, &instance_), "opening Vulkan");
  try {
    find_functions(functions_, instance_, static_cast<bool>(sink_));
    if (sink_)
      check(functions_.vkCreateDebugUtilsMessengerEXT(instance_, &messages, nullptr, &messenger_),
            "asking for messages");
  } catch (...) {
    close();
    throw;
  }
}

Instance::~Instance() { close(); }

void Instance::close() {
  if (messenger_ != nullptr) functions_.vkDestroyDebugUtilsMessengerEXT(instance_, messenger_, nullptr);
  if (functions_.vkDestroyInstance != nullptr) functions_.vkDestroyInstance(instance_, nullptr);
}

std::vector<Candidate> Instance::candidates() const {
  uint32_t count = 0;
  check(functions_.vkEnumeratePhysicalDevices(instance_, &count, nullptr), "listing devices");
  std::vector<VkPhysicalDevice> devices(count);
  check(functions_.vkEnumeratePhysicalDevices(instance_, &count, devices.data()), "listing devices");
  devices.resize(count);
  std::vector<Candidate> result;
  for (const VkPhysicalDevice device : devices) result.push_back(look_at(functions_, instance_, device));
  return result;
}

Candidate Instance::choose(std::string_view which) const {
  const std::vector<Candidate> all = candidates();
  if (all.empty()) throw DeviceError("vulkan: no device has a driver for Vulkan on this machine");
  const Candidate* best = best_of(all);
  std::vector<gpu::Choice> choices;
  for (const Candidate& one : all) choices.push_back({one.name, one.missing});
  return all[gpu::choose("vulkan", which, choices, best == nullptr ? 0 : static_cast<size_t>(best - all.data()))];
}

}  // namespace hearth::vulkan
