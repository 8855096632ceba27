// Global and shared memory, for nvcc.
#pragma once

#include <type_traits>

#include "kernels/cuda/hardware/qualifiers.h"

namespace hearth::cuda {

// Of pointers to global and to shared memory: p[i], p + n, p += n, ++p; *p is p[0].
template <class T>
using Global = T*;
template <class T>
using Shared = T*;

template <class T>
HEARTH_DEVICE Global<T> global(Address address) {
  return static_cast<T*>(__cvta_global_to_generic(address));
}
// The same memory as another type.
template <class To, class From>
HEARTH_DEVICE To* cast(From* from) {
  return reinterpret_cast<To*>(from);
}

// Reads of what no kernel writes that can run at the same time (weights): once, so that caches are left to others, or
// again soon. T has 1, 2, 4, 8 or 16 bytes.
template <class T>
HEARTH_DEVICE std::remove_const_t<T> load_stream(T* from) {
  std::remove_const_t<T> value;
  if constexpr (sizeof(T) == 16) {
    Word4 w;
    asm("ld.global.nc.L1::no_allocate.v4.u32 {%0, %1, %2, %3}, [%4];"
        : "=r"(w.x), "=r"(w.y), "=r"(w.z), "=r"(w.w)
        : "l"(__cvta_generic_to_global(from)));
    __builtin_memcpy(&value, &w, 16);
  } else if constexpr (sizeof(T) == 8) {
    Word2 w;
    asm("ld.global.nc.L1::no_allocate.v2.u32 {%0, %1}, [%2];"
        : "=r"(w.x), "=r"(w.y)
        : "l"(__cvta_generic_to_global(from)));
    __builtin_memcpy(&value, &w, 8);
  } else if constexpr (sizeof(T) == 4) {
    uint32_t w;
    asm("ld.global.nc.L1::no_allocate.u32 %0, [%1];" : "=r"(w) : "l"(__cvta_generic_to_global(from)));
    __builtin_memcpy(&value, &w, 4);
  } else if constexpr (sizeof(T) == 2) {
    uint16_t w;
    asm("ld.global.nc.L1::no_allocate.u16 %0, [%1];" : "=h"(w) : "l"(__cvta_generic_to_global(from)));
    __builtin_memcpy(&value, &w, 2);
  } else {
    static_assert(sizeof(T) == 1);
    value = *from;
  }
  return value;
}
template <class T>
HEARTH_DEVICE std::remove_const_t<T> load_constant(T* from) {
  std::remove_const_t<T> value;
  if constexpr (sizeof(T) == 16) {
    const uint4 w = __ldg(reinterpret_cast<const uint4*>(from));
    __builtin_memcpy(&value, &w, 16);
  } else if constexpr (sizeof(T) == 8) {
    const uint2 w = __ldg(reinterpret_cast<const uint2*>(from));
    __builtin_memcpy(&value, &w, 8);
  } else if constexpr (sizeof(T) == 4) {
    const unsigned w = __ldg(reinterpret_cast<const unsigned*>(from));
    __builtin_memcpy(&value, &w, 4);
  } else if constexpr (sizeof(T) == 2) {
    const unsigned short w = __ldg(reinterpret_cast<const unsigned short*>(from));
    __builtin_memcpy(&value, &w, 2);
  } else {
    static_assert(sizeof(T) == 1);
    value = *from;
  }
  return value;
}
// The same of what may be read before wait_for_kernel_before(), see there: that no kernel of the step writes.
template <class T>
HEARTH_DEVICE std::remove_const_t<T> load_early(T* from) {
  return load_constant(from);
}

// Reads what other blocks of the kernel wrote before a fence() and an atomic that this block has seen: not from the
// multiprocessor's own cache, which may be older. T has 4, 8 or 16 bytes.
template <class T>
HEARTH_DEVICE std::remove_const_t<T> load_fresh(T* from) {
  std::remove_const_t<T> value;
  if constexpr (sizeof(T) == 16) {
    const uint4 w = __ldcg(reinterpret_cast<const uint4*>(from));
    __builtin_memcpy(&value, &w, 16);
  } else if constexpr (sizeof(T) == 8) {
    const uint2 w = __ldcg(reinterpret_cast<const uint2*>(from));
    __builtin_memcpy(&value, &w, 8);
  } else {
    static_assert(sizeof(T) == 4);
    const unsigned w = __ldcg(reinterpret_cast<const unsigned*>(from));
    __builtin_memcpy(&value, &w, 4);
  }
  return value;
}

// Has the line of 128 bytes around `at` brought to the L2 cache.
template <class T>
HEARTH_DEVICE void prefetch_l2(T* at) {
  asm volatile("prefetch.global.L2 [%0];" ::"l"(__cvta_generic_to_global(at)));
}

// On an element of global or shared memory; the value before is returned. Sums of floats depend on the order.
HEARTH_DEVICE uint32_t atomic_add(uint32_t* at, uint32_t value) { return atomicAdd(at, value); }
HEARTH_DEVICE float atomic_add(float* at, float value) { return atomicAdd(at, value); }
HEARTH_DEVICE uint32_t atomic_max(uint32_t* at, uint32_t value) { return atomicMax(at, value); }

}  // namespace hearth::cuda
