// Which thread this is, and barriers, for the interpreter.
#pragma once

#include "tests/simt/interpreter/block.h"

namespace hearth::cuda {

inline uint32_t thread_index() { return simt::current->index; }
inline uint32_t threads() { return simt::current->block->threads(); }
inline Index3 block_index() { return simt::current->block->index(); }
inline Index3 grid_size() { return simt::current->block->launch().grid; }
inline uint32_t lane() { return thread_index() % kWarp; }
inline uint32_t warp() { return thread_index() / kWarp; }

inline void sync_block() { simt::current->block->sync_block(); }
inline void sync_warp() { simt::current->block->sync_warp(); }

// Blocks and kernels run one after another.
inline void fence() {}
inline void wait_for_kernel_before(const Constants&) { simt::current->has_waited = true; }
inline bool kernels_overlap() { return true; }

}  // namespace hearth::cuda
