// In the place of the Vulkan backend where it was not built.
#include "backends/vulkan/device.h"

namespace hearth {
namespace {

[[noreturn]] void refuse() { throw DeviceError("vulkan: this program was built without the Vulkan backend"); }

}  // namespace

std::unique_ptr<Device> make_vulkan_device(std::string_view, VulkanProducts) { refuse(); }
std::vector<VulkanDeviceInfo> vulkan_devices() { return {}; }
VulkanDeviceInfo find_vulkan_device(std::string_view) { refuse(); }
VulkanDeviceTrial try_vulkan_device(std::string_view, VulkanProducts) { refuse(); }

}  // namespace hearth
