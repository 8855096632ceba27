// Launches, and the list of kernels.
#include "tests/simt/interpreter/executor.h"

#include <algorithm>
#include <numeric>
#include <random>
#include <string>
#include <utility>

namespace hearth::simt {
namespace {

constexpr uint64_t kMostBlocksX = (uint64_t{1} << 31) - 1, kMostBlocksYZ = 65535;

std::vector<Kernel>& all_kernels() {
  static std::vector<Kernel> kernels;
  return kernels;
}

// What forbids a launch; empty if nothing.
std::string refusal(const Kernel* kernel, Index3 grid, uint32_t dynamic_bytes, size_t parameter_bytes) {
  if (kernel == nullptr) return "there is no such kernel";
  if (parameter_bytes != kernel->parameter_bytes)
    return "given " + std::to_string(parameter_bytes) + " bytes of parameters, not " +
           std::to_string(kernel->parameter_bytes);
  if (grid.x == 0 || grid.y == 0 || grid.z == 0 || grid.x > kMostBlocksX || grid.y > kMostBlocksYZ ||
      grid.z > kMostBlocksYZ)
    return "a grid of " + std::to_string(grid.x) + " x " + std::to_string(grid.y) + " x " + std::to_string(grid.z);
  if (dynamic_bytes > cuda::kMostSharedBytes) return std::to_string(dynamic_bytes) + " bytes of shared memory";
  return {};
}

}  // namespace

Registered::Registered(const Kernel& kernel) { all_kernels().push_back(kernel); }

const Kernel* find_kernel(std::string_view name) {
  const auto found = std::ranges::find(all_kernels(), name, &Kernel::name);
  return found == all_kernels().end() ? nullptr : &*found;
}

Executor::Executor(Memory& memory, uint32_t seed) : seed_(seed), block_(memory, reports_, seed) {}

std::vector<Report> Executor::launch(std::string_view name, Index3 grid, uint32_t dynamic_shared_bytes,
                                     std::span<const std::byte> parameters, const cuda::Constants& constants) {
  const Kernel* kernel = find_kernel(name);
  const std::string refused = refusal(kernel, grid, dynamic_shared_bytes, parameters.size());
  if (!refused.empty()) return {{Fault::bad_launch, "kernel " + std::string(name) + ": " + refused}};
  parameters_.assign(parameters.begin(), parameters.end());
  const Block::Launch launch{kernel, grid, dynamic_shared_bytes, parameters_.data(), constants};
  reports_.clear();
  block_.begin(launch);
  const uint64_t blocks = uint64_t{grid.x} * grid.y * grid.z;
  // A step that has no divisor in common with the number of blocks visits each once.
  uint64_t step = 1, at = 0;
  if (seed_ != 0 && blocks > 1) {
    std::minstd_rand random(seed_);
    at = random() % blocks;
    do {
      step = 1 + random() % (blocks - 1);
    } while (std::gcd(step, blocks) != 1);
  }
  for (uint64_t i = 0; i < blocks; ++i, at = (at + step) % blocks) {
    const Index3 index{static_cast<uint32_t>(at % grid.x), static_cast<uint32_t>(at / grid.x % grid.y),
                       static_cast<uint32_t>(at / grid.x / grid.y)};
    if (!block_.run(index)) break;
  }
  return std::exchange(reports_, {});
}

}  // namespace hearth::simt
