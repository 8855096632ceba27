// What devices.cpp asks of a backend, answered by a device on the CPU.
#include "tests/backends/losing_gpu.h"

#include "backends/cpu/device.h"
#include "backends/cuda/device.h"

namespace hearth {
namespace {

constexpr uint64_t kMemory = uint64_t{1} << 34;
constexpr const char* kLoss = "cuda: the losing GPU: it was lost";

using Flag = std::shared_ptr<std::atomic<bool>>;

class LosingPlan : public Plan {
 public:
  LosingPlan(std::unique_ptr<Plan> plan, Flag lost) : plan_(std::move(plan)), lost_(std::move(lost)) {
    ++losing_gpu().plans;
  }
  ~LosingPlan() override { --losing_gpu().plans; }

  void submit(const Batch& batch) override {
    require_present();
    use();
    if (!losing_gpu().waits) require_present();
    plan_->submit(batch);
  }
  StepResult wait() override {
    require_present();
    return plan_->wait();
  }
  void read_page(uint32_t page, uint32_t positions, std::span<std::byte> bytes) const override {
    use();
    require_present();
    plan_->read_page(page, positions, bytes);
  }
  void write_page(uint32_t page, uint32_t positions, std::span<const std::byte> bytes) override {
    use();
    require_present();
    plan_->write_page(page, positions, bytes);
  }
  void read_state(uint32_t place, std::span<float> values) const override {
    use();
    require_present();
    plan_->read_state(place, values);
  }
  void write_state(uint32_t place, std::span<const float> values) override {
    use();
    require_present();
    plan_->write_state(place, values);
  }

 private:
  void use() const {
    if (losing_gpu().uses_left >= 0 && losing_gpu().uses_left-- == 0) *lost_ = true;
  }
  void require_present() const {
    if (*lost_) throw DeviceLost(kLoss);
  }
  const std::unique_ptr<Plan> plan_;
  const Flag lost_;
};

class LosingDevice : public Device {
 public:
  std::string name() const override { return "cuda"; }
  std::optional<uint64_t> free_memory() const override { return kMemory; }
  std::unique_ptr<Plan> compile(const Program& program, const Limits& limits) override {
    if (losing_gpu().breaks > 0) {
      --losing_gpu().breaks;
      *lost_ = true;
    }
    if (*lost_) throw DeviceLost(kLoss);
    return std::make_unique<LosingPlan>(cpu_->compile(program, limits), lost_);
  }

 private:
  const std::unique_ptr<Device> cpu_ = make_cpu_device({1, ""});
  const Flag lost_ = std::make_shared<std::atomic<bool>>(false);
};

}  // namespace

void LosingGpu::reset() {
  uses_left = -1;
  refuses = breaks = devices = 0;
  waits = overlapped = false;
}

LosingGpu& losing_gpu() {
  static LosingGpu gpu;
  return gpu;
}

std::unique_ptr<Device> make_cuda_device(std::string_view) {
  LosingGpu& gpu = losing_gpu();
  if (gpu.refuses > 0) {
    --gpu.refuses;
    throw DeviceError("cuda: the losing GPU is gone");
  }
  ++gpu.devices;
  if (gpu.plans > 0) gpu.overlapped = true;
  return std::make_unique<LosingDevice>();
}
std::vector<CudaDeviceInfo> cuda_devices() { return {find_cuda_device({})}; }
CudaDeviceInfo find_cuda_device(std::string_view) { return {"the losing GPU", "9.0", "", kMemory}; }
double measure_cuda_reads(std::string_view) { return 1; }

}  // namespace hearth
