// The CUDA backend: programs run on an NVIDIA GPU, all activations as 32-bit floats, weights decoded where they are
// used.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "backends/backend.h"

namespace hearth {

// `which`: the number of a device, a part of its name in any case, or nothing for the first that can run programs.
// Throws DeviceError where there is none, or it lacks something, naming that. Plans of one device may be used from
// several threads, and may outlive it.
//
// Products with weights of few bits multiply inputs rounded to 8 bits. A row's result may depend on the
// number of rows and outputs of its batch, for which there are different kernels; with Limits::deterministic it does
// not. It may differ between devices.
std::unique_ptr<Device> make_cuda_device(std::string_view which = {});

// What there is to choose from.
struct CudaDeviceInfo {
  std::string name;
  std::string capability;  // "9.0"
  std::string missing;     // what it lacks to run programs; empty: nothing
  uint64_t memory = 0;     // bytes of its own
};
// In the order of their numbers; empty where there is no driver. Where the driver fails there is one that lacks what
// the error says.
std::vector<CudaDeviceInfo> cuda_devices();
// The one that `which` means. Throws DeviceError as make_cuda_device does.
CudaDeviceInfo find_cuda_device(std::string_view which);
// 1e9 bytes a second that a kernel reads of its memory, at best of a few runs. Throws DeviceError.
double measure_cuda_reads(std::string_view which);

}  // namespace hearth
