// Opening Vulkan, and looking at its devices.
#include "backends/vulkan/instance.h"

#include <algorithm>
#include <cctype>
#include <cstring>

#include "backends/backend.h"
#include "backends/vulkan/features.h"

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

// The first family that computes; UINT32_MAX without any.
uint32_t compute_family(const Functions& functions, VkPhysicalDevice device) {
  uint32_t count = 0;
  functions.vkGetPhysicalDeviceQueueFamilyProperties(device, &count, nullptr);
  std::vector<VkQueueFamilyProperties> families(count);
  functions.vkGetPhysicalDeviceQueueFamilyProperties(device, &count, families.data());
  for (uint32_t i = 0; i < count; ++i)
    if ((families[i].queueFlags & VK_QUEUE_COMPUTE_BIT) != 0) return i;
  return UINT32_MAX;
}

Candidate look_at(const Functions& functions, VkPhysicalDevice device) {
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
  result.dots_bytes = speeds.integerDotProduct4x8BitPackedSignedAccelerated == VK_TRUE;
  result.missing = missing_features(functions, device, more);
  result.queue_family = compute_family(functions, device);
  if (result.queue_family == UINT32_MAX)
    result.missing += (result.missing.empty() ? "" : ", ") + std::string("compute");
  VkPhysicalDeviceMemoryProperties memory{};
  functions.vkGetPhysicalDeviceMemoryProperties(device, &memory);
  for (uint32_t i = 0; i < memory.memoryHeapCount; ++i)
    if ((memory.memoryHeaps[i].flags & VK_MEMORY_HEAP_DEVICE_LOCAL_BIT) != 0)
      result.memory = std::max(result.memory, memory.memoryHeaps[i].size);
  return result;
}

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return result;
}

}  // namespace

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
  find_functions(functions_, instance_, static_cast<bool>(sink_));
  if (sink_)
    check(functions_.vkCreateDebugUtilsMessengerEXT(instance_, &messages, nullptr, &messenger_), "asking for messages");
}

Instance::~Instance() {
  if (messenger_ != nullptr) functions_.vkDestroyDebugUtilsMessengerEXT(instance_, messenger_, nullptr);
  functions_.vkDestroyInstance(instance_, nullptr);
}

std::vector<Candidate> Instance::candidates() const {
  uint32_t count = 0;
  check(functions_.vkEnumeratePhysicalDevices(instance_, &count, nullptr), "listing devices");
  std::vector<VkPhysicalDevice> devices(count);
  check(functions_.vkEnumeratePhysicalDevices(instance_, &count, devices.data()), "listing devices");
  devices.resize(count);
  std::vector<Candidate> result;
  for (const VkPhysicalDevice device : devices) result.push_back(look_at(functions_, device));
  return result;
}

Candidate Instance::choose(std::string_view which) const {
  const std::vector<Candidate> all = candidates();
  std::string list;
  for (size_t i = 0; i < all.size(); ++i) list += (i == 0 ? "" : ", ") + std::to_string(i) + " (" + all[i].name + ")";
  if (all.empty()) throw DeviceError("vulkan: no device has a driver for Vulkan on this machine");
  const Candidate* found = nullptr;
  const auto is_number = [](unsigned char c) { return std::isdigit(c) != 0; };
  if (which.empty()) {
    for (const Candidate& one : all) {
      const bool better =
          found == nullptr || (found->type == VK_PHYSICAL_DEVICE_TYPE_CPU && one.type != VK_PHYSICAL_DEVICE_TYPE_CPU);
      if (one.missing.empty() && better) found = &one;
    }
    if (found == nullptr) found = &all.front();
  } else if (which.size() < 4 && std::all_of(which.begin(), which.end(), is_number)) {
    const size_t number = std::stoul(std::string(which));
    if (number < all.size()) found = &all[number];
  } else {
    for (const Candidate& one : all)
      if (found == nullptr && lower(one.name).find(lower(which)) != std::string::npos) found = &one;
  }
  if (found == nullptr)
    throw DeviceError("vulkan: there is no device \"" + std::string(which) + "\"; there are " + list);
  if (!found->missing.empty())
    throw DeviceError("vulkan: " + found->name + " cannot run programs, for it lacks " + found->missing);
  return *found;
}

}  // namespace hearth::vulkan
