// What a product gets beside its weight's: bias + scale * up low for each place. The first adapter of a weight starts
// from the bias, the next go on from there.
#version 460
#extension GL_GOOGLE_include_directive : require

layout(local_size_x = 64) in;

#include "kernels/vulkan/batch.glsl"
#include "kernels/vulkan/adapter.glsl"

layout(push_constant, scalar) uniform Parameters {
  uint64_t low, up, bias, out_, route, batch;
  uint count, rank, used, goes_on;
  uint rows_at, sequences_at, adapters, adapter;
  float factor;
} p;

void main() {
  BatchWords batch = BatchWords(p.batch);
  const uint i = gl_GlobalInvocationID.x, place = gl_WorkGroupID.y, row = place / p.used;
  if (row >= batch.word[p.rows_at] || i >= p.count) return;
  const uint matrix = p.route == 0 ? 0 : uint(Floats(p.route).at[row * 2 * p.used + place % p.used]);
  const float scale = p.factor * adapter_scale(batch, p.sequences_at, row, p.adapters, p.adapter);
  Floats to = Floats(p.out_ + 4 * uint64_t(place) * p.count);
  float value = p.goes_on != 0 ? to.at[i] : p.bias != 0 ? Floats(p.bias).at[matrix * p.count + i] : 0.0;
  if (scale != 0) {
    Floats weights = Floats(p.up + 4 * uint64_t(matrix * p.count + i) * p.rank);
    float sum = 0;
    for (uint r = 0; r < p.rank; ++r) sum = fma(weights.at[r], Floats(p.low).at[place * p.rank + r], sum);
    value += scale * sum;
  }
  to.at[i] = value;
}
