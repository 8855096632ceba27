// Asynchronous copies from global to shared memory, for nvcc.
#pragma once

#include "kernels/cuda/hardware/qualifiers.h"

namespace hearth::cuda {

// Begins a copy of 16 (8, 4) bytes, both ends being so aligned; of `valid` fewer, and zeros behind them (with none
// valid, `from` is not read). Nobody touches `to` until the copy was committed and waited for by this thread, and
// others not before a barrier after that.
template <class To, class From>
HEARTH_DEVICE void copy_async_16(To* to, From* from, uint32_t valid = 16) {
  asm volatile(
      "cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(static_cast<uint32_t>(__cvta_generic_to_shared(to))),
      "l"(__cvta_generic_to_global(from)), "r"(valid)
      : "memory");
}
template <class To, class From>
HEARTH_DEVICE void copy_async_8(To* to, From* from, uint32_t valid = 8) {
  asm volatile(
      "cp.async.ca.shared.global [%0], [%1], 8, %2;" ::"r"(static_cast<uint32_t>(__cvta_generic_to_shared(to))),
      "l"(__cvta_generic_to_global(from)), "r"(valid)
      : "memory");
}
template <class To, class From>
HEARTH_DEVICE void copy_async_4(To* to, From* from, uint32_t valid = 4) {
  asm volatile(
      "cp.async.ca.shared.global [%0], [%1], 4, %2;" ::"r"(static_cast<uint32_t>(__cvta_generic_to_shared(to))),
      "l"(__cvta_generic_to_global(from)), "r"(valid)
      : "memory");
}
// Makes a group of this thread's copies begun since the last; it may be empty.
HEARTH_DEVICE void commit_copies() { asm volatile("cp.async.commit_group;" ::: "memory"); }
// Waits until at most `pending` groups of this thread, the latest, are under way.
template <uint32_t pending>
HEARTH_DEVICE void wait_copies() {
  asm volatile("cp.async.wait_group %0;" ::"n"(pending) : "memory");
}

}  // namespace hearth::cuda
