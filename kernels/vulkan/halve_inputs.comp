// halve_inputs: rows of floats as halves with a power of two each, for matrix_tiles. A workgroup makes a row.
#version 460
#extension GL_GOOGLE_include_directive : require

const uint kThreads = 256;
layout(local_size_x = kThreads) in;

#include "kernels/vulkan/batch.glsl"
#include "kernels/vulkan/powers.glsl"
#include "kernels/vulkan/reduce.glsl"

layout(buffer_reference, scalar, buffer_reference_align = 16) writeonly buffer HalfWords { uint at[]; };

layout(push_constant, scalar) uniform Parameters {
  uint64_t in_, out_, batch;
  uint width, in_stride, in_matrix_stride, out_stride, out_matrix_stride, rows_at, rows_each;
} p;

const uint kInfinity = 0x7f800000u;  // as a float's magnitude; those of NaN are larger

// What is not finite is made by its bits, since some devices do not keep it.
uint half_bits(float value, float factor) {
  const uint bits = floatBitsToUint(value), magnitude = bits & 0x7fffffffu;
  if (magnitude < kInfinity) return packHalf2x16(vec2(value * factor, 0));
  return bits >> 16 & 0x8000u | (magnitude == kInfinity ? 0x7c00u : 0x7e00u);
}

void main() {
  const uint column = gl_WorkGroupID.y, matrix = gl_WorkGroupID.z, t = gl_LocalInvocationIndex;
  if (column >= BatchWords(p.batch).word[p.rows_at] * p.rows_each) return;
  Floats from = Floats(p.in_ + 4 * (uint64_t(column) * p.in_stride + matrix * p.in_matrix_stride));
  HalfWords to = HalfWords(p.out_ + 4 * (uint64_t(column) * p.out_stride + matrix * p.out_matrix_stride));
  float most = 0;
  for (uint i = t; i < p.width; i += kThreads) {
    const uint magnitude = floatBitsToUint(from.at[i]) & 0x7fffffffu;
    if (magnitude < kInfinity) most = max(most, uintBitsToFloat(magnitude));
  }
  const int shift = shift_of(floatBitsToUint(workgroup_max(most)));
  const uint words = (p.width + 31) / 32 * 16;
  for (uint i = t; i < words; i += kThreads) {
    uint both = 0;
    for (uint j = 0; j < 2; ++j)
      if (2 * i + j < p.width) both |= half_bits(from.at[2 * i + j], power(shift)) << (16 * j);
    to.at[i] = both;
  }
  if (t == 0) to.at[words] = uint(shift);
}
