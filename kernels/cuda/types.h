// Plain types that CUDA kernels share with the host.
#pragma once

#include <cstdint>

namespace hearth::cuda {

using Address = uint64_t;  // in device memory; 0: there is none

// Values that a kernel is launched with beside its parameters, for what the host chooses per launch.
struct Constants {
  uint32_t at[4] = {};
  uint32_t order = 0;  // kBeside, kTellsLate
};
// A kernel that may run beside the one before, as it needs nothing of it: it waits for that at its end alone. The one
// before lets it start when it has itself waited, so that what came before both is over.
inline constexpr uint32_t kBeside = 1, kTellsLate = 2;

struct Index3 {
  uint32_t x = 1, y = 1, z = 1;
};

// What is loaded, stored and copied at once: 8 and 16 bytes.
struct alignas(8) Word2 {
  uint32_t x, y;
};
struct alignas(16) Word4 {
  uint32_t x, y, z, w;
};

// A barrier in shared memory, see kernels/cuda/hardware/barriers.h.
struct PhaseBarrier {
  uint64_t state;
};

inline constexpr uint32_t kWarp = 32;  // lanes of a warp
inline constexpr uint32_t kMostThreads = 1024;
// Shared memory of a block: of arrays that the kernel declares, and of all (sm_90; sm_80 has 163 KiB, sm_120 99 KiB).
inline constexpr uint32_t kMostStaticSharedBytes = 48 << 10, kMostSharedBytes = 227 << 10;

}  // namespace hearth::cuda
