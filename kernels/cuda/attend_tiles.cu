// Attention of many rows: head sizes that models have.
#include "kernels/cuda/attend_tiles.h"

namespace hearth::cuda {

#define HEARTH_ATTEND_TILES(name, type, size)                                                             \
  HEARTH_CROWDED_KERNEL(attend_tiles_##name##_##size, gpu::kAttendTilesThreads, 1, gpu::AttendParameters, \
                        attend_tiles<AttendShape<type, size>>)
HEARTH_ATTEND_TILES(f16, kKvF16, 64)
HEARTH_ATTEND_TILES(f16, kKvF16, 128)
HEARTH_ATTEND_TILES(q8_0, kKvQ8, 64)
HEARTH_ATTEND_TILES(q8_0, kKvQ8, 128)

}  // namespace hearth::cuda
