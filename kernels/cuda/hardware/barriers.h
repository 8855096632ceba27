// Barriers of some threads, and bulk copies, for nvcc.
#pragma once

#include "kernels/cuda/hardware/qualifiers.h"

namespace hearth::cuda {

// As sync_block, for the `count` threads (whole warps) that call it with the same `barrier`, 1 to 15.
HEARTH_DEVICE void sync_some(uint32_t barrier, uint32_t count) {
  asm volatile("bar.sync %0, %1;" ::"r"(barrier), "r"(count) : "memory");
}

// What follows needs sm_90: kernels with it stand in cuda_kernels_of_90 or cuda_kernels_of_90a of sources.cmake.

// Makes a barrier whose phases end when `arrivals` threads have arrived and the bytes that they expect are there. One
// thread calls it, others use the barrier after a sync_block.
HEARTH_DEVICE void init_barrier(PhaseBarrier* barrier, uint32_t arrivals) {
  asm volatile("mbarrier.init.shared::cta.b64 [%0], %1;\n\tfence.mbarrier_init.release.cluster;" ::"r"(
                   static_cast<uint32_t>(__cvta_generic_to_shared(barrier))),
               "r"(arrivals)
               : "memory");
}
// What this thread did before is seen by whoever waits for this phase. With `bytes` of copies to this barrier to come.
HEARTH_DEVICE void arrive(PhaseBarrier* barrier) {
  asm volatile(
      "mbarrier.arrive.shared::cta.b64 _, [%0];" ::"r"(static_cast<uint32_t>(__cvta_generic_to_shared(barrier)))
      : "memory");
}
HEARTH_DEVICE void arrive_expecting(PhaseBarrier* barrier, uint32_t bytes) {
  asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;" ::"r"(
                   static_cast<uint32_t>(__cvta_generic_to_shared(barrier))),
               "r"(bytes)
               : "memory");
}
// Waits for the end of the phase of that parity, which is the current one or the one before: phases count from 0. (So
// of a new barrier the parity 1 is not waited for.)
HEARTH_DEVICE void wait_phase(PhaseBarrier* barrier, uint32_t parity) {
  asm volatile(
      "{\n\t.reg .pred done;\nwait_%=:\n\t"
      "mbarrier.try_wait.parity.shared::cta.b64 done, [%0], %1;\n\t@!done bra wait_%=;\n\t}" ::"r"(
          static_cast<uint32_t>(__cvta_generic_to_shared(barrier))),
      "r"(parity)
      : "memory");
}
// Begins a copy of `bytes`, a multiple of 16 as both places are, that ends in the barrier's current phase. One thread
// calls it. Nobody touches `to` until that phase has ended and been waited for.
template <class To, class From>
HEARTH_DEVICE void copy_bulk(To* to, From* from, uint32_t bytes, PhaseBarrier* barrier) {
  asm volatile("cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes [%0], [%1], %2, [%3];" ::"r"(
                   static_cast<uint32_t>(__cvta_generic_to_shared(to))),
               "l"(__cvta_generic_to_global(from)), "r"(bytes),
               "r"(static_cast<uint32_t>(__cvta_generic_to_shared(barrier)))
               : "memory");
}

}  // namespace hearth::cuda
