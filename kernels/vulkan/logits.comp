// The result of a step, for the host; softcap * tanh(x / softcap) where there is a softcap.
#version 460
#extension GL_GOOGLE_include_directive : require

#include "kernels/vulkan/batch.glsl"
#include "kernels/vulkan/softcap.glsl"

layout(local_size_x = 256) in;

layout(push_constant, scalar) uniform Parameters {
  uint64_t in_, out_, batch;
  uint width, rows_at;
  float softcap;
} p;

void main() {
  const uint row = gl_WorkGroupID.y, index = gl_GlobalInvocationID.x;
  if (row >= BatchWords(p.batch).word[p.rows_at] || index >= p.width) return;
  const uint64_t at = 4 * (uint64_t(row) * p.width + index);
  float value = Floats(p.in_ + at).at[0];
  if (p.softcap != 0) value = softcapped(value, p.softcap);
  Floats(p.out_ + at).at[0] = value;
}
