// The result of a step, for the host: the rows that it gets whole.
#version 460
#extension GL_GOOGLE_include_directive : require

#include "kernels/vulkan/batch.glsl"
#include "kernels/vulkan/softcap.glsl"

layout(local_size_x = 256) in;

layout(push_constant, scalar) uniform Parameters {
  uint64_t in_, out_, batch;
  uint width;
  float softcap;
} p;

void main() {
  BatchWords batch = BatchWords(p.batch);
  const uint which = gl_WorkGroupID.y, index = gl_GlobalInvocationID.x;
  if (which >= batch.word[kWholeOutputs] || index >= p.width) return;
  const uint row = batch.word[batch.word[kWholeRows] + which];
  float value = Floats(p.in_ + 4 * (uint64_t(row) * p.width + index)).at[0];
  if (p.softcap != 0) value = softcapped(value, p.softcap);
  Floats(p.out_ + 4 * (uint64_t(which) * p.width + index)).at[0] = value;
}
