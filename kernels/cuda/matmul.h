// What the products of a matrix share: where a column is, and what becomes of a sum.
#pragma once

#include "kernels/cuda/activation.h"
#include "kernels/cuda/batch.h"
#include "kernels/cuda/formats/formats.h"

namespace hearth::cuda {

// Columns are rows of the batch and a block's z is the matrix; or, routed, columns are pairs of a row and a place of
// its route, which says the matrix. The parameters of both lie alike (ExpertsParameters in kernels/gpu/parameters.h).
class Product {
 public:
  HEARTH_DEVICE explicit Product(const gpu::MatmulParameters& parameters) : p(parameters) {}

  HEARTH_DEVICE bool routed() const { return (p.kinds >> 24 & 1u) != 0; }
  HEARTH_DEVICE uint32_t matrices() const { return p.kinds & 0xffffu; }
  HEARTH_DEVICE uint32_t activation() const { return p.kinds >> 16 & 15u; }
  HEARTH_DEVICE uint32_t rows_of_batch() const { return BatchWords(p.batch).word(p.kinds >> 20 & 15u); }
  HEARTH_DEVICE bool has_bias_of_column() const { return (p.kinds >> 25 & 1u) != 0; }
  HEARTH_DEVICE uint32_t used() const { return p.in_matrix_stride; }
  HEARTH_DEVICE uint32_t columns() const { return routed() ? rows_of_batch() * used() : rows_of_batch(); }
  HEARTH_DEVICE uint32_t weights() const { return p.weight_up != 0 ? 2 : 1; }

  HEARTH_DEVICE uint32_t matrix_of(uint32_t column) const {
    if (!routed()) return block_index().z;
    const uint64_t at = static_cast<uint64_t>(column / used()) * 2 * used() + column % used();
    return static_cast<uint32_t>(read<float>(p.times, at));
  }
  // Where the input of a column begins.
  HEARTH_DEVICE Address input_of(uint32_t column, uint32_t matrix) const {
    if (routed())
      return p.in + 4 * static_cast<uint64_t>(p.out_matrix_stride != 0 ? column : column / used()) * p.in_stride;
    return p.in + 4 * (static_cast<uint64_t>(column) * p.in_stride + matrix * p.in_matrix_stride);
  }
  template <class Blocks>
  HEARTH_DEVICE Matrix<Blocks> open(uint32_t which) const {
    return open_matrix<Blocks>(which == 0 ? p.weight : p.weight_up,
                               p.rows * matrices() * (p.width / Blocks::kBlockSize), p.decode_tables);
  }
  // The first block of a row of a matrix; of the last row for those behind it.
  template <class Blocks>
  HEARTH_DEVICE uint32_t blocks_of_row(uint32_t row, uint32_t matrix) const {
    return (matrix * p.rows + min(row, p.rows - 1)) * (p.width / Blocks::kBlockSize);
  }

  // out[column][row] from the sums of the weight's row and of the other weight's, if there is one.
  HEARTH_DEVICE void finish(uint32_t column, uint32_t matrix, uint32_t row, float sum, float sum_up) const {
    const uint64_t bias_at = static_cast<uint64_t>(has_bias_of_column() ? column : matrix) * p.rows + row;
    float value = sum;
    if (p.scales != 0) value *= read<float>(p.scales, matrix);
    if (p.bias != 0) value += read<float>(p.bias, bias_at);
    if (p.weight_up != 0) {
      float up = sum_up;
      if (p.scales_up != 0) up *= read<float>(p.scales_up, matrix);
      if (p.bias_up != 0) up += read<float>(p.bias_up, bias_at);
      value = gated(activation(), value, up);
    } else {
      value = activate(activation(), value);
    }
    uint64_t at = static_cast<uint64_t>(column) * p.out_stride + row;
    if (!routed()) {
      at += static_cast<uint64_t>(matrix) * p.out_matrix_stride;
      value *= p.scale;
      if (p.times != 0) value *= read<float>(p.times, column);
      if (p.add != 0) value += read<float>(p.add, at);
    }
    write(p.out, at, value);
  }

  const gpu::MatmulParameters& p;
};

// Has `rows` rows of all weights from the first on brought to the L2 cache, for the time until the kernel before ends.
template <class Blocks>
HEARTH_DEVICE void prefetch_rows(const Product& product, uint32_t first, uint32_t rows) {
  if (!kernels_overlap() || product.routed() || first >= product.p.rows) return;
  const uint32_t blocks = (min(first + rows, product.p.rows) - first) * (product.p.width / Blocks::kBlockSize);
  const uint32_t begin = product.blocks_of_row<Blocks>(first, block_index().z);
  for (uint32_t which = 0; which < product.weights(); ++which) {
    const Matrix<Blocks> matrix = product.open<Blocks>(which);
    for (uint32_t p = 0; p < Blocks::kPlanes; ++p)
      for (uint32_t at = thread_index() * 128; at < blocks * Blocks::plane_bytes(p); at += threads() * 128)
        prefetch_l2(global<const uint8_t>(matrix.member(p, begin) + at));
  }
}

// Of sums that all lanes have, a lane for each column. (What is indexed at run time would lie in memory.)
template <uint32_t kColumns>
HEARTH_DEVICE void finish_row(const Product& product, uint32_t first_column, uint32_t count, uint32_t matrix,
                              uint32_t row, const float sums[kColumns], const float sums_up[kColumns]) {
  float sum = sums[0], sum_up = sums_up[0];
#pragma unroll
  for (uint32_t i = 1; i < kColumns; ++i) {
    sum = lane() == i ? sums[i] : sum;
    sum_up = lane() == i ? sums_up[i] : sum_up;
  }
  if (lane() < kColumns && first_column + lane() < count)
    product.finish(first_column + lane(), matrix, row, sum, sum_up);
}

}  // namespace hearth::cuda
