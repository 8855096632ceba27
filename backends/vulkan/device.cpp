// The device and its plans.
#include "backends/vulkan/device.h"

#include <algorithm>
#include <chrono>

#include "backends/gpu/device.h"
#include "backends/vulkan/commands.h"
#include "backends/vulkan/machine.h"
#include "backends/vulkan/self_check.h"

namespace hearth {
namespace {

// A GPU with what is known of its shaders, which goes first.
struct Trusted {
  explicit Trusted(std::shared_ptr<vulkan::Gpu> one) : gpu(std::move(one)), check(*gpu) {}
  const std::shared_ptr<vulkan::Gpu> gpu;
  vulkan::SelfCheck check;
};

const char* kind_of(VkPhysicalDeviceType type) {
  switch (type) {
    case VK_PHYSICAL_DEVICE_TYPE_DISCRETE_GPU:
      return "discrete GPU";
    case VK_PHYSICAL_DEVICE_TYPE_INTEGRATED_GPU:
      return "integrated GPU";
    case VK_PHYSICAL_DEVICE_TYPE_VIRTUAL_GPU:
      return "virtual GPU";
    case VK_PHYSICAL_DEVICE_TYPE_CPU:
      return "CPU";
    default:
      return "other";
  }
}

VulkanDeviceInfo describe(const vulkan::Candidate& one) {
  return {one.name, one.driver, kind_of(one.type), one.missing, one.memory, one.subgroup_size};
}

// So much that caches do not count; a CPU's time counts more.
uint64_t bytes_to_copy(const vulkan::Candidate& about) {
  const uint64_t wanted = about.type == VK_PHYSICAL_DEVICE_TYPE_CPU ? 64 << 20 : 512 << 20;
  const uint64_t most = std::min(about.largest_buffer, about.free_memory / 4) / 4096 * 4096;
  return std::min(wanted, std::max<uint64_t>(most, 1 << 20));
}

double measure_copies(vulkan::Gpu& gpu) {
  constexpr uint64_t kCopies = 4;
  const uint64_t bytes = bytes_to_copy(gpu.about());
  const vulkan::Buffer from(gpu, bytes, vulkan::Place::device, "measuring copies");
  const vulkan::Buffer to(gpu, bytes, vulkan::Place::device, "measuring copies");
  vulkan::Commands commands(gpu);
  commands.zero(from);
  commands.barrier();
  for (uint64_t i = 0; i < kCopies; ++i) {
    commands.copy(from, 0, to, 0, bytes);
    commands.barrier();
  }
  commands.end();
  double best = 0;
  for (int run = 0; run < 5; ++run) {
    const auto start = std::chrono::steady_clock::now();
    commands.run();
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    // The filling writes as much as half a copy moves.
    best = std::max(best, static_cast<double>(bytes * (2 * kCopies + 1)) / seconds / 1e9);
  }
  return best;
}

}  // namespace

std::unique_ptr<Device> make_vulkan_device(std::string_view which) {
  return make_vulkan_device(std::make_shared<vulkan::Gpu>(which));
}

std::unique_ptr<Device> make_vulkan_device(std::shared_ptr<vulkan::Gpu> gpu, std::optional<bool> rounds) {
  const bool fast = gpu->about().dots_bytes;
  const auto trusted = std::make_shared<Trusted>(gpu);
  return gpu::make_device(vulkan::make_machine(std::move(gpu)),
                          [trusted, wanted = rounds.value_or(fast)](const Program& program, const Limits& limits) {
                            return trusted->check.trust(vulkan::needs_of(program, limits), wanted);
                          });
}

std::vector<VulkanDeviceInfo> vulkan_devices() {
  std::vector<VulkanDeviceInfo> result;
  try {
    for (const vulkan::Candidate& one : vulkan::Instance().candidates()) result.push_back(describe(one));
  } catch (const DeviceError&) {  // none is installed
  }
  return result;
}

VulkanDeviceInfo find_vulkan_device(std::string_view which) { return describe(vulkan::Instance().choose(which)); }

VulkanDeviceTrial try_vulkan_device(std::string_view which) {
  vulkan::Gpu gpu(which);
  VulkanDeviceTrial result;
  vulkan::SelfCheck check(gpu);
  // What models usually need.
  check.trust({.tables = {Format::q4_k},
               .products = {Format::q4_k},
               .heads = {{128, 128, 4}},
               .rms_norm = true,
               .ropes = true,
               .gates = true,
               .copies = true,
               .selects = true,
               .logits = true,
               .routes = true,
               .experts = true,
               .cuts_heads = true},
              gpu.about().dots_bytes);
  for (const std::string& one : check.switched_off())
    result.switched_off += (result.switched_off.empty() ? "" : ", ") + one;
  result.copies_gb_s = measure_copies(gpu);
  return result;
}

}  // namespace hearth
