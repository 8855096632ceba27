// What an adapter's first matrix makes of the inputs: low[place][r] = sum of down[matrix * rank + r] * in. A place is
// a row, or one of a row's experts. A workgroup makes one value.
#version 460
#extension GL_GOOGLE_include_directive : require

const uint kThreads = 64;
layout(local_size_x = kThreads) in;

#include "kernels/vulkan/batch.glsl"
#include "kernels/vulkan/adapter.glsl"
#include "kernels/vulkan/reduce.glsl"

layout(push_constant, scalar) uniform Parameters {
  uint64_t in_, down, low, route, batch;  // route: 0 where there is one matrix
  uint width, rank, used;
  uint in_of_place;  // each place has an input of its own
  uint rows_at, sequences_at, adapters, adapter;
} p;

void main() {
  BatchWords batch = BatchWords(p.batch);
  const uint r = gl_WorkGroupID.x, place = gl_WorkGroupID.y, row = place / p.used;
  if (row >= batch.word[p.rows_at]) return;
  if (adapter_scale(batch, p.sequences_at, row, p.adapters, p.adapter) == 0) return;
  const uint matrix = p.route == 0 ? 0 : uint(Floats(p.route).at[row * 2 * p.used + place % p.used]);
  Floats weights = Floats(p.down + 4 * uint64_t(matrix * p.rank + r) * p.width);
  Floats from = Floats(p.in_ + 4 * uint64_t(p.in_of_place != 0 ? place : row) * p.width);
  float sum = 0;
  for (uint i = gl_LocalInvocationIndex; i < p.width; i += kThreads) sum = fma(weights.at[i], from.at[i], sum);
  sum = workgroup_sum(sum);
  if (gl_LocalInvocationIndex == 0) Floats(p.low).at[place * p.rank + r] = sum;
}
