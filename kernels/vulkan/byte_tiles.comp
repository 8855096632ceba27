// byte_tiles/FORMAT: matmul_tiles/FORMAT of inputs that round_inputs has rounded, with dot products of bytes.
#version 460
#extension GL_GOOGLE_include_directive : require

const bool kWhole = true;

#include "kernels/vulkan/byte_dot.glsl"
#include "kernels/vulkan/tiles.glsl"

// Four values to a word; scales are of 16 weights, and of 32 inputs.
shared ivec4 weight_tile[kTileDepth / 4][kTileRows / 4 + 1];
shared vec4 scale_tile[kTileDepth / 16][kTileRows / 4], less_tile[kTileDepth / 16][kTileRows / 4];
shared ivec4 input_tile[kTileDepth / 4][kTileColumns / 4 + 1];
shared vec4 input_scales[kTileColumns / 4], input_sums[kTileDepth / 8][kTileColumns / 4];

void load_weights(uint row_blocks, uint first, uint row) {
  const uint place = first % kTileDepth;
  const Piece piece = piece_of(row_blocks + first / kBlockSize, first % kBlockSize);
  for (uint i = 0; i < 2; ++i) weight_tile[place / 4 + i][row / 4][row % 4] = int(piece.q[i]);
  if (place % 16 != 0) return;
  scale_tile[place / 16][row / 4][row % 4] = piece.scale;
  if (kHasLess) less_tile[place / 16][row / 4][row % 4] = piece.less;
}

void load_inputs(uint64_t from, uint first, uint column) {
  const uint place = first % kTileDepth;
  const uvec2 q = Pairs(from + first).at;
  const float scale = Floats(from + p.width).at[first / 32];
  for (uint i = 0; i < 2; ++i) input_tile[place / 4 + i][column / 4][column % 4] = int(q[i]);
  if (place == 0) input_scales[column / 4][column % 4] = scale;
  if (kHasLess) input_sums[place / 8][column / 4][column % 4] = scale * float(byte_sum(q.x) + byte_sum(q.y));
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
    const vec4 input_scale = input_scales[t / 16];
    for (uint g = 0; g < kTileDepth / 16; ++g) {
      ivec4 dots[4];
      [[unroll]] for (uint i = 0; i < 4; ++i) dots[i] = ivec4(0);
      [[unroll]] for (uint k = 4 * g; k < 4 * g + 4; ++k) {
        const ivec4 w = weight_tile[k][t % 16], x = input_tile[k][t / 16];
        [[unroll]] for (uint i = 0; i < 4; ++i)
          [[unroll]] for (uint j = 0; j < 4; ++j) dots[i][j] += byte_dot(w[i], x[j], kFourBytes);
      }
      const vec4 scale = scale_tile[g][t % 16];
      [[unroll]] for (uint i = 0; i < 4; ++i) sums[i] = fma(scale[i] * input_scale, vec4(dots[i]), sums[i]);
      if (kHasLess) {
        const vec4 less = less_tile[g][t % 16], all = input_sums[2 * g][t / 16] + input_sums[2 * g + 1][t / 16];
        [[unroll]] for (uint i = 0; i < 4; ++i) sums[i] = fma(vec4(-less[i]), all, sums[i]);
      }
    }
    barrier();
  }
}
