// byte_matmul/FORMAT: matmul/FORMAT of inputs that round_inputs has rounded, with dot products of bytes. A warp makes
// several sums at once, of rows that follow one another or of half as many of two weights, so that many loads are under
// way; warps share long rows. A column's result does not depend on C, nor on other columns.
#pragma once

#include "kernels/cuda/formats/units.h"
#include "kernels/cuda/matmul.h"

namespace hearth::cuda {

constexpr uint32_t kRoundedThreads = 32 * gpu::kRoundedWarps;

// Unit number `unit` of kSums rows, those of the first weight and then of the other if there is one.
template <class Blocks, uint32_t kSums>
HEARTH_DEVICE void load_units(const Product& product, uint32_t matrix, uint32_t first_row, uint32_t unit,
                              Unit<Blocks> units[kSums]) {
  if (unit >= product.p.width / 32) return;
  const uint32_t rows = kSums / product.weights();
  const Matrix<Blocks> weight = product.open<Blocks>(0);
#pragma unroll
  for (uint32_t i = 0; i < kSums; ++i) {
    const bool second = i >= rows;
    const Address behind = second ? product.p.weight_up - product.p.weight : 0;  // as planes of both are alike
    Matrix<Blocks> of_row = weight;
    for (uint32_t p = 0; p < Blocks::kPlanes; ++p) of_row.plane[p] += behind;
    units[i].load(of_row, product.blocks_of_row<Blocks>(first_row + (second ? i - rows : i), matrix), unit);
  }
}

// kSums: as rounded_sums() has it. Constant 3: how many warps share a row. `block`: of those along x.
template <class Blocks, uint32_t kColumns, uint32_t kSums>
HEARTH_DEVICE void byte_matmul(const gpu::MatmulParameters& p, const Constants& c, uint32_t block = block_index().x) {
  constexpr uint32_t kAll = kSums * kColumns;
  HEARTH_SHARED(float, gpu::kRoundedWarps* kAll, parts);  // of each warp, [kSums][kColumns]
  const Product product(p);
  const uint32_t splits = c.at[3], part = warp() % splits, first_column = block_index().y * kColumns;
  const uint32_t rows = kSums / product.weights(), first_unit = part * 32 + lane();
  const uint32_t first_row = (block * (gpu::kRoundedWarps / splits) + warp() / splits) * rows;
  Unit<Blocks> units[kSums];
  // Which experts' weights it is must be waited for.
  const bool early = Unit<Blocks>::kEarly && !product.routed();
  if (early) load_units<Blocks, kSums>(product, block_index().z, first_row, first_unit, units);
  wait_for_kernel_before(c);
  // There is a first column; so a single one need not wait for their number.
  const uint32_t count = kColumns == 1 && first_column == 0 ? 1 : product.columns();
  if (first_column >= count) return;
  const uint32_t matrix = product.matrix_of(first_column);
  if (!early) load_units<Blocks, kSums>(product, matrix, first_row, first_unit, units);
  Address inputs[kColumns];
  for (uint32_t i = 0; i < kColumns; ++i) inputs[i] = product.input_of(min(first_column + i, count - 1), matrix);
  float sums[kAll];
  for (uint32_t i = 0; i < kAll; ++i) sums[i] = 0;
  for (uint32_t unit = first_unit; unit < p.width / 32; unit += 32 * splits) {
#pragma unroll
    for (uint32_t column = 0; column < kColumns; ++column) {
      const UnitInput x = unit_input<Unit<Blocks>::kApart>(inputs[column], p.width, Unit<Blocks>::offset(unit));
#pragma unroll
      for (uint32_t i = 0; i < kSums; ++i) {
        float& sum = sums[i * kColumns + column];
        sum = units[i].add_to(sum, x, unit);
      }
    }
    load_units<Blocks, kSums>(product, matrix, first_row, unit + 32 * splits, units);
  }
  float own = 0;
#pragma unroll
  for (uint32_t i = 0; i < kAll; ++i) {
    const float sum = warp_sum(sums[i]);
    own = lane() == i ? sum : own;
  }
  if (lane() < kAll) parts[warp() * kAll + lane()] = own;
  sync_block();
  const auto whole = [&](uint32_t i) {
    float sum = parts[warp() * kAll + i];
    for (uint32_t other = 1; other < splits; ++other) sum += parts[(warp() + other) * kAll + i];
    return sum;
  };
  const uint32_t row = lane() / kColumns, column = first_column + lane() % kColumns;
  if (part == 0 && row < rows && column < count && first_row + row < p.rows)
    product.finish(column, matrix, first_row + row, whole(lane()), whole((kSums - rows) * kColumns + lane()));
}

}  // namespace hearth::cuda
