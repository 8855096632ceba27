// RmsNorm and LayerNorm: a workgroup norms one run of one row, or copies the rest that is shorter than a run.
#version 460
#extension GL_GOOGLE_include_directive : require

const uint kThreads = 256;
layout(local_size_x = kThreads) in;

#include "kernels/vulkan/batch.glsl"
#include "kernels/vulkan/norm.glsl"

layout(push_constant, scalar) uniform Parameters {
  uint64_t in_, out_, gain, bias, add, batch;
  uint width, run, gain_rows, rows_at;
  float eps;
} p;

void main() {
  const uint row = gl_WorkGroupID.y, which = gl_WorkGroupID.x, begin = which * p.run;
  if (row >= BatchWords(p.batch).word[p.rows_at]) return;
  const uint64_t at = 4 * (uint64_t(row) * p.width + begin);
  Floats from = Floats(p.in_ + at), to = Floats(p.out_ + at), add = Floats(p.add + at);
  const uint count = min(p.run, p.width - begin);
  if (count < p.run) {
    for (uint i = gl_LocalInvocationIndex; i < count; i += kThreads)
      to.at[i] = p.add == 0 ? from.at[i] : from.at[i] + add.at[i];
    return;
  }
  const float mean = mean_of_run(from, count), scale = scale_of_run(from, count, mean, p.eps);
  Floats gain = Floats(p.gain + 4 * uint64_t(which % p.gain_rows) * p.run), bias = Floats(p.bias);
  for (uint i = gl_LocalInvocationIndex; i < count; i += kThreads) {
    float value = (from.at[i] - mean) * scale * gain.at[i];
    if (p.bias != 0) value += bias.at[i];
    if (p.add != 0) value += add.at[i];
    to.at[i] = value;
  }
}
