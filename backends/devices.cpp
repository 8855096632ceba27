// The one place that knows which backends there are.
#include "backends/devices.h"

#include <optional>
#include <string_view>

#include "backends/cpu/device.h"
#include "backends/cpu/roofs.h"
#include "backends/reference/device.h"
#include "backends/vulkan/device.h"

namespace hearth {
namespace {

// Which of the Vulkan devices a name means; nothing where it is another backend's.
std::optional<std::string_view> vulkan_part(std::string_view name) {
  constexpr std::string_view kName = "vulkan";
  if (name == kName) return std::string_view();
  if (!name.starts_with(kName) || name[kName.size()] != ':') return std::nullopt;
  return name.substr(kName.size() + 1);
}

std::string about(const VulkanDeviceInfo& info) {
  std::string text = info.name + ", " + info.kind;
  if (!info.driver.empty()) text += ", " + info.driver;
  if (info.subgroup > 0) text += ", subgroups of " + std::to_string(info.subgroup);
  return text;
}

DeviceInfo describe_vulkan(const std::string& name, const VulkanDeviceInfo& info, std::string_view which) {
  DeviceInfo result;
  result.name = name;
  result.about = about(info);
  result.missing = info.missing;
  result.memory = info.memory;
  if (!info.missing.empty()) return result;
  try {
    const VulkanDeviceTrial trial = try_vulkan_device(which);
    result.read_gb_s = trial.copies_gb_s;
    if (!trial.switched_off.empty()) result.about += ", without " + trial.switched_off + " (wrong results)";
  } catch (const DeviceError& error) {
    result.missing = error.what();
  }
  return result;
}

DeviceInfo describe_cpu(const DeviceOptions& options) {
  const CpuOptions resolved = resolve_cpu_options({options.threads, options.kernels});
  const Roofs roofs = measure_roofs(resolved);
  DeviceInfo result;
  result.name = "cpu";
  result.kernels = resolved.kernels;
  result.threads = resolved.threads;
  result.read_gb_s = roofs.read_gb_s;
  result.int8_gops = roofs.int8_gops;
  return result;
}

}  // namespace

std::vector<DeviceOptions> present_cpus() {
  std::vector<DeviceOptions> present;
  for (const std::string& kernels : available_cpu_kernels()) present.push_back({.name = "cpu", .kernels = kernels});
  return present;
}

std::vector<DeviceOptions> present_devices() {
  std::vector<DeviceOptions> present = present_cpus();
  const std::vector<VulkanDeviceInfo> all = vulkan_devices();
  for (size_t i = 0; i < all.size(); ++i)
    if (all[i].missing.empty() && all[i].kind != "CPU") present.push_back({.name = "vulkan:" + std::to_string(i)});
  return present;
}

std::unique_ptr<Device> make_device(const DeviceOptions& options) {
  if (options.name == "cpu") return make_cpu_device({options.threads, options.kernels});
  const auto which = vulkan_part(options.name);
  if (!which && options.name != "reference")
    throw DeviceError("there is no device \"" + options.name + "\"; there are cpu, reference and vulkan");
  if (!options.kernels.empty()) throw DeviceError("the device " + options.name + " has no kernels to choose from");
  if (which) return make_vulkan_device(*which);
  return make_reference_device();
}

DeviceInfo describe_device(const DeviceOptions& options) {
  if (options.name == "cpu") return describe_cpu(options);
  if (const auto which = vulkan_part(options.name))
    return describe_vulkan(options.name, find_vulkan_device(*which), *which);
  DeviceInfo result;
  result.name = options.name;
  return result;
}

std::vector<DeviceInfo> describe_devices() {
  std::vector<DeviceInfo> result = {describe_cpu({})};
  const std::vector<VulkanDeviceInfo> all = vulkan_devices();
  for (size_t i = 0; i < all.size(); ++i)
    result.push_back(describe_vulkan("vulkan:" + std::to_string(i), all[i], std::to_string(i)));
  return result;
}

std::string arithmetic_of(const DeviceOptions& options) {
  if (options.name == "cpu")
    return options.name + " " + resolve_cpu_options({options.threads, options.kernels}).kernels;
  if (const auto which = vulkan_part(options.name)) {
    const VulkanDeviceInfo info = find_vulkan_device(*which);
    return "vulkan " + info.name + ", " + info.driver;
  }
  return options.name;
}

}  // namespace hearth
