// The kernels of one format, FORMAT, whose inputs are rounded to bytes or bfloat16 numbers.
#include "kernels/cuda/bfloat_tiles.h"
#include "kernels/cuda/byte_tiles.h"
#include "kernels/cuda/few_rounded.h"
#include "kernels/cuda/of_format.h"

namespace hearth::cuda {

using Blocks = HEARTH_OF_FORMAT(, Blocks);

HEARTH_CROWDED_FORMAT_KERNEL(bfloat_tiles_, , kBfloatThreads, 2, gpu::MatmulParameters, bfloat_tiles<Blocks>)
HEARTH_FORMAT_KERNEL(byte_tiles_, , kTileThreads, gpu::MatmulParameters, byte_tiles<Blocks>)

// For one column as many loads are to be under way as can be; what takes much to take apart would lie in memory then.
HEARTH_EARLY_CROWDED_FORMAT_KERNEL(byte_matmul_, _1, kRoundedThreads, Unit<Blocks>::kAtOnce == 4 ? 8 : 0,
                                   gpu::MatmulParameters, byte_matmul<Blocks, 1, Unit<Blocks>::kAtOnce>)
HEARTH_EARLY_FORMAT_KERNEL(byte_matmul_, _4, kRoundedThreads, gpu::MatmulParameters, byte_matmul<Blocks, 4, 2>)
HEARTH_EARLY_FORMAT_KERNEL(byte_matmul_, _8, kRoundedThreads, gpu::MatmulParameters, byte_matmul<Blocks, 8, 2>)

}  // namespace hearth::cuda
