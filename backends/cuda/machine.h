// A CUDA device as plans of GPUs use it.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "backends/cuda/driver.h"
#include "backends/cuda/kernels.h"
#include "backends/gpu/machine.h"

namespace hearth::cuda {

// One device, as far as it can be known without using it.
struct Candidate {
  CUdevice handle;
  std::string name;
  uint64_t memory = 0;       // bytes of its own
  int major = 0, minor = 0;  // its compute capability
  uint32_t multiprocessors = 0;
  uint32_t shared_bytes = 0;  // most of a block
  std::string missing;        // why it runs nothing of ours; empty: it does
};
// By number. Throws DeviceError where the driver fails.
std::vector<Candidate> candidates(const Driver& driver);
// By number, by a part of the name (in any case), or for "" the first that lacks nothing. Throws DeviceError naming
// what there is, or what the chosen one lacks.
Candidate choose(const Driver& driver, std::string_view which);

// Code for kernels, "rows" or "products_Q4_K", as cuModuleLoadData takes it; null where there is none of that name.
using FindImage = const void* (*)(std::string_view name);

// Work is captured in graphs, all of which run in one stream.
class CudaMachine final : public gpu::Machine {
 public:
  CudaMachine(const Driver& driver, const Candidate& candidate, FindImage find_image);
  ~CudaMachine() override;

  const About& about() const override { return about_; }
  uint64_t free_memory() const override;
  void prepare(std::string_view kernel, std::span<const uint32_t> constants) override;
  gpu::Buffer take(uint64_t bytes, gpu::Place place, const char* what) override;
  std::unique_ptr<gpu::Work> record() override;
  void fill(const gpu::Buffer& to, uint64_t offset, uint64_t bytes, uint64_t unit,
            const std::function<void(uint64_t, std::span<std::byte>)>& make) override;
  void upload(const gpu::Buffer& to, uint64_t offset, std::span<const std::byte> bytes) override;
  void download(const gpu::Buffer& from, uint64_t offset, std::span<std::byte> bytes) override;

  const Driver& driver() const { return driver_; }
  CUstream stream() const { return stream_; }
  // Makes the device this thread's; called before others of the driver's functions.
  void enter() const;
  struct Function {
    CUfunction handle = nullptr;
    bool waits = false;  // itself for the kernel before, so that it may begin while that still runs
  };
  Function function(const Kernel& kernel);
  // Held while the stream is captured from or launched into.
  std::mutex& stream_mutex() { return stream_mutex_; }

 private:
  static constexpr uint64_t kStagingBytes = 16 << 20;

  void copy_and_wait(uint64_t to, uint64_t from, uint64_t bytes);

  const Driver driver_;
  const CUdevice device_;
  const FindImage find_image_;
  About about_;
  CUcontext context_ = nullptr;
  CUstream stream_ = nullptr;
  std::mutex stream_mutex_, functions_mutex_, staging_mutex_;
  std::map<std::string, CUmodule> modules_;    // by image
  std::map<std::string, Function> functions_;  // by name
  gpu::Buffer staging_;
};

}  // namespace hearth::cuda
