// Choosing a device, starting it, its memory and its code.
#include "backends/cuda/machine.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "backends/backend.h"
#include "backends/cuda/kernels.h"
#include "backends/cuda/work.h"
#include "backends/gpu/choice.h"

namespace hearth::cuda {
namespace {

constexpr int kLeastMajor = 8;    // of what the kernels are compiled for
constexpr int kWaitingCode = 90;  // of code from which on kernels can wait for one another themselves

struct CudaMemory final : gpu::Memory {
  CudaMemory(const CudaMachine& owner, uint64_t bytes, uint64_t at, std::byte* seen)
      : gpu::Memory(bytes, at, seen), machine(owner) {}
  ~CudaMemory() override {
    try {
      machine.enter();
    } catch (const DeviceError&) {  // lost, and its memory with it
      return;
    }
    if (mapped != nullptr) {
      machine.driver().cuMemFreeHost(mapped);
    } else {
      machine.driver().cuMemFree(address);
    }
  }
  const CudaMachine& machine;
};

Candidate look_at(const Driver& driver, int number) {
  Candidate result{};
  check(driver, driver.cuDeviceGet(&result.handle, number), "looking at a device");
  std::array<char, 256> name{};
  check(driver, driver.cuDeviceGetName(name.data(), name.size() - 1, result.handle), "looking at a device");
  result.name = name.data();
  size_t memory = 0;
  check(driver, driver.cuDeviceTotalMem(&memory, result.handle), "looking at a device");
  result.memory = memory;
  const auto attribute = [&](int which) {
    int value = 0;
    check(driver, driver.cuDeviceGetAttribute(&value, which, result.handle), "looking at a device");
    return value;
  };
  result.major = attribute(kMajor);
  result.minor = attribute(kMinor);
  result.multiprocessors = static_cast<uint32_t>(attribute(kMultiprocessors));
  result.shared_bytes = static_cast<uint32_t>(attribute(kSharedBytes));
  if (result.major < kLeastMajor) result.missing = "compute capability " + std::to_string(kLeastMajor) + ".0";
  return result;
}

}  // namespace

std::vector<Candidate> candidates(const Driver& driver) {
  const CUresult started = driver.cuInit(0);
  if (started == kNoDevice) return {};
  check(driver, started, "starting the driver");
  int version = 0, count = 0;
  check(driver, driver.cuDriverGetVersion(&version), "asking for its version");
  if (version < kLeastVersion)
    throw DeviceError("cuda: the installed driver is for CUDA " + std::to_string(version / 1000) + "." +
                      std::to_string(version % 1000 / 10) + "; one for 13.0 (580 or later) is needed");
  check(driver, driver.cuDeviceGetCount(&count), "listing devices");
  std::vector<Candidate> result;
  for (int i = 0; i < count; ++i) result.push_back(look_at(driver, i));
  return result;
}

Candidate choose(const Driver& driver, std::string_view which) {
  const std::vector<Candidate> all = candidates(driver);
  if (all.empty()) throw DeviceError("cuda: there is no NVIDIA GPU on this machine");
  const auto sound = std::find_if(all.begin(), all.end(), [](const Candidate& one) { return one.missing.empty(); });
  std::vector<gpu::Choice> choices;
  for (const Candidate& one : all) choices.push_back({one.name, one.missing});
  return all[gpu::choose("cuda", which, choices, sound == all.end() ? 0 : static_cast<size_t>(sound - all.begin()))];
}

CudaMachine::CudaMachine(const Driver& driver, const Candidate& candidate, FindImage find_image)
    : driver_(driver), device_(candidate.handle), find_image_(find_image) {
  about_ = {.backend = "cuda",
            .name = candidate.name,
            .memory = candidate.memory,
            .shared_bytes = candidate.shared_bytes,
            .rounds_few = true,
            .rounds_by_warps = true,
            .has_columns = true,
            .joins = true,
            .has_bfloats = true,
            .has_groups = candidate.major == 9 && candidate.minor == 0 && find_image("group_tiles_Q4_K") != nullptr,
            .attends_rows = true,
            .turns_and_stores = true,
            .attends_tiles = true,
            .multiprocessors = candidate.multiprocessors};
  check(driver_, driver_.cuDevicePrimaryCtxRetain(&context_, device_), ("starting " + about_.name).c_str());
  try {
    enter();
    check(driver_, driver_.cuStreamCreate(&stream_, kNonBlocking), ("starting " + about_.name).c_str());
    staging_ = take(kStagingBytes, gpu::Place::download, "copies to and from the device");
  } catch (...) {
    if (stream_ != nullptr) driver_.cuStreamDestroy(stream_);
    driver_.cuDevicePrimaryCtxRelease(device_);
    throw;
  }
}

CudaMachine::~CudaMachine() {
  staging_ = {};
  for (const auto& [name, module] : modules_)
    if (module != nullptr) driver_.cuModuleUnload(module);
  driver_.cuStreamDestroy(stream_);
  driver_.cuDevicePrimaryCtxRelease(device_);
}

void CudaMachine::enter() const { check(driver_, driver_.cuCtxSetCurrent(context_), about_.name.c_str()); }

uint64_t CudaMachine::free_memory() const {
  enter();
  size_t free = 0, all = 0;
  check(driver_, driver_.cuMemGetInfo(&free, &all), about_.name.c_str());
  return free;
}

void CudaMachine::prepare(std::string_view kernel, std::span<const uint32_t> constants) {
  function(kernel_of(kernel, constants));
}

gpu::Buffer CudaMachine::take(uint64_t bytes, gpu::Place place, const char* what) {
  if (bytes == 0) return {};
  enter();
  const std::string needs = "no memory for " + std::string(what) + ", " + std::to_string((bytes >> 20) + 1) + " MiB";
  if (place == gpu::Place::device) {
    CUdeviceptr address = 0;
    check(driver_, driver_.cuMemAlloc(&address, bytes), needs.c_str());
    return gpu::Buffer(std::make_unique<CudaMemory>(*this, bytes, address, nullptr));
  }
  void* memory = nullptr;
  check(driver_, driver_.cuMemHostAlloc(&memory, bytes, kOfAllContexts | kMapped), needs.c_str());
  // With one space of addresses for all memory it is the same place to the device.
  return gpu::Buffer(
      std::make_unique<CudaMemory>(*this, bytes, reinterpret_cast<uint64_t>(memory), static_cast<std::byte*>(memory)));
}

std::unique_ptr<gpu::Work> CudaMachine::record() { return std::make_unique<CudaWork>(*this); }

void CudaMachine::copy_and_wait(uint64_t to, uint64_t from, uint64_t bytes) {
  enter();
  const std::lock_guard lock(stream_mutex_);
  check(driver_, driver_.cuMemcpyAsync(to, from, bytes, stream_), "copying");
  check(driver_, driver_.cuStreamSynchronize(stream_), about_.name.c_str());
}

void CudaMachine::fill(const gpu::Buffer& to, uint64_t offset, uint64_t bytes, uint64_t unit,
                       const std::function<void(uint64_t, std::span<std::byte>)>& make) {
  const std::lock_guard lock(staging_mutex_);
  const uint64_t step = kStagingBytes / unit * unit;
  for (uint64_t at = 0; at < bytes; at += step) {
    const uint64_t count = std::min(step, bytes - at);
    make(at, {staging_.mapped(), count});
    copy_and_wait(to.address() + offset + at, staging_.address(), count);
  }
}

void CudaMachine::upload(const gpu::Buffer& to, uint64_t offset, std::span<const std::byte> bytes) {
  fill(to, offset, bytes.size(), 1,
       [&](uint64_t at, std::span<std::byte> piece) { std::memcpy(piece.data(), bytes.data() + at, piece.size()); });
}

void CudaMachine::download(const gpu::Buffer& from, uint64_t offset, std::span<std::byte> bytes) {
  const std::lock_guard lock(staging_mutex_);
  for (size_t at = 0; at < bytes.size(); at += kStagingBytes) {
    const size_t count = std::min<size_t>(kStagingBytes, bytes.size() - at);
    copy_and_wait(staging_.address(), from.address() + offset + at, count);
    std::memcpy(bytes.data() + at, staging_.mapped(), count);
  }
}

CudaMachine::Function CudaMachine::function(const Kernel& kernel) {
  const std::lock_guard lock(functions_mutex_);
  Function& result = functions_[kernel.function];
  if (result.handle != nullptr) return result;
  enter();
  CUmodule& module = modules_[kernel.image];
  if (module == nullptr) {
    const void* code = find_image_(kernel.image);
    if (code == nullptr) throw DeviceError("cuda: this program has no kernels " + kernel.image);
    check(driver_, driver_.cuModuleLoadData(&module, code), ("loading the kernels " + kernel.image).c_str());
  }
  const char* name = kernel.function.c_str();
  CUfunction handle = nullptr;
  int compiled_for = 0;
  check(driver_, driver_.cuModuleGetFunction(&handle, module, ("hearth_" + kernel.function).c_str()), name);
  // A later device than the code was made for may run that of an earlier one.
  check(driver_, driver_.cuFuncGetAttribute(&compiled_for, kPtxVersion, handle), name);
  if (kernel.shared_bytes > kGivenBytes)
    check(driver_, driver_.cuFuncSetAttribute(handle, kMostGivenBytes, static_cast<int>(kernel.shared_bytes)), name);
  return result = {handle, kernel.early && compiled_for >= kWaitingCode};
}

}  // namespace hearth::cuda
