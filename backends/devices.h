// All devices that were built in, by name.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "backends/backend.h"

namespace hearth {

struct DeviceOptions {
  std::string name =
      "cpu";             // "cpu", "reference", "cuda", "vulkan", or one of several: "cuda:1", "vulkan:PART-OF-ITS-NAME"
  std::string kernels;   // of the cpu: an instruction set; empty: the best
  uint32_t threads = 0;  // of the cpu; 0: one for each core that the process may use
  std::string products;  // of vulkan: one of product_names(); empty: the first
};

// What a device is made of, and what the machine could do with it at best.
struct DeviceInfo {
  std::string name, kernels;
  uint32_t threads = 1;
  double read_gb_s = 0, int8_gops = 0;  // measured in about half a second; 0 where that is not done
  std::string about;                    // what the device is, of a GPU
  std::string missing;                  // what it lacks; empty: nothing, so that it can be used
  uint64_t memory = 0;                  // bytes of its own; 0 where that is the machine's
};

// The device that a name means once for each way that it has of computing: the cpu for each instruction set that this
// machine runs, the best first, one of vulkan for each way of multiplying prompts. Throws DeviceError where it is one
// of vulkan that there is not.
std::vector<DeviceOptions> ways_of(const std::string& name);
// All that this machine has but the reference and GPUs that are programs, in all their ways: the cpu and each GPU that
// lacks nothing, by each backend that runs on it.
std::vector<DeviceOptions> present_devices();
// Throws DeviceError, naming what there is, for a device or kernels that are not.
std::unique_ptr<Device> make_device(const DeviceOptions& options);
DeviceInfo describe_device(const DeviceOptions& options);
// The cpu, and the GPUs of the backends `gpus`, "cuda" and "vulkan", named so that make_device() takes the names. Those
// that lack nothing are measured.
std::vector<DeviceInfo> describe_devices(const std::vector<std::string>& gpus);
// The GPUs of a backend, or programs that act as such; their drivers are opened.
std::vector<std::string> gpu_names(std::string_view backend);
// The ways in which vulkan multiplies; the first: what is fastest.
std::vector<std::string> product_names();
// The rows of a step with which the device computes prompts best. Throws nothing: of what cannot be used, as of others.
uint32_t best_step_rows(const DeviceOptions& options);
// "cpu avx2": devices of equal names compute the same bits, where their limits are deterministic.
std::string arithmetic_of(const DeviceOptions& options);

}  // namespace hearth
