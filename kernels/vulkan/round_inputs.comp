// round_inputs: rows of floats as bytes with a scale for each 32, for byte_tiles and byte_matmul. A thread rounds 8 values.
#version 460
#extension GL_GOOGLE_include_directive : require

const uint kThreads = 64;
layout(local_size_x = kThreads) in;

#include "kernels/vulkan/batch.glsl"
#include "kernels/vulkan/rounding.glsl"

layout(push_constant, scalar) uniform Parameters {
  uint64_t in_, out_, batch;
  uint width, in_stride, in_matrix_stride, out_stride, out_matrix_stride, rows_at, rows_each;
} p;

void main() {
  const uint column = gl_WorkGroupID.y, matrix = gl_WorkGroupID.z, first = gl_GlobalInvocationID.x * 8;
  if (column >= BatchWords(p.batch).word[p.rows_at] * p.rows_each) return;
  const bool inside = first < p.width;
  const uint64_t from = p.in_ + 4 * (uint64_t(column) * p.in_stride + matrix * p.in_matrix_stride + first);
  const uint64_t to = p.out_ + 4 * (uint64_t(column) * p.out_stride + matrix * p.out_matrix_stride);
  float x[8];
  for (uint i = 0; i < 8; ++i) x[i] = inside ? Floats(from).at[i] : 0.0;
  const uint most = largest_of_32(x);
  if (inside) write_rounded(to, p.width, first, x, most);
}
