// A matrix inside of a stored tensor, and reading its values.
#pragma once

#include <cstdint>
#include <vector>

#include "formats/safetensors.h"

namespace hearth {

// What the values of an FP8 tensor are multiplied by: one scale for all, one a row, or one a block of a matrix.
struct Scales {
  std::vector<float> values;  // [block rows x block columns]; empty: 1
  uint64_t block_rows = 0, block_columns = 0;
  uint64_t per_row = 1;  // blocks in a row of blocks
  uint64_t width = 0;    // of the stored matrix
};

// The value in row y and column x is the tensor's value first + order[y] * row_step + columns[x] * column_step.
struct Piece {
  const SafetensorsTensor* tensor = nullptr;
  uint64_t rows = 0, width = 0;
  uint64_t first = 0, row_step = 0, column_step = 1;
  std::vector<uint32_t> order, columns;             // empty: as they are
  const SafetensorsTensor* block_scales = nullptr;  // of MXFP4 blocks, a byte for each 32 values
  Scales scales;
};

// Whether values of the type can be weights.
bool is_weight_type(SafetensorsType type);

// Rows `begin` to `begin` + `count`, decoded. values: [count x width].
void read_rows(const Piece& piece, uint64_t begin, uint64_t count, float* values);

// Rows of MXFP4 blocks in GGUF's layout, exactly. blocks: [count x width / 32 x 17 bytes].
void repack_rows(const Piece& piece, uint64_t begin, uint64_t count, std::byte* blocks);

}  // namespace hearth
