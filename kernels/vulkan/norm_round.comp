// norm_round: a workgroup norms a row, and rounds it as round_inputs does. A thread makes 8 values at a time.
#version 460
#extension GL_GOOGLE_include_directive : require

const uint kThreads = 256;
layout(local_size_x = kThreads) in;

#include "kernels/vulkan/batch.glsl"
#include "kernels/vulkan/norm.glsl"
#include "kernels/vulkan/rounding.glsl"

layout(push_constant, scalar) uniform Parameters {
  uint64_t in_, out_, rounded, gain, bias, add, batch;
  uint width, rounded_stride, rows_at;
  float eps;
} p;

// `out` may be `in` or `add`: sums are complete before anything is written.
void main() {
  const uint row = gl_WorkGroupID.y;
  if (row >= BatchWords(p.batch).word[p.rows_at]) return;
  const uint64_t at = 4 * uint64_t(row) * p.width;
  Floats from = Floats(p.in_ + at), to = Floats(p.out_ + at), add = Floats(p.add + at);
  Floats gain = Floats(p.gain), bias = Floats(p.bias);
  const float mean = mean_of_run(from, p.width), scale = scale_of_run(from, p.width, mean, p.eps);
  for (uint begin = 0; begin < p.width; begin += kThreads * 8) {
    const uint first = begin + gl_LocalInvocationIndex * 8;
    const bool inside = first < p.width;
    float x[8];
    for (uint i = 0; i < 8; ++i) {
      x[i] = 0;
      if (!inside) continue;
      x[i] = (from.at[first + i] - mean) * scale * gain.at[first + i];
      if (p.bias != 0) x[i] += bias.at[first + i];
      if (p.add != 0) x[i] += add.at[first + i];
      if (p.out_ != 0) to.at[first + i] = x[i];
    }
    const uint most = largest_of_32(x);
    if (inside) write_rounded(p.rounded + 4 * uint64_t(row) * p.rounded_stride, p.width, first, x, most);
  }
}
