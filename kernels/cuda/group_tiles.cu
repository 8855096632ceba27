// The kernels of one format, FORMAT, whose inputs are rounded to bfloat16 numbers and lie in slices.
#include "kernels/cuda/group_tiles.h"
#include "kernels/cuda/of_format.h"

namespace hearth::cuda {

using Blocks = HEARTH_OF_FORMAT(, Blocks);

HEARTH_FORMAT_KERNEL(group_tiles_, _2, GroupTiles<2>::kThreads, gpu::MatmulParameters, GroupTiles<2>::run<Blocks>)
HEARTH_FORMAT_KERNEL(group_tiles_, _3, GroupTiles<3>::kThreads, gpu::MatmulParameters, GroupTiles<3>::run<Blocks>)
HEARTH_FORMAT_KERNEL(group_tiles_, _4, GroupTiles<4>::kThreads, gpu::MatmulParameters, GroupTiles<4>::run<Blocks>)

}  // namespace hearth::cuda
