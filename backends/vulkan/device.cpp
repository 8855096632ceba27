// The device and its plans.
#include "backends/vulkan/device.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>

#include "backends/gpu/device.h"
#include "backends/vulkan/commands.h"
#include "backends/vulkan/machine.h"
#include "backends/vulkan/self_check.h"

namespace hearth {
namespace {

// A GPU with what is known of its shaders, which goes first. Throws DeviceError where it lacks what is named.
struct Trusted {
  Trusted(std::shared_ptr<vulkan::Gpu> one, VulkanProducts named) : gpu(std::move(one)), check(*gpu), products(named) {
    if (named == VulkanProducts::matrices && gpu->matrix_threads() == 0)
      throw DeviceError("vulkan: " + gpu->about().name + " cannot multiply by cooperative matrices, for it lacks " +
                        gpu->about().missing_matrices);
  }
  const std::shared_ptr<vulkan::Gpu> gpu;
  vulkan::SelfCheck check;
  const VulkanProducts products;
};

// Which ways of products are to be gone, where they are right: matrices of many rows alone.
struct Chosen {
  bool integer, matrices;
};

// Whether products are timed: a CPU would take long for it, and some queues have no clock.
bool is_timed(const vulkan::Candidate& about) {
  return about.type != VK_PHYSICAL_DEVICE_TYPE_CPU && about.timestamp_bits != 0;
}

Chosen choose(Trusted& trusted, const vulkan::Needs& needs) {
  const vulkan::Candidate& about = trusted.gpu->about();
  const VulkanProducts products = trusted.products;
  if (products == VulkanProducts::scalar || products == VulkanProducts::integer)
    return {products == VulkanProducts::integer, false};
  if (products == VulkanProducts::matrices) return {about.dots_bytes, true};
  if (!is_timed(about) || needs.deterministic || needs.rows <= gpu::kMostColumns) return {about.dots_bytes, false};
  const vulkan::ProductTimes times = trusted.check.time_products();
  const bool matrices = times.matrices < std::min(times.integer, times.scalar);
  // Where matrices make many rows, the times say nothing of few.
  return {matrices || !std::isfinite(times.scalar) ? about.dots_bytes : times.integer < times.scalar, matrices};
}

std::string joined(const std::vector<std::string>& texts, std::string_view beginning = {}) {
  std::string list;
  for (const std::string& one : texts)
    if (one.starts_with(beginning)) list += (list.empty() ? "" : ", ") + one;
  return list;
}

// The ways that are chosen and right. Where others would have to take the place of one that was named, that is an
// error, for results are to be the same again.
gpu::Ways ways_for(Trusted& trusted, const vulkan::Needs& needs) {
  const Chosen chosen = choose(trusted, needs);
  const gpu::Ways ways = trusted.check.trust(needs, chosen.integer, chosen.matrices);
  const auto require = [&](bool right, const char* products, std::string_view shaders) {
    if (!right)
      throw WrongResults("vulkan: " + trusted.gpu->about().name + " cannot multiply by " + products +
                         ", which were named: " + joined(trusted.check.switched_off(), shaders) +
                         "; other products, or auto, do without");
  };
  if (trusted.products == VulkanProducts::integer) require(ways.rounds && ways.rounds_few, "integer products", "byte_");
  if (trusted.products == VulkanProducts::matrices) require(ways.matrices, "products of matrices", "matrix_tiles/");
  return ways;
}

// How products are made, and why.
std::string words_of(Trusted& trusted, const gpu::Ways& ways) {
  const vulkan::Candidate& about = trusted.gpu->about();
  const std::string text = ways.matrices ? "prompts by products of matrices"
                           : ways.rounds ? "prompts by integer products"
                                         : "prompts by scalar products";
  if (trusted.products != VulkanProducts::automatic) return text + ", as named";
  std::string why;
  if (is_timed(about)) {
    const vulkan::ProductTimes times = trusted.check.time_products();
    const auto add = [&](const char* name, double seconds) {
      if (!std::isfinite(seconds)) return;
      char words[60];
      std::snprintf(words, sizeof words, "%s%s in %.2f ms", why.empty() ? "" : ", ", name, seconds * 1e3);
      why += words;
    };
    add("scalar", times.scalar);
    add("integer", times.integer);
    add("matrices", times.matrices);
  }
  if (about.matrix_threads == 0) why += (why.empty() ? "" : "; ") + ("matrices lack " + about.missing_matrices);
  return why.empty() ? text : text + " (" + why + ")";
}

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
  return {one.name, one.driver, kind_of(one.type), one.missing, one.memory, one.subgroup_size, one.matrix_threads != 0};
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

std::unique_ptr<Device> make_vulkan_device(std::string_view which, VulkanProducts products) {
  return make_vulkan_device(std::make_shared<vulkan::Gpu>(which), products);
}

std::unique_ptr<Device> make_vulkan_device(std::shared_ptr<vulkan::Gpu> gpu, VulkanProducts products) {
  const auto trusted = std::make_shared<Trusted>(gpu, products);
  return gpu::make_device(vulkan::make_machine(std::move(gpu)),
                          [trusted](const Program& program, const Limits& limits) {
                            return ways_for(*trusted, vulkan::needs_of(program, limits));
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

VulkanDeviceTrial try_vulkan_device(std::string_view which, VulkanProducts products) {
  Trusted trusted(std::make_shared<vulkan::Gpu>(which), products);
  VulkanDeviceTrial result;
  // What models usually need.
  const vulkan::Needs needs{.tables = {Format::q4_k},
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
                            .cuts_heads = true};
  result.products = words_of(trusted, ways_for(trusted, needs));
  result.switched_off = joined(trusted.check.switched_off());
  result.copies_gb_s = measure_copies(*trusted.gpu);
  return result;
}

}  // namespace hearth
