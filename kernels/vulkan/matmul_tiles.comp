// matmul_tiles/FORMAT: what matmul/FORMAT makes, for many columns. Weights are decoded once for a tile, into shared
// memory.
#version 460
#extension GL_GOOGLE_include_directive : require

layout(constant_id = 0) const bool kWhole = false;

#include "kernels/vulkan/tiles.glsl"

shared vec4 weight_tile[kTileDepth][kTileRows / 4 + 1];
shared vec4 input_tile[kTileDepth][kTileColumns / 4 + 1];

void load_weights(uint row_blocks, uint first, uint row) {
  float values[8];
  if (first < p.width) {
    decode8(row_blocks, first, p.width, kWhole, values);
  } else {
    for (uint i = 0; i < 8; ++i) values[i] = 0;
  }
  for (uint i = 0; i < 8; ++i) weight_tile[first % kTileDepth + i][row / 4][row % 4] = values[i];
}

void load_inputs(uint64_t from, uint first, uint column) {
  float x[8];
  if (first < p.width) {
    load8(from, first, x);
  } else {
    for (uint i = 0; i < 8; ++i) x[i] = 0;
  }
  for (uint i = 0; i < 8; ++i) input_tile[first % kTileDepth + i][column / 4][column % 4] = x[i];
}

void product(uint first_row, Columns columns, out vec4 sums[4]) {
  const uint t = gl_LocalInvocationIndex, row_blocks = blocks_of_row(first_row, columns.matrix);
  const uint64_t from = input_to_load(columns);
  [[unroll]] for (uint i = 0; i < 4; ++i) sums[i] = vec4(0);
  for (uint depth = 0; depth < p.width; depth += kTileDepth) {
    for (uint piece = t / kTileRows; piece < kTileDepth / 8; piece += 2)
      load_weights(row_blocks, depth + piece * 8, t % kTileRows);
    load_inputs(from, depth + t / kTileColumns * 8, t % kTileColumns);
    barrier();
    for (uint k = 0; k < kTileDepth; ++k) {
      const vec4 w = weight_tile[k][t % 16], x = input_tile[k][t / 16];
      [[unroll]] for (uint i = 0; i < 4; ++i) sums[i] = fma(vec4(w[i]), x, sums[i]);
    }
    barrier();
  }
}
