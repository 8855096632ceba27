// What declares functions, arrays and kernels, for nvcc.
#pragma once

#include "kernels/cuda/types.h"

// Of every function that kernels call.
#define HEARTH_DEVICE __device__ __forceinline__

// Of a constant table at namespace scope that kernels index: HEARTH_TABLE int8_t kValues[16] = {...};
#define HEARTH_TABLE static __device__ const

// Declares a shared array in a function: all threads of the block have the same. 16-byte aligned, not initialised.
#define HEARTH_SHARED(T, count, name) __shared__ alignas(16) T name[count]

// Declares the shared memory whose size the launch gives, as T. All such names of a kernel are the same memory.
#define HEARTH_DYNAMIC_SHARED(T, name) T* const name = reinterpret_cast<T*>(hearth::cuda::dynamic_shared)
namespace hearth::cuda {
extern __shared__ __align__(16) unsigned char dynamic_shared[];
}

// Makes the kernel hearth_`name` of blocks of `threads` (a multiple of 32): each thread calls
// body(const Parameters&, const Constants&), the last argument, which may contain commas, once what it needs has
// ended. A name may be a macro.
#define HEARTH_KERNEL(name, threads, Parameters, ...) \
  HEARTH_NAMED_KERNEL(name, threads, (threads), hearth::cuda::wait_for_kernel_before(c), Parameters, __VA_ARGS__)
// The same of a body that calls wait_for_kernel_before(c) itself, in all threads; see there what it may touch before.
#define HEARTH_EARLY_KERNEL(name, threads, Parameters, ...) \
  HEARTH_NAMED_KERNEL(name, threads, (threads), , Parameters, __VA_ARGS__)
// The same with so few registers that `blocks` of them run on a multiprocessor at once; 0: as may be.
#define HEARTH_EARLY_CROWDED_KERNEL(name, threads, blocks, Parameters, ...) \
  HEARTH_NAMED_KERNEL(name, threads, (threads, blocks), , Parameters, __VA_ARGS__)
// The same as HEARTH_KERNEL with so few registers that `blocks` of them run on a multiprocessor at once.
#define HEARTH_CROWDED_KERNEL(name, threads, blocks, Parameters, ...)                                        \
  HEARTH_NAMED_KERNEL(name, threads, (threads, blocks), hearth::cuda::wait_for_kernel_before(c), Parameters, \
                      __VA_ARGS__)
#define HEARTH_NAMED_KERNEL(name, threads, bounds, begin, Parameters, ...)                       \
  static_assert((threads) % 32 == 0 && (threads) <= hearth::cuda::kMostThreads);                 \
  extern "C" __global__ void __launch_bounds__ bounds hearth_##name(                             \
      const __grid_constant__ Parameters p, const __grid_constant__ hearth::cuda::Constants c) { \
    hearth::cuda::begin_kernel(c);                                                               \
    begin;                                                                                       \
    __VA_ARGS__(p, c);                                                                           \
    hearth::cuda::end_kernel(c);                                                                 \
  }
