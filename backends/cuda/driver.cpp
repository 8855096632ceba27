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

// What the driver answers to everything once it has said it. Its manual lets a context that was made anew work again
// after some of these at best; whether it does shows when that is tried.
bool is_loss(CUresult result) {
  switch (result) {
    case 4:    // the driver shuts down
    case 46:   // the device cannot be used now
    case 214:  // memory was corrupted
    case 220:  // so was a link to another device
    case 226:  // likewise, and the damage was contained
    case 700:  // a kernel left its memory,
    case 702:  // took too long,
    case 709:  // has no context any more,
    case 710:  // failed an assertion,
    case 714:  // or its stack,
    case 715:  // an instruction,
    case 716:  // an alignment
    case 717:  // or an address space
    case 718:  // or the program counter was wrong
    case 719:  // the kernel failed otherwise
    case 999:  // unknown, as after a machine's sleep or when the device fell off its bus
      return true;
    default:
      return false;
  }
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
  one(driver.cuFuncGetAttribute, "cuFuncGetAttribute");
  one(driver.cuFuncSetAttribute, "cuFuncSetAttribute");
  one(driver.cuModuleGetFunction, "cuModuleGetFunction");
  one(driver.cuLaunchKernelEx, "cuLaunchKernelEx");
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
  one(driver.cuEventRecordWithFlags, "cuEventRecordWithFlags");
  one(driver.cuEventSynchronize, "cuEventSynchronize");
  one(driver.cuEventElapsedTime, "cuEventElapsedTime_v2");
  return driver;
}

void check(const Driver& driver, CUresult result, const char* what) {
  if (result == 0) return;
  const char* words = nullptr;
  if (driver.cuGetErrorString(result, &words) != 0 || words == nullptr) words = "unknown error";
  const std::string text = std::string("cuda: ") + what + ": " + words + " (" + std::to_string(result) + ")";
  if (is_loss(result)) throw DeviceLost(text);
  throw DeviceError(text);
}

}  // namespace hearth::cuda
