// The functions of CUDA's driver that are used, as its interface has them, found when the program runs: a program that
// is built with the backend starts on a machine without a driver.
#pragma once

#include <cstddef>
#include <cstdint>

namespace hearth::cuda {

using CUresult = int;  // 0: success
using CUdevice = int;
using CUdeviceptr = uint64_t;
using CUcontext = struct CUctx_st*;
using CUmodule = struct CUmod_st*;
using CUfunction = struct CUfunc_st*;
using CUstream = struct CUstream_st*;
using CUevent = struct CUevent_st*;
using CUgraph = struct CUgraph_st*;
using CUgraphExec = struct CUgraphExec_st*;

inline constexpr int kNoDevice = 100;        // of CUresult
inline constexpr int kLeastVersion = 13000;  // of CUDA, that a driver must be for: 13.0
inline constexpr int kSharedBytes = 8, kMultiprocessors = 16, kMajor = 75, kMinor = 76;  // attributes of devices
// Attributes of functions: what they were compiled for, 90 for 9.0; and bytes of shared memory that a launch may give.
inline constexpr int kPtxVersion = 5, kMostGivenBytes = 8;
inline constexpr uint32_t kGivenBytes = 40 << 10;  // where nothing is set, beside 8 KiB that the kernel declares
inline constexpr unsigned kNonBlocking = 1;                     // streams
inline constexpr unsigned kWithTiming = 0, kWithoutTiming = 2;  // events
inline constexpr unsigned kOfGraph = 1;                     // an event that is recorded where the captured work runs
inline constexpr unsigned kOfAllContexts = 1, kMapped = 2;  // memory of the host
inline constexpr int kOfThread = 1;                         // how work is captured

// What a launch is told beside the kernel. Values are of a number or of other things in the same 64 bytes.
struct CUlaunchAttribute {
  int id;
  char pad[4];
  union {
    char bytes[64];
    int number;
  } value;
};
struct CUlaunchConfig {
  unsigned grid_x, grid_y, grid_z, block_x, block_y, block_z, shared_bytes;
  CUstream stream;
  CUlaunchAttribute* attributes;
  unsigned attribute_count;
};
inline constexpr int kBesideKernelBefore = 6;  // an attribute: the kernel waits itself for the one before in the stream

struct Driver {
  CUresult (*cuInit)(unsigned);
  CUresult (*cuDriverGetVersion)(int*);
  CUresult (*cuGetErrorString)(CUresult, const char**);
  CUresult (*cuDeviceGetCount)(int*);
  CUresult (*cuDeviceGet)(CUdevice*, int);
  CUresult (*cuDeviceGetName)(char*, int, CUdevice);
  CUresult (*cuDeviceTotalMem)(size_t*, CUdevice);
  CUresult (*cuDeviceGetAttribute)(int*, int, CUdevice);
  CUresult (*cuDevicePrimaryCtxRetain)(CUcontext*, CUdevice);
  CUresult (*cuDevicePrimaryCtxRelease)(CUdevice);
  CUresult (*cuCtxSetCurrent)(CUcontext);
  CUresult (*cuMemGetInfo)(size_t*, size_t*);
  CUresult (*cuMemAlloc)(CUdeviceptr*, size_t);
  CUresult (*cuMemFree)(CUdeviceptr);
  CUresult (*cuMemHostAlloc)(void**, size_t, unsigned);
  CUresult (*cuMemFreeHost)(void*);
  CUresult (*cuMemcpyAsync)(CUdeviceptr, CUdeviceptr, size_t, CUstream);
  CUresult (*cuMemsetD32Async)(CUdeviceptr, unsigned, size_t, CUstream);
  CUresult (*cuModuleLoadData)(CUmodule*, const void*);
  CUresult (*cuModuleUnload)(CUmodule);
  CUresult (*cuFuncGetAttribute)(int*, int, CUfunction);
  CUresult (*cuFuncSetAttribute)(CUfunction, int, int);
  CUresult (*cuModuleGetFunction)(CUfunction*, CUmodule, const char*);
  CUresult (*cuLaunchKernelEx)(const CUlaunchConfig*, CUfunction, void**, void**);
  CUresult (*cuStreamCreate)(CUstream*, unsigned);
  CUresult (*cuStreamDestroy)(CUstream);
  CUresult (*cuStreamSynchronize)(CUstream);
  CUresult (*cuStreamBeginCapture)(CUstream, int);
  CUresult (*cuStreamEndCapture)(CUstream, CUgraph*);
  CUresult (*cuGraphInstantiateWithFlags)(CUgraphExec*, CUgraph, unsigned long long);
  CUresult (*cuGraphLaunch)(CUgraphExec, CUstream);
  CUresult (*cuGraphExecDestroy)(CUgraphExec);
  CUresult (*cuGraphDestroy)(CUgraph);
  CUresult (*cuEventCreate)(CUevent*, unsigned);
  CUresult (*cuEventDestroy)(CUevent);
  CUresult (*cuEventRecord)(CUevent, CUstream);
  CUresult (*cuEventRecordWithFlags)(CUevent, CUstream, unsigned);
  CUresult (*cuEventSynchronize)(CUevent);
  CUresult (*cuEventElapsedTime)(float*, CUevent, CUevent);
};

// Whether a driver is installed.
bool has_driver();
// Throws DeviceError where no driver is installed, or one that is too old.
Driver open_driver();

// Throws DeviceError, "cuda: `what`: ...", for other results than success; DeviceLost for those after which a context
// computes no more.
void check(const Driver& driver, CUresult result, const char* what);

}  // namespace hearth::cuda
