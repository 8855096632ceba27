// out = add + the sum over a row's route of weight * what that expert made, which lies [row][place][width].
#version 460
#extension GL_GOOGLE_include_directive : require

#include "kernels/vulkan/batch.glsl"

layout(local_size_x = 64) in;

layout(push_constant, scalar) uniform Parameters {
  uint64_t made, route, add, out_, batch;
  uint width, used, rows_at;
} p;

void main() {
  const uint row = gl_WorkGroupID.y, index = gl_GlobalInvocationID.x;
  if (row >= BatchWords(p.batch).word[p.rows_at] || index >= p.width) return;
  const uint64_t at = 4 * (uint64_t(row) * p.width + index);
  Floats weights = Floats(p.route + 4 * (uint64_t(row) * 2 * p.used + p.used));
  float sum = p.add != 0 ? Floats(p.add + at).at[0] : 0.0;
  for (uint e = 0; e < p.used; ++e)
    sum = fma(weights.at[e], Floats(p.made + 4 * (uint64_t(row) * p.used + e) * p.width).at[index], sum);
  Floats(p.out_ + at).at[0] = sum;
}
