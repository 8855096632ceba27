// The kernels of one format, FORMAT, that multiply inputs rounded to bytes by several matrices: a block finds its
// matrix, and makes what it makes as a block of a product of that alone.
#include "kernels/cuda/byte_columns.h"
#include "kernels/cuda/few_rounded.h"
#include "kernels/cuda/of_format.h"

namespace hearth::cuda {

template <class Body>
HEARTH_DEVICE void of_own_matrix(const gpu::JoinedParameters& p, Body&& body) {
  uint32_t i = 0;
  for (uint32_t next = 1; next < gpu::kMostJoined; ++next) i += block_index().x >= p.first_group[next] ? 1u : 0u;
  gpu::MatmulParameters own{};
  own.weight = p.weight[i];
  own.in = p.in;
  own.out = p.out[i];
  own.batch = p.batch;
  own.bias = p.bias[i];
  own.width = p.width;
  own.rows = own.out_stride = p.rows[i];
  own.in_stride = p.in_stride;
  own.kinds = gpu::matmul_kinds(1, 0, static_cast<Header::Word>(p.rows_at));
  own.scale = 1;
  body(own, block_index().x - p.first_group[i]);
}

template <class Blocks, uint32_t kColumns, uint32_t kSums>
HEARTH_DEVICE void joined_matmul(const gpu::JoinedParameters& p, const Constants& c) {
  of_own_matrix(p, [&](const gpu::MatmulParameters& own, uint32_t block) {
    byte_matmul<Blocks, kColumns, kSums>(own, c, block);
  });
}
template <class Blocks, class Shape>
HEARTH_DEVICE void joined_columns(const gpu::JoinedParameters& p, const Constants& c) {
  of_own_matrix(p,
                [&](const gpu::MatmulParameters& own, uint32_t block) { byte_columns<Blocks, Shape>(own, c, block); });
}

using Blocks = HEARTH_OF_FORMAT(, Blocks);
template <uint32_t kColumns>
constexpr uint32_t kSums = gpu::rounded_sums(HEARTH_TEXT_OF(FORMAT), kColumns);

using Short8 = ColumnsShape<Blocks, 8, false>;
using Short16 = ColumnsShape<Blocks, 16, false>;
using Short32 = ColumnsShape<Blocks, 32, false>;
using Tall32 = ColumnsShape<Blocks, 32, true>;

HEARTH_EARLY_CROWDED_FORMAT_KERNEL(joined_matmul_, _1, kRoundedThreads, Unit<Blocks>::kBlocks, gpu::JoinedParameters,
                                   joined_matmul<Blocks, 1, kSums<1>>)
HEARTH_EARLY_FORMAT_KERNEL(joined_matmul_, _4, kRoundedThreads, gpu::JoinedParameters,
                           joined_matmul<Blocks, 4, kSums<4>>)
HEARTH_EARLY_FORMAT_KERNEL(joined_columns_, _8, Short8::kThreads, gpu::JoinedParameters, joined_columns<Blocks, Short8>)
HEARTH_EARLY_FORMAT_KERNEL(joined_columns_, _16, Short16::kThreads, gpu::JoinedParameters,
                           joined_columns<Blocks, Short16>)
HEARTH_EARLY_FORMAT_KERNEL(joined_columns_, _32, Short32::kThreads, gpu::JoinedParameters,
                           joined_columns<Blocks, Short32>)
HEARTH_EARLY_FORMAT_KERNEL(joined_columns_, _32_tall, Tall32::kThreads, gpu::JoinedParameters,
                           joined_columns<Blocks, Tall32>)

}  // namespace hearth::cuda
