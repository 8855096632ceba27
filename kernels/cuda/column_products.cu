// The kernels of one format, FORMAT, that multiply a few columns of inputs rounded to bytes by matrix units.
#include "kernels/cuda/byte_columns.h"
#include "kernels/cuda/of_format.h"

namespace hearth::cuda {

using Blocks = HEARTH_OF_FORMAT(, Blocks);
static_assert(ByteWeights<Blocks>::kWide == gpu::is_wide(HEARTH_TEXT_OF(FORMAT)));
using Short8 = ColumnsShape<Blocks, 8, false>;
using Tall8 = ColumnsShape<Blocks, 8, true>;
using Short16 = ColumnsShape<Blocks, 16, false>;
using Short32 = ColumnsShape<Blocks, 32, false>;
using Tall32 = ColumnsShape<Blocks, 32, true>;
using Tall64 = ColumnsShape<Blocks, 64, true>;

HEARTH_EARLY_FORMAT_KERNEL(byte_columns_, _8, Short8::kThreads, gpu::MatmulParameters, byte_columns<Blocks, Short8>)
HEARTH_EARLY_CROWDED_FORMAT_KERNEL(byte_columns_, _8_tall, Tall8::kThreads, Short8::Weights::kSmall ? 2 : 1,
                                   gpu::MatmulParameters, byte_columns<Blocks, Tall8>)
HEARTH_EARLY_FORMAT_KERNEL(byte_columns_, _16, Short16::kThreads, gpu::MatmulParameters, byte_columns<Blocks, Short16>)
HEARTH_EARLY_FORMAT_KERNEL(byte_columns_, _32, Short32::kThreads, gpu::MatmulParameters, byte_columns<Blocks, Short32>)
HEARTH_EARLY_FORMAT_KERNEL(byte_columns_, _32_tall, Tall32::kThreads, gpu::MatmulParameters,
                           byte_columns<Blocks, Tall32>)
HEARTH_EARLY_FORMAT_KERNEL(byte_columns_, _64_tall, Tall64::kThreads, gpu::MatmulParameters,
                           byte_columns<Blocks, Tall64>)

}  // namespace hearth::cuda
