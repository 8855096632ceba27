// Which thread this is, and barriers, for nvcc.
#pragma once

#include <nv/target>

#include "kernels/cuda/hardware/qualifiers.h"

namespace hearth::cuda {

HEARTH_DEVICE uint32_t thread_index() { return threadIdx.x; }
HEARTH_DEVICE uint32_t threads() { return blockDim.x; }
HEARTH_DEVICE Index3 block_index() { return {blockIdx.x, blockIdx.y, blockIdx.z}; }
HEARTH_DEVICE Index3 grid_size() { return {gridDim.x, gridDim.y, gridDim.z}; }
HEARTH_DEVICE uint32_t lane() { return threadIdx.x % kWarp; }
HEARTH_DEVICE uint32_t warp() { return threadIdx.x / kWarp; }

// Waits for all threads of the block; what they wrote before is seen after.
HEARTH_DEVICE void sync_block() { __syncthreads(); }
// The same within a warp.
HEARTH_DEVICE void sync_warp() { __syncwarp(); }

// Makes what this thread wrote to global memory seen by other blocks before what it writes after.
HEARTH_DEVICE void fence() { __threadfence(); }

// What begin_kernel, wait_for_kernel_before and end_kernel are made of. Where the launch does not overlap kernels, or
// on devices before sm_90, nothing happens.
HEARTH_DEVICE void wait_for_all_before() {
  NV_IF_TARGET(NV_PROVIDES_SM_90, (asm volatile("griddepcontrol.wait;" ::: "memory");))
}
// Once all blocks have said so or ended, the kernel launched next begins.
HEARTH_DEVICE void let_next_kernel_start() {
  NV_IF_TARGET(NV_PROVIDES_SM_90, (asm volatile("griddepcontrol.launch_dependents;" ::: "memory");))
}
// Waits until what the kernel needs has ended and its writes are seen: kernels that run beside one another take it that
// the first of them has waited before it let the next begin. Before it all earlier kernels of the step may
// still run, and only what none of them writes may be touched, by prefetch_l2(), load_stream() and load_early():
// weights, the batch, and cells of the cache that steps before have written, of which the batch says that this step
// leaves them alone. What was written before the step is seen, as its first kernel never starts early: it waits for the
// copy of the batch, for the step before and for copies of pages, and all others start after it. Every thread of every
// kernel calls it once.
HEARTH_DEVICE void wait_for_kernel_before(const Constants& c) {
  if ((c.order & kBeside) == 0) wait_for_all_before();
  if ((c.order & kTellsLate) != 0) let_next_kernel_start();
}
// HEARTH_KERNEL calls both. A kernel that has ended says the same of all before it.
HEARTH_DEVICE void begin_kernel(const Constants& c) {
  if ((c.order & kTellsLate) == 0) let_next_kernel_start();
}
HEARTH_DEVICE void end_kernel(const Constants& c) {
  if ((c.order & kBeside) != 0) wait_for_all_before();
}
// Whether a device of this kind overlaps kernels at all.
HEARTH_DEVICE bool kernels_overlap() {
  bool overlap = false;
  NV_IF_TARGET(NV_PROVIDES_SM_90, (overlap = true;))
  return overlap;
}

}  // namespace hearth::cuda
