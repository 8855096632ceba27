// Attention of many rows: head sizes that models have.
#include "kernels/cuda/attend_tiles.h"

namespace hearth::cuda {

constexpr uint32_t kThreads = gpu::kAttendTilesThreads;

// One of a multiprocessor is enough: with fewer registers some would lie in memory.
HEARTH_CROWDED_KERNEL(attend_tiles_f16_64, kThreads, 1, gpu::AttendParameters, attend_tiles<AttendShape<kKvF16, 64>>)
HEARTH_CROWDED_KERNEL(attend_tiles_f16_128, kThreads, 1, gpu::AttendParameters, attend_tiles<AttendShape<kKvF16, 128>>)
HEARTH_CROWDED_KERNEL(attend_tiles_q8_0_64, kThreads, 1, gpu::AttendParameters, attend_tiles<AttendShape<kKvQ8, 64>>)
HEARTH_CROWDED_KERNEL(attend_tiles_q8_0_128, kThreads, 1, gpu::AttendParameters, attend_tiles<AttendShape<kKvQ8, 128>>)

}  // namespace hearth::cuda
