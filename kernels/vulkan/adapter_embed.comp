// Adds to embedded rows what an adapter makes of their tokens: out += factor * up down[token].
#version 460
#extension GL_GOOGLE_include_directive : require

layout(local_size_x = 64) in;

#include "kernels/vulkan/batch.glsl"
#include "kernels/vulkan/adapter.glsl"

layout(push_constant, scalar) uniform Parameters {
  uint64_t down, up, out_, batch;
  uint width, rank, adapters, adapter;
  float factor;
} p;

void main() {
  BatchWords batch = BatchWords(p.batch);
  const uint i = gl_GlobalInvocationID.x, row = gl_WorkGroupID.y;
  if (row >= batch.word[kRows] || i >= p.width) return;
  const float scale = p.factor * adapter_scale(batch, kSequenceOfRow, row, p.adapters, p.adapter);
  if (scale == 0) return;
  const uint token = batch.word[batch.word[kTokens] + row];
  Floats low = Floats(p.down + 4 * uint64_t(token) * p.rank), weights = Floats(p.up + 4 * uint64_t(i) * p.rank);
  float sum = 0;
  for (uint r = 0; r < p.rank; ++r) sum = fma(weights.at[r], low.at[r], sum);
  Floats(p.out_ + 4 * uint64_t(row) * p.width).at[i] += scale * sum;
}
