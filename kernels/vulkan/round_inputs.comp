// round_inputs: rows of floats as bytes with a scale for each 32, for byte_tiles. A thread rounds 8 values.
#version 460
#extension GL_GOOGLE_include_directive : require

#include "kernels/vulkan/batch.glsl"

const uint kThreads = 64;
layout(local_size_x = kThreads) in;
layout(push_constant, scalar) uniform Parameters {
  uint64_t in_, out_, batch;
  uint width, in_stride, in_matrix_stride, out_stride, out_matrix_stride, rows_at, rows_each;
} p;

layout(buffer_reference, scalar, buffer_reference_align = 8) writeonly buffer EightBytes { uvec2 at; };

shared uint largest[kThreads];  // bits of magnitudes, of which those of NaN are the largest

void main() {
  const uint column = gl_WorkGroupID.y, matrix = gl_WorkGroupID.z, first = gl_GlobalInvocationID.x * 8;
  if (column >= BatchWords(p.batch).word[p.rows_at] * p.rows_each) return;
  const bool inside = first < p.width;
  const uint64_t from = p.in_ + 4 * (uint64_t(column) * p.in_stride + matrix * p.in_matrix_stride + first);
  const uint64_t to = p.out_ + 4 * (uint64_t(column) * p.out_stride + matrix * p.out_matrix_stride);
  float x[8];
  uint most = 0;
  for (uint i = 0; i < 8; ++i) {
    x[i] = inside ? Floats(from).at[i] : 0.0;
    most = max(most, floatBitsToUint(x[i]) & 0x7fffffffu);
  }
  largest[gl_LocalInvocationIndex] = most;
  barrier();
  if (!inside) return;
  const uint group = gl_LocalInvocationIndex / 4 * 4;
  for (uint i = 0; i < 4; ++i) most = max(most, largest[group + i]);

  // As on the CPU, a group of zeros or nearly so has scale 0; one that holds infinity or NaN has that as its scale.
  const float magnitude = uintBitsToFloat(most);
  const bool tiny = most < floatBitsToUint(1e-30), finite = most < 0x7f800000u;
  const float scale = tiny ? 0.0 : magnitude / 127.0, inverse = tiny || !finite ? 0.0 : 127.0 / magnitude;
  uvec2 q = uvec2(0);
  for (uint i = 0; i < 8; ++i)
    q[i / 4] |= (finite ? uint(int(clamp(roundEven(x[i] * inverse), -127.0, 127.0))) & 255u : 1u) << (i % 4 * 8);
  EightBytes(to + first).at = q;
  if (first % 32 == 0) Floats(to + p.width).at[first / 32] = scale;
}
