// Choosing kernels and threads.
#include "backends/cpu/device.h"

#include <algorithm>
#include <system_error>

#include "backends/cpu/plan.h"
#include "backends/cpu/pool.h"
#include "kernels/cpu/tables.h"

namespace hearth {
namespace {

// Multiplications, about half a millisecond of one thread: in less, threads that meet some thirty times win little, and
// lose much where another program has taken a core.
constexpr uint64_t kWorthSharing = 4 << 20;

class CpuDevice : public Device {
 public:
  CpuDevice(const CpuOptions& asked, const CpuOptions& resolved)
      : kernels_(*cpu::find_kernels(resolved.kernels)),
        pool_(std::make_shared<cpu::Pool>(resolved.threads)),
        worth_sharing_(asked.threads == 0 ? kWorthSharing : 0) {}
  std::string name() const override { return "cpu"; }
  std::unique_ptr<Plan> compile(const Program& program, const Limits& limits) override {
    return std::make_unique<cpu::CpuPlan>(program, limits, pool_, kernels_, worth_sharing_);
  }

 private:
  const cpu::KernelTable& kernels_;
  const std::shared_ptr<cpu::Pool> pool_;  // shared with the plans
  const uint64_t worth_sharing_;
};

}  // namespace

CpuOptions resolve_cpu_options(const CpuOptions& options) {
  CpuOptions resolved = options;
  if (options.threads > kMaxCpuThreads)
    throw DeviceError("cpu: " + std::to_string(options.threads) + " threads are past the limit of " +
                      std::to_string(kMaxCpuThreads));
  if (options.threads == 0) resolved.threads = std::min(cpu::available_cores(), kMaxCpuThreads);
  const std::vector<const cpu::KernelTable*> tables = cpu::available_kernels();
  if (options.kernels.empty()) {
    resolved.kernels = tables.front()->name;
    return resolved;
  }
  std::string names;
  for (const cpu::KernelTable* table : tables) {
    if (table->name == options.kernels) return resolved;
    names += (names.empty() ? "" : ", ") + std::string(table->name);
  }
  const auto known = cpu::kernel_names();
  const bool exists = std::find(known.begin(), known.end(), options.kernels) != known.end();
  throw DeviceError(
      "cpu: " + std::string(exists ? "this machine does not run the kernels '" : "there are no kernels '") +
      options.kernels + "'; available: " + names);
}

std::vector<std::string> available_cpu_kernels() {
  std::vector<std::string> names;
  for (const cpu::KernelTable* table : cpu::available_kernels()) names.emplace_back(table->name);
  return names;
}

std::unique_ptr<Device> make_cpu_device(const CpuOptions& options) {
  const CpuOptions resolved = resolve_cpu_options(options);
  try {
    return std::make_unique<CpuDevice>(options, resolved);
  } catch (const std::system_error& error) {
    throw DeviceError("cpu: cannot start " + std::to_string(resolved.threads) + " threads: " + error.what());
  }
}

}  // namespace hearth
