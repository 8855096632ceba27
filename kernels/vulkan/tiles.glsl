// What the shaders of tiles share: which tile a workgroup makes, and what becomes of its sums.
//
// A tile has 64 rows and 32 columns, a thread 4 by 4 of them: rows from 4 * (thread % 16) on, columns from
// 4 * (thread / 16) on.
#extension GL_EXT_control_flow_attributes : require

#include "kernels/vulkan/expert_tiles.glsl"
#include "kernels/vulkan/matmul.glsl"

const uint kTileRows = 64;
const uint kTileDepth = 32;
layout(local_size_x = 128) in;

// The tile's columns are `count` from `begin` on: of the batch, or of the list of pairs.
struct Columns {
  uint begin, count, matrix;
};

uint column_of(Columns columns, uint i) {
  if (!routed()) return columns.begin + i;
  const uint list = kExpertTiles + 3 * most_tiles(rows_of_batch() * used(), matrices());
  return ExpertTiles(p.add).word[list + columns.begin + i];
}

// The products of the opened weight; sums[i][j] of the thread's row i and column j. Each shader has its own.
void product(uint first_row, Columns columns, out vec4 sums[4]);

// Where the thread's row of the weight begins, and the column whose input it loads.
uint blocks_of_row(uint first_row, uint matrix) {
  return (matrix * p.rows + min(first_row + gl_LocalInvocationIndex % kTileRows, p.rows - 1)) * (p.width / kBlockSize);
}
uint64_t input_to_load(Columns columns) {
  const uint column = min(gl_LocalInvocationIndex % kTileColumns, columns.count - 1);
  return input_of(column_of(columns, column), columns.matrix);
}

void main() {
  Columns columns;
  if (routed()) {
    ExpertTiles tiles = ExpertTiles(p.add);
    if (gl_WorkGroupID.y >= tiles.word[0]) return;
    const uint tile = kExpertTiles + 3 * gl_WorkGroupID.y;
    columns = Columns(tiles.word[tile + 1], tiles.word[tile + 2], tiles.word[tile]);
  } else {
    const uint begin = gl_WorkGroupID.y * kTileColumns, count = rows_of_batch();
    if (begin >= count) return;
    columns = Columns(begin, min(kTileColumns, count - begin), gl_WorkGroupID.z);
  }
  const uint first_row = gl_WorkGroupID.x * kTileRows;
  vec4 sums[4], before[4];  // before: of the first weight, where there are two
  for (uint i = 0; i < weights(); ++i) {
    if (i == 1) before = sums;
    open_weight(i);
    product(first_row, columns, sums);
  }
  // Copies, of which one is chosen at a time, so that the sums themselves may stay in registers.
  float first_sums[16], last_sums[16];
  const bool both = weights() == 2;
  [[unroll]] for (uint i = 0; i < 16; ++i) {
    last_sums[i] = sums[i / 4][i % 4];
    first_sums[i] = both ? before[i / 4][i % 4] : last_sums[i];
  }
  [[dont_unroll]] for (uint i = 0; i < 16; ++i) {
    const uint row = first_row + gl_LocalInvocationIndex % 16 * 4 + i / 4;
    const uint column = gl_LocalInvocationIndex / 16 * 4 + i % 4;
    if (row < p.rows && column < columns.count)
      finish(column_of(columns, column), columns.matrix, row, first_sums[i], last_sums[i]);
  }
}
