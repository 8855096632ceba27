// Attention of rows one by one over a cache of halves.
#include "kernels/cuda/attend_row.h"

namespace hearth::cuda {

HEARTH_EARLY_KERNEL(attend_row_64, gpu::kAttendRowThreads, gpu::AttendParameters, attend_row<64>)
HEARTH_EARLY_KERNEL(attend_row_128, gpu::kAttendRowThreads, gpu::AttendParameters, attend_row<128>)

}  // namespace hearth::cuda
