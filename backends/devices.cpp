// The one place that knows which backends there are.
#include "backends/devices.h"

#include <algorithm>
#include <optional>
#include <string_view>

#include "backends/cpu/device.h"
#include "backends/cpu/roofs.h"
#include "backends/cuda/device.h"
#include "backends/reference/device.h"
#include "backends/vulkan/device.h"

namespace hearth {
namespace {

// Which of a backend's devices a name means; nothing where it is another backend's.
std::optional<std::string_view> part_of(std::string_view backend, std::string_view name) {
  if (name == backend) return std::string_view();
  if (!name.starts_with(backend) || name[backend.size()] != ':') return std::nullopt;
  return name.substr(backend.size() + 1);
}
std::optional<std::string_view> vulkan_part(std::string_view name) { return part_of("vulkan", name); }
std::optional<std::string_view> cuda_part(std::string_view name) { return part_of("cuda", name); }

std::string about(const VulkanDeviceInfo& info) {
  std::string text = info.name + ", " + info.kind;
  if (!info.driver.empty()) text += ", " + info.driver;
  if (info.subgroup > 0) text += ", subgroups of " + std::to_string(info.subgroup);
  return text;
}

// How Vulkan multiplies, as users name it; the default first.
struct NamedProducts {
  const char* name;
  VulkanProducts products;
};
constexpr NamedProducts kNamedProducts[] = {{"auto", VulkanProducts::automatic},
                                            {"scalar", VulkanProducts::scalar},
                                            {"integer", VulkanProducts::integer},
                                            {"matrices", VulkanProducts::matrices}};

VulkanProducts products_of(const DeviceOptions& options) {
  const std::string& name = options.products;
  if (name.empty() || name == kNamedProducts[0].name) return VulkanProducts::automatic;
  if (!vulkan_part(options.name))
    throw DeviceError("the device " + options.name + " has no products to choose from, which vulkan has");
  std::string names;
  for (const NamedProducts& one : kNamedProducts) {
    if (name == one.name) return one.products;
    names += (names.empty() ? "" : ", ") + std::string(one.name);
  }
  throw DeviceError("there are no products \"" + name + "\"; there are " + names);
}

DeviceInfo describe_vulkan(const DeviceOptions& options, const VulkanDeviceInfo& info, std::string_view which) {
  DeviceInfo result;
  result.name = options.name;
  result.about = about(info);
  result.missing = info.missing;
  result.memory = info.memory;
  if (!info.missing.empty()) return result;
  try {
    const VulkanDeviceTrial trial = try_vulkan_device(which, products_of(options));
    result.read_gb_s = trial.copies_gb_s;
    result.about += ", " + trial.products;
    if (!trial.switched_off.empty()) result.about += ", without " + trial.switched_off;
  } catch (const DeviceError& error) {
    result.missing = error.what();
  }
  return result;
}

DeviceInfo describe_cuda(const DeviceOptions& options, const CudaDeviceInfo& info, std::string_view which) {
  DeviceInfo result;
  result.name = options.name;
  result.about = info.name + ", compute capability " + info.capability;
  result.missing = info.missing;
  result.memory = info.memory;
  if (!info.missing.empty()) return result;
  try {
    result.read_gb_s = measure_cuda_reads(which);
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

std::vector<DeviceOptions> ways_of(const std::string& name) {
  std::vector<DeviceOptions> ways;
  if (name == "cpu") {
    for (const std::string& kernels : available_cpu_kernels()) ways.push_back({.name = name, .kernels = kernels});
  } else if (const auto which = vulkan_part(name)) {
    const bool matrices = find_vulkan_device(*which).matrices;
    for (const auto& [products, way] : kNamedProducts)
      if (way != VulkanProducts::automatic && (way != VulkanProducts::matrices || matrices))
        ways.push_back({.name = name, .products = products});
  } else {
    ways.push_back({.name = name});
  }
  return ways;
}

std::vector<DeviceOptions> present_devices() {
  std::vector<DeviceOptions> present = ways_of("cpu");
  const std::vector<CudaDeviceInfo> cuda = cuda_devices();
  for (size_t i = 0; i < cuda.size(); ++i)
    if (cuda[i].missing.empty()) present.push_back({.name = "cuda:" + std::to_string(i)});
  const std::vector<VulkanDeviceInfo> all = vulkan_devices();
  for (size_t i = 0; i < all.size(); ++i)
    if (all[i].missing.empty() && all[i].kind != "CPU") {
      const std::vector<DeviceOptions> ways = ways_of("vulkan:" + std::to_string(i));
      present.insert(present.end(), ways.begin(), ways.end());
    }
  return present;
}

std::unique_ptr<Device> make_device(const DeviceOptions& options) {
  const VulkanProducts products = products_of(options);
  if (options.name == "cpu") return make_cpu_device({options.threads, options.kernels});
  const auto vulkan = vulkan_part(options.name), cuda = cuda_part(options.name);
  if (!vulkan && !cuda && options.name != "reference")
    throw DeviceError("there is no device \"" + options.name + "\"; there are cpu, cuda, vulkan and reference");
  if (!options.kernels.empty()) throw DeviceError("the device " + options.name + " has no kernels to choose from");
  if (vulkan) return make_vulkan_device(*vulkan, products);
  if (cuda) return make_cuda_device(*cuda);
  return make_reference_device();
}

DeviceInfo describe_device(const DeviceOptions& options) {
  if (options.name == "cpu") return describe_cpu(options);
  if (const auto which = vulkan_part(options.name)) return describe_vulkan(options, find_vulkan_device(*which), *which);
  if (const auto which = cuda_part(options.name)) return describe_cuda(options, find_cuda_device(*which), *which);
  DeviceInfo result;
  result.name = options.name;
  return result;
}

std::vector<DeviceInfo> describe_devices(const std::vector<std::string>& gpus) {
  std::vector<DeviceInfo> result = {describe_cpu({})};
  const auto wanted = [&](const char* backend) { return std::find(gpus.begin(), gpus.end(), backend) != gpus.end(); };
  const auto add = [&](const std::string& backend, const auto& all, const auto& describe) {
    for (size_t i = 0; i < all.size(); ++i)
      result.push_back(describe({.name = backend + ":" + std::to_string(i)}, all[i], std::to_string(i)));
  };
  if (wanted("cuda")) add("cuda", cuda_devices(), describe_cuda);
  if (wanted("vulkan")) add("vulkan", vulkan_devices(), describe_vulkan);
  return result;
}

std::vector<std::string> gpu_names(std::string_view backend) {
  std::vector<std::string> names;
  const size_t count = backend == "cuda" ? cuda_devices().size() : vulkan_devices().size();
  for (size_t i = 0; i < count; ++i) names.push_back(std::string(backend) + ":" + std::to_string(i));
  return names;
}

std::vector<std::string> product_names() {
  std::vector<std::string> names;
  for (const NamedProducts& one : kNamedProducts) names.emplace_back(one.name);
  return names;
}

uint32_t best_step_rows(const DeviceOptions& options) {
  constexpr uint64_t kMuch = uint64_t{32} << 30;
  const auto which = cuda_part(options.name);
  if (!which) return Limits{}.rows;
  try {
    const CudaDeviceInfo info = find_cuda_device(*which);
    // Of so many, tiles of 9.0 fill the device; what their activations take is little there.
    return info.capability == "9.0" && info.memory >= kMuch ? 2048 : Limits{}.rows;
  } catch (const DeviceError&) {  // which making the device will say
    return Limits{}.rows;
  }
}

std::string arithmetic_of(const DeviceOptions& options) {
  if (options.name == "cpu")
    return options.name + " " + resolve_cpu_options({options.threads, options.kernels}).kernels + ", arithmetic " +
           std::to_string(kCpuArithmetic);
  if (const auto which = vulkan_part(options.name)) {
    const VulkanDeviceInfo info = find_vulkan_device(*which);
    const std::string products = options.products.empty() ? "auto" : options.products;
    return "vulkan " + info.name + ", " + info.driver + ", products " + products + ", arithmetic " +
           std::to_string(kVulkanArithmetic);
  }
  if (const auto which = cuda_part(options.name)) {
    const CudaDeviceInfo info = find_cuda_device(*which);
    return "cuda " + info.name + ", " + info.capability;
  }
  return options.name;
}

}  // namespace hearth
