// Of each head of each row, `count` values from one slot to another; whole rows are one head. Rows of the source may be
// those that outputs name.
#version 460
#extension GL_GOOGLE_include_directive : require

#include "kernels/vulkan/batch.glsl"

layout(local_size_x = 64) in;
layout(constant_id = 0) const bool kOutputsOnly = false;

layout(push_constant, scalar) uniform Parameters {
  uint64_t in_, out_, batch;
  uint in_width, in_stride, out_width, out_stride, count, rows_at;
} p;

void main() {
  BatchWords batch = BatchWords(p.batch);
  const uint row = gl_WorkGroupID.y, head = gl_WorkGroupID.z, index = gl_GlobalInvocationID.x;
  if (row >= batch.word[p.rows_at] || index >= p.count) return;
  const uint from = kOutputsOnly ? batch.word[batch.word[kOutputRows] + row] : row;
  Floats(p.out_ + 4 * (uint64_t(row) * p.out_width + head * p.out_stride)).at[index] =
      Floats(p.in_ + 4 * (uint64_t(from) * p.in_width + head * p.in_stride)).at[index];
}
