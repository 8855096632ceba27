// out = act(gate) * in, or what clamped makes of two. All are [rows x width].
#version 460
#extension GL_GOOGLE_include_directive : require

#include "kernels/vulkan/activation.glsl"
#include "kernels/vulkan/batch.glsl"

layout(local_size_x = 64) in;

layout(push_constant, scalar) uniform Parameters {
  uint64_t gate, in_, out_, batch;
  uint width, rows_at, act;
} p;

void main() {
  const uint row = gl_WorkGroupID.y, index = gl_GlobalInvocationID.x;
  if (row >= BatchWords(p.batch).word[p.rows_at] || index >= p.width) return;
  const uint64_t at = 4 * (uint64_t(row) * p.width + index);
  Floats(p.out_ + at).at[0] = gated(p.act, Floats(p.gate + at).at[0], Floats(p.in_ + at).at[0]);
}
