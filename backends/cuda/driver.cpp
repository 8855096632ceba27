// Finding the driver's functions, and its errors in words.
#include "backends/cuda/driver.h"

#include <dlfcn.h>

#include <string>

#include "backends/backend.h"

namespace hearth::cuda {
namespace {

template <class Function>
void find(void* library, Function& function, const char* name) {
  function = reinterpret_cast<Function>(dlsym(library, name));
  if (function == nullptr)
    throw DeviceError(std::string("cuda: the installed driver is too old, for it has no ") + name);
}

// Null where there is none. Never closed: it has threads of its own.
void* open_library() { return dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL); }

}  // namespace

bool has_driver() { return open_library() != nullptr; }

Driver open_driver() {
  void* library = open_library();
  if (library == nullptr) throw DeviceError("cuda: no NVIDIA driver is installed on this machine (libcuda.so.1)");
  Driver driver{};
  const auto one = [&](auto& function, const char* name) { find(library, function, name); };
  one(driver.cuInit, "cuInit");
  one(driver.cuDriverGetVersion, "cuDriverGetVersion");
  one(driver.cuGetErrorString, "cuGetErrorString");
  one(driver.cuDeviceGetCount, "cuDeviceGetCount");
  one(driver.cuDeviceGet, "cuDeviceGet");
  one(driver.cuDeviceGetName, "cuDeviceGetName");
  one(driver.cuDeviceTotalMem, "cuDeviceTotalMem_v2");
  one(driver.cuDeviceGetAttribute, "cuDeviceGetAttribute");
  one(driver.cuDevicePrimaryCtxRetain, "cuDevicePrimaryCtxRetain");
  one(driver.cuDevicePrimaryCtxRelease, "cuDevicePrimaryCtxRelease_v2");
  one(driver.cuCtxSetCurrent, "cuCtxSetCurrent");
  one(driver.cuMemGetInfo, "cuMemGetInfo_v2");
  one(driver.cuMemAlloc, "cuMemAlloc_v2");
  one(driver.cuMemFree, "cuMemFree_v2");
  one(driver.cuMemHostAlloc, "cuMemHostAlloc");
  one(driver.cuMemFreeHost, "cuMemFreeHost");
  one(driver.cuMemcpyAsync, "cuMemcpyAsync");
  one(driver.cuMemsetD32Async, "cuMemsetD32Async");
  one(driver.cuModuleLoadData, "cuModuleLoadData");
  one(driver.cuModuleUnload, "cuModuleUnload");
  one(driver.cuModuleGetFunction, "cuModuleGetFunction");
  one(driver.cuLaunchKernel, "cuLaunchKernel");
  one(driver.cuStreamCreate, "cuStreamCreate");
  one(driver.cuStreamDestroy, "cuStreamDestroy_v2");
  one(driver.cuStreamSynchronize, "cuStreamSynchronize");
  one(driver.cuStreamBeginCapture, "cuStreamBeginCapture_v2");
  one(driver.cuStreamEndCapture, "cuStreamEndCapture");
  one(driver.cuGraphInstantiateWithFlags, "cuGraphInstantiateWithFlags");
  one(driver.cuGraphLaunch, "cuGraphLaunch");
  one(driver.cuGraphExecDestroy, "cuGraphExecDestroy");
  one(driver.cuGraphDestroy, "cuGraphDestroy");
  one(driver.cuEventCreate, "cuEventCreate");
  one(driver.cuEventDestroy, "cuEventDestroy_v2");
  one(driver.cuEventRecord, "cuEventRecord");
  one(driver.cuEventSynchronize, "cuEventSynchronize");
  return driver;
}

void check(const Driver& driver, CUresult result, const char* what) {
  if (result == 0) return;
  const char* words = nullptr;
  if (driver.cuGetErrorString(result, &words) != 0 || words == nullptr) words = "unknown error";
  throw DeviceError(std::string("cuda: ") + what + ": " + words + " (" + std::to_string(result) + ")");
}

}  // namespace hearth::cuda
