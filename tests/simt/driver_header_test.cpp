// Whether the driver's interface is what CUDA's own header says: each function's arguments, by number, size and kind,
// and the numbers of constants.
#include <cuda.h>
#include <gtest/gtest.h>

#include <cstddef>
#include <type_traits>

#include "backends/cuda/driver.h"

namespace hearth::cuda {
namespace {

template <class A, class B>
constexpr bool alike() {
  return sizeof(A) == sizeof(B) && std::is_pointer_v<A> == std::is_pointer_v<B>;
}
template <class... A, class... B>
constexpr bool agree(CUresult (*Driver::*)(A...), ::CUresult (*)(B...)) {
  if constexpr (sizeof...(A) != sizeof...(B)) {
    return false;
  } else {
    return (alike<A, B>() && ...);
  }
}

TEST(CudaDriver, HasTheArgumentsOfTheHeader) {
  static_assert(!agree(&Driver::cuInit, &::cuCtxSetCurrent) && !agree(&Driver::cuInit, &::cuDeviceGet));
  static_assert(agree(&Driver::cuInit, &::cuInit) && agree(&Driver::cuDriverGetVersion, &::cuDriverGetVersion) &&
                agree(&Driver::cuGetErrorString, &::cuGetErrorString) &&
                agree(&Driver::cuDeviceGetCount, &::cuDeviceGetCount) && agree(&Driver::cuDeviceGet, &::cuDeviceGet) &&
                agree(&Driver::cuDeviceGetName, &::cuDeviceGetName) &&
                agree(&Driver::cuDeviceTotalMem, &::cuDeviceTotalMem) &&
                agree(&Driver::cuDeviceGetAttribute, &::cuDeviceGetAttribute) &&
                agree(&Driver::cuDevicePrimaryCtxRetain, &::cuDevicePrimaryCtxRetain) &&
                agree(&Driver::cuDevicePrimaryCtxRelease, &::cuDevicePrimaryCtxRelease) &&
                agree(&Driver::cuCtxSetCurrent, &::cuCtxSetCurrent));
  static_assert(agree(&Driver::cuMemGetInfo, &::cuMemGetInfo) && agree(&Driver::cuMemAlloc, &::cuMemAlloc) &&
                agree(&Driver::cuMemFree, &::cuMemFree) && agree(&Driver::cuMemHostAlloc, &::cuMemHostAlloc) &&
                agree(&Driver::cuMemFreeHost, &::cuMemFreeHost) && agree(&Driver::cuMemcpyAsync, &::cuMemcpyAsync) &&
                agree(&Driver::cuMemsetD32Async, &::cuMemsetD32Async));
  static_assert(
      agree(&Driver::cuModuleLoadData, &::cuModuleLoadData) && agree(&Driver::cuModuleUnload, &::cuModuleUnload) &&
      agree(&Driver::cuModuleGetFunction, &::cuModuleGetFunction) &&
      agree(&Driver::cuFuncGetAttribute, &::cuFuncGetAttribute) &&
      agree(&Driver::cuFuncSetAttribute, &::cuFuncSetAttribute) &&
      agree(&Driver::cuLaunchKernelEx, &::cuLaunchKernelEx) && agree(&Driver::cuStreamCreate, &::cuStreamCreate) &&
      agree(&Driver::cuStreamDestroy, &::cuStreamDestroy) &&
      agree(&Driver::cuStreamSynchronize, &::cuStreamSynchronize) &&
      agree(&Driver::cuGraphInstantiateWithFlags, &::cuGraphInstantiateWithFlags) &&
      agree(&Driver::cuStreamEndCapture, &::cuStreamEndCapture) && agree(&Driver::cuGraphLaunch, &::cuGraphLaunch) &&
      agree(&Driver::cuGraphExecDestroy, &::cuGraphExecDestroy) && agree(&Driver::cuGraphDestroy, &::cuGraphDestroy) &&
      agree(&Driver::cuEventCreate, &::cuEventCreate) && agree(&Driver::cuEventDestroy, &::cuEventDestroy) &&
      agree(&Driver::cuEventRecord, &::cuEventRecord) &&
      agree(&Driver::cuEventRecordWithFlags, &::cuEventRecordWithFlags) &&
      agree(&Driver::cuEventSynchronize, &::cuEventSynchronize) &&
      agree(&Driver::cuEventElapsedTime, &::cuEventElapsedTime));
}

TEST(CudaDriver, LaysOutLaunchesAsTheHeader) {
  static_assert(sizeof(CUlaunchConfig) == sizeof(::CUlaunchConfig) &&
                offsetof(CUlaunchConfig, grid_z) == offsetof(::CUlaunchConfig, gridDimZ) &&
                offsetof(CUlaunchConfig, block_z) == offsetof(::CUlaunchConfig, blockDimZ) &&
                offsetof(CUlaunchConfig, shared_bytes) == offsetof(::CUlaunchConfig, sharedMemBytes) &&
                offsetof(CUlaunchConfig, stream) == offsetof(::CUlaunchConfig, hStream) &&
                offsetof(CUlaunchConfig, attributes) == offsetof(::CUlaunchConfig, attrs) &&
                offsetof(CUlaunchConfig, attribute_count) == offsetof(::CUlaunchConfig, numAttrs));
  static_assert(sizeof(CUlaunchAttribute) == sizeof(::CUlaunchAttribute) &&
                offsetof(CUlaunchAttribute, value) == offsetof(::CUlaunchAttribute, value));
}

TEST(CudaDriver, HasTheNumbersOfTheHeader) {
  EXPECT_EQ(kNoDevice, CUDA_ERROR_NO_DEVICE);
  EXPECT_EQ(kSharedBytes, CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK);
  EXPECT_EQ(kMultiprocessors, CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT);
  EXPECT_EQ(kMajor, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR);
  EXPECT_EQ(kMinor, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR);
  EXPECT_EQ(kNonBlocking, CU_STREAM_NON_BLOCKING);
  EXPECT_EQ(kWithTiming, CU_EVENT_DEFAULT);
  EXPECT_EQ(kWithoutTiming, CU_EVENT_DISABLE_TIMING);
  EXPECT_EQ(kOfGraph, CU_EVENT_RECORD_EXTERNAL);
  EXPECT_EQ(kOfAllContexts, CU_MEMHOSTALLOC_PORTABLE);
  EXPECT_EQ(kMapped, CU_MEMHOSTALLOC_DEVICEMAP);
  EXPECT_EQ(kPtxVersion, CU_FUNC_ATTRIBUTE_PTX_VERSION);
  EXPECT_EQ(kMostGivenBytes, CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES);
  EXPECT_EQ(kBesideKernelBefore, CU_LAUNCH_ATTRIBUTE_PROGRAMMATIC_STREAM_SERIALIZATION);
  EXPECT_EQ(kOfThread, CU_STREAM_CAPTURE_MODE_THREAD_LOCAL);
}

}  // namespace
}  // namespace hearth::cuda
