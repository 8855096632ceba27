// Devices with the kernels that are built in.
#include "backends/cuda/device.h"

#include <algorithm>
#include <chrono>

#include "backends/cuda/machine.h"
#include "backends/gpu/device.h"
#include "kernels/cuda/images.h"

namespace hearth {
namespace {

const void* image_named(std::string_view name) {
  for (const cuda::Image& one : cuda::images())
    if (one.name == name) return one.bytes.data();
  return nullptr;
}

std::shared_ptr<cuda::CudaMachine> start(std::string_view which) {
  const cuda::Driver driver = cuda::open_driver();
  return std::make_shared<cuda::CudaMachine>(driver, cuda::choose(driver, which), image_named);
}

CudaDeviceInfo describe(const cuda::Candidate& one) {
  return {one.name, std::to_string(one.major) + "." + std::to_string(one.minor), one.missing, one.memory};
}

}  // namespace

std::unique_ptr<Device> make_cuda_device(std::string_view which) { return gpu::make_device(start(which), true); }

std::vector<CudaDeviceInfo> cuda_devices() {
  if (!cuda::has_driver()) return {};
  std::vector<CudaDeviceInfo> result;
  try {
    for (const cuda::Candidate& one : cuda::candidates(cuda::open_driver())) result.push_back(describe(one));
  } catch (const DeviceError& error) {
    result.push_back({"a GPU of NVIDIA", "unknown", error.what(), 0});
  }
  return result;
}

CudaDeviceInfo find_cuda_device(std::string_view which) { return describe(cuda::choose(cuda::open_driver(), which)); }

double measure_cuda_copies(std::string_view which) {
  constexpr int kCopies = 8;
  const std::shared_ptr<cuda::CudaMachine> machine = start(which);
  const uint64_t bytes = std::min<uint64_t>(512 << 20, machine->free_memory() / 4 / 4096 * 4096);
  const gpu::Buffer from = machine->take(bytes, gpu::Place::device, "measuring copies");
  const gpu::Buffer to = machine->take(bytes, gpu::Place::device, "measuring copies");
  machine->run_once([&](gpu::Work& work) { work.zero(from); });
  const std::unique_ptr<gpu::Work> work = machine->record();
  for (int i = 0; i < kCopies; ++i) work->copy(from, 0, to, 0, bytes);
  work->end();
  double best = 0;
  for (int run = 0; run < 5; ++run) {
    const auto begin = std::chrono::steady_clock::now();
    work->start(nullptr);
    work->wait();
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    best = std::max(best, static_cast<double>(bytes) * 2 * kCopies / seconds / 1e9);
  }
  return best;
}

}  // namespace hearth
