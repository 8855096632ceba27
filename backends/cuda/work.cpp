// Capturing work, and running it.
#include "backends/cuda/work.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "backends/backend.h"
#include "backends/cuda/kernels.h"
#include "kernels/gpu/parameters.h"

namespace hearth::cuda {
namespace {

constexpr uint32_t kMostBlocks = 65535;  // along y and z

}  // namespace

CudaWork::CudaWork(CudaMachine& machine) : machine_(machine) {
  machine_.enter();
  check(machine_.driver().cuEventCreate(&done_, kWithoutTiming), "preparing work");
}

CudaWork::~CudaWork() {
  const Driver& driver = machine_.driver();
  try {
    machine_.enter();
  } catch (const DeviceError&) {  // lost, and its things with it
    return;
  }
  if (ready_ != nullptr) driver.cuGraphExecDestroy(ready_);
  if (graph_ != nullptr) driver.cuGraphDestroy(graph_);
  for (const CUevent event : events_) driver.cuEventDestroy(event);
  driver.cuEventDestroy(done_);
}

void CudaWork::launch(const gpu::Launch& launch) {
  const Kernel kernel = kernel_of(launch.kernel, launch.constants);
  const gpu::Grid grid = launch.grid;
  if (grid.y > kMostBlocks || grid.z > kMostBlocks)
    throw DeviceError("cuda: " + machine_.about().name + " cannot run " + std::to_string(grid.y) + " by " +
                      std::to_string(grid.z) + " blocks of " + kernel.function + " at once");
  const CudaMachine::Function function = machine_.function(kernel);
  std::array<std::byte, gpu::kArgsBytes> args{};
  std::memcpy(args.data(), launch.args.data(), launch.args.size());
  const auto constants = std::make_shared<Constants>();
  std::copy_n(launch.constants.begin(), std::min(launch.constants.size(), std::size(constants->at)), constants->at);
  const CUevent before = add_event(), after = add_event();
  // Events stand between kernels whose launches are timed.
  const bool early = last_kernel_ != nullptr && function.waits;
  if (early && beside_) {
    constants->order |= kBeside;
    last_kernel_->order |= kTellsLate;
  }
  last_kernel_ = timed_ || !function.waits ? nullptr : constants;
  beside_ = true;
  recorded_.push_back([this, function, kernel, grid, args, constants, early, before, after]() mutable {
    void* each[] = {args.data(), constants.get()};
    CUlaunchAttribute beside{kBesideKernelBefore, {}, {}};
    beside.value.number = 1;
    const CUlaunchConfig config{
        grid.x, grid.y, grid.z, kernel.threads, 1, 1, kernel.shared_bytes, machine_.stream(), &beside, early ? 1u : 0u};
    record_event(before);
    check(machine_.driver().cuLaunchKernelEx(&config, function.handle, each, nullptr), kernel.function.c_str());
    record_event(after);
  });
}

CUevent CudaWork::add_event() {
  if (!timed_) return nullptr;
  CUevent event = nullptr;
  check(machine_.driver().cuEventCreate(&event, kWithTiming), "preparing work");
  events_.push_back(event);
  return event;
}

void CudaWork::record_event(CUevent event) const {
  if (event == nullptr) return;
  check(machine_.driver().cuEventRecordWithFlags(event, machine_.stream(), kOfGraph), "recording work");
}

void CudaWork::copy(const gpu::Buffer& from, uint64_t from_offset, const gpu::Buffer& to, uint64_t to_offset,
                    uint64_t bytes) {
  if (bytes == 0) return;
  last_kernel_ = nullptr;
  recorded_.push_back([this, to = to.address() + to_offset, from = from.address() + from_offset, bytes] {
    check(machine_.driver().cuMemcpyAsync(to, from, bytes, machine_.stream()), "copying");
  });
}

void CudaWork::zero(const gpu::Buffer& buffer) {
  if (buffer.size() == 0) return;
  last_kernel_ = nullptr;
  recorded_.push_back([this, at = buffer.address(), words = buffer.size() / 4] {
    check(machine_.driver().cuMemsetD32Async(at, 0, words, machine_.stream()), "clearing memory");
  });
}

void CudaWork::end() {
  machine_.enter();
  const Driver& driver = machine_.driver();
  {
    const std::lock_guard lock(machine_.stream_mutex());
    check(driver.cuStreamBeginCapture(machine_.stream(), kOfThread), "recording work");
    try {
      for (const auto& one : recorded_) one();
    } catch (...) {
      driver.cuStreamEndCapture(machine_.stream(), &graph_);
      throw;
    }
    check(driver.cuStreamEndCapture(machine_.stream(), &graph_), "recording work");
  }
  check(driver.cuGraphInstantiateWithFlags(&ready_, graph_, 0), "preparing work");
  recorded_.clear();
}

void CudaWork::start() {
  machine_.enter();
  const Driver& driver = machine_.driver();
  const std::lock_guard lock(machine_.stream_mutex());
  check(driver.cuGraphLaunch(ready_, machine_.stream()), "starting work");
  check(driver.cuEventRecord(done_, machine_.stream()), "starting work");
}

void CudaWork::wait() {
  machine_.enter();
  check(machine_.driver().cuEventSynchronize(done_), machine_.about().name.c_str());
}

std::vector<gpu::Span> CudaWork::times() const {
  machine_.enter();
  const auto seconds_until = [this](CUevent event) {
    float milliseconds = 0;
    check(machine_.driver().cuEventElapsedTime(&milliseconds, events_.front(), event), "timing work");
    return milliseconds / 1e3;
  };
  std::vector<gpu::Span> times;
  for (size_t i = 0; i < events_.size(); i += 2)
    times.push_back({seconds_until(events_[i]), seconds_until(events_[i + 1])});
  return times;
}

}  // namespace hearth::cuda
