// Devices with the kernels that are built in.
#include "backends/cuda/device.h"

#include <algorithm>
#include <chrono>

#include "backends/cuda/machine.h"
#include "backends/gpu/device.h"
#include "kernels/cuda/images.h"
#include "kernels/gpu/row_parameters.h"

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

double measure_cuda_reads(std::string_view which) {
  constexpr uint32_t kReads = 8, kBlocks = 2048;
  const std::shared_ptr<cuda::CudaMachine> machine = start(which);
  const uint64_t bytes = std::min<uint64_t>(1 << 30, machine->free_memory() / 2 / 4096 * 4096);
  const gpu::Buffer from = machine->take(bytes, gpu::Place::device, "measuring reads");
  const gpu::Buffer sums = machine->take(kBlocks * sizeof(uint32_t), gpu::Place::device, "measuring reads");
  machine->run_once([&](gpu::Work& work) { work.zero(from); });
  const gpu::ReadWordsParameters args{from.address(), sums.address(), bytes / 16};
  const std::unique_ptr<gpu::Work> work = machine->record();
  for (uint32_t i = 0; i < kReads; ++i) {
    work->barrier();
    work->launch({"read_words", {}, std::as_bytes(std::span(&args, 1)), {kBlocks}});
  }
  work->end();
  double best = 0;
  for (int run = 0; run < 5; ++run) {
    const auto begin = std::chrono::steady_clock::now();
    work->start();
    work->wait();
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    best = std::max(best, static_cast<double>(bytes) * kReads / seconds / 1e9);
  }
  return best;
}

}  // namespace hearth
