// Timing the two loops.
#include "backends/cpu/roofs.h"

#include <algorithm>
#include <chrono>
#include <cstring>

#include "backends/cpu/buffer.h"
#include "backends/cpu/pool.h"
#include "kernels/cpu/tables.h"

namespace hearth {
namespace {

// Seconds that all threads of the pool take together for work.
template <class F>
double seconds(cpu::Pool& pool, const F& work) {
  const auto start = std::chrono::steady_clock::now();
  pool.run(work);
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace

Roofs measure_roofs(const CpuOptions& options) {
  const CpuOptions resolved = resolve_cpu_options(options);
  const cpu::KernelTable& kernels = *cpu::find_kernels(resolved.kernels);
  cpu::Pool pool(resolved.threads);
  const size_t share = (size_t{256} << 20) / resolved.threads / 128 * 128;
  const cpu::Buffer<std::byte> memory("measuring the read bandwidth", share, resolved.threads);
  std::vector<uint64_t> results(resolved.threads * 8);  // a cache line each
  pool.run([&](uint32_t thread) { std::memset(memory.data() + thread * share, 1, share); });
  Roofs roofs{};
  for (int run = 0; run < 6; ++run) {
    const double time = seconds(
        pool, [&](uint32_t thread) { results[thread * 8] = kernels.read_all(memory.data() + thread * share, share); });
    roofs.read_gb_s = std::max(roofs.read_gb_s, static_cast<double>(share * resolved.threads) / time / 1e9);
  }
  uint64_t rounds = 1000;
  for (int run = 0; run < 12; ++run) {
    const double time = seconds(pool, [&](uint32_t thread) { results[thread * 8] = kernels.multiply_bytes(rounds); });
    const double products = static_cast<double>(results[0] * resolved.threads);
    if (time < 0.02) {
      rounds *= 4;
    } else {
      roofs.int8_gops = std::max(roofs.int8_gops, 2 * products / time / 1e9);
    }
  }
  return roofs;
}

}  // namespace hearth
