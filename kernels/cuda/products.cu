// The kernels of one format, FORMAT, but those of rounded inputs.
#include "kernels/cuda/embed.h"
#include "kernels/cuda/few_columns.h"
#include "kernels/cuda/float_tiles.h"
#include "kernels/cuda/of_format.h"

namespace hearth::cuda {

using Blocks = HEARTH_OF_FORMAT(, Blocks);

HEARTH_FORMAT_KERNEL(embed_, , 64, gpu::EmbedParameters, embed<Blocks>)
HEARTH_EARLY_FORMAT_KERNEL(matmul_, _1, kFewThreads, gpu::MatmulParameters, matmul<Blocks, 1>)
HEARTH_EARLY_FORMAT_KERNEL(matmul_, _4, kFewThreads, gpu::MatmulParameters, matmul<Blocks, 4>)
HEARTH_EARLY_FORMAT_KERNEL(matmul_, _8, kFewThreads, gpu::MatmulParameters, matmul<Blocks, 8>)
HEARTH_FORMAT_KERNEL(matmul_tiles_, , kTileThreads, gpu::MatmulParameters, matmul_tiles<Blocks>)

}  // namespace hearth::cuda
