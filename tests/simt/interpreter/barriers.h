// Barriers of some threads, and bulk copies, for the interpreter.
#pragma once

#include "tests/simt/interpreter/pointers.h"

namespace hearth::cuda {

inline void sync_some(uint32_t barrier, uint32_t count) { simt::current->block->sync_some(barrier, count); }

inline void init_barrier(const Shared<PhaseBarrier>& barrier, uint32_t arrivals) {
  simt::current->block->init_barrier(barrier.array(), barrier.offset(), arrivals);
}
inline void arrive(const Shared<PhaseBarrier>& barrier) {
  simt::current->block->arrive(barrier.array(), barrier.offset(), 0);
}
inline void arrive_expecting(const Shared<PhaseBarrier>& barrier, uint32_t bytes) {
  simt::current->block->arrive(barrier.array(), barrier.offset(), bytes);
}
inline void wait_phase(const Shared<PhaseBarrier>& barrier, uint32_t parity) {
  simt::current->block->wait_phase(barrier.array(), barrier.offset(), parity);
}
template <class To, class From>
void copy_bulk(const Shared<To>& to, const Global<From>& from, uint32_t bytes, const Shared<PhaseBarrier>& barrier) {
  simt::current->block->copy_bulk(to.array(), to.offset(), from.address(), from.range(), bytes, barrier.array(),
                                  barrier.offset());
}

}  // namespace hearth::cuda
