// The kernels of one format, FORMAT, whose inputs are rounded to bytes.
#include "kernels/cuda/byte_tiles.h"
#include "kernels/cuda/of_format.h"

namespace hearth::cuda {

using Blocks = HEARTH_OF_FORMAT(, Blocks);

HEARTH_FORMAT_KERNEL(byte_tiles_, , kTileThreads, gpu::MatmulParameters, byte_tiles<Blocks>)

}  // namespace hearth::cuda
