// The kernels of one format, FORMAT, whose inputs are rounded to bytes or bfloat16 numbers.
#include "kernels/cuda/bfloat_tiles.h"
#include "kernels/cuda/byte_tiles.h"
#include "kernels/cuda/few_rounded.h"
#include "kernels/cuda/of_format.h"

namespace hearth::cuda {

using Blocks = HEARTH_OF_FORMAT(, Blocks);
template <uint32_t kColumns>
constexpr uint32_t kSums = gpu::rounded_sums(HEARTH_TEXT_OF(FORMAT), kColumns);

HEARTH_CROWDED_FORMAT_KERNEL(bfloat_tiles_, , kBfloatThreads, 2, gpu::MatmulParameters, bfloat_tiles<Blocks>)
HEARTH_FORMAT_KERNEL(byte_tiles_, , kTileThreads, gpu::MatmulParameters, byte_tiles<Blocks>)

// For one column as many loads are to be under way as can be.
HEARTH_EARLY_CROWDED_FORMAT_KERNEL(byte_matmul_, _1, kRoundedThreads, Unit<Blocks>::kBlocks, gpu::MatmulParameters,
                                   byte_matmul<Blocks, 1, kSums<1>>)
HEARTH_EARLY_FORMAT_KERNEL(byte_matmul_, _4, kRoundedThreads, gpu::MatmulParameters, byte_matmul<Blocks, 4, kSums<4>>)
HEARTH_EARLY_FORMAT_KERNEL(byte_matmul_, _8, kRoundedThreads, gpu::MatmulParameters, byte_matmul<Blocks, 8, kSums<8>>)

}  // namespace hearth::cuda
