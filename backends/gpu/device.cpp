// The device: what its plans share.
#include "backends/gpu/device.h"

#include <utility>

#include "backends/check.h"
#include "backends/gpu/plan.h"

namespace hearth::gpu {
namespace {

class GpuDevice final : public Device {
 public:
  GpuDevice(std::shared_ptr<Machine> machine, ChooseWays choose)
      : machine_(std::move(machine)), choose_(std::move(choose)) {}
  std::string name() const override { return machine_->about().backend; }
  std::optional<uint64_t> free_memory() const override { return machine_->free_memory(); }
  std::unique_ptr<Plan> compile(const Program& program, const Limits& limits) override {
    check_program(program, limits, machine_->about().backend.c_str());
    return std::make_unique<GpuPlan>(program, limits, machine_, matrices_, choose_(program, limits));
  }

 private:
  const std::shared_ptr<Machine> machine_;
  const ChooseWays choose_;
  const std::shared_ptr<SharedMatrices> matrices_ = std::make_shared<SharedMatrices>();
};

}  // namespace

std::unique_ptr<Device> make_device(std::shared_ptr<Machine> machine, ChooseWays choose) {
  return std::make_unique<GpuDevice>(std::move(machine), std::move(choose));
}
std::unique_ptr<Device> make_device(std::shared_ptr<Machine> machine, bool rounds) {
  return make_device(std::move(machine), [rounds](const Program&, const Limits&) { return Ways{.rounds = rounds}; });
}

}  // namespace hearth::gpu
