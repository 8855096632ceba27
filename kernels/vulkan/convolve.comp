// Convolution along the rows of a sequence; a thread follows one channel. in and out may be the same.
#version 460
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require

#include "kernels/vulkan/activation.glsl"
#include "kernels/vulkan/batch.glsl"

layout(local_size_x = 64) in;
layout(constant_id = 0) const uint kBefore = 3;  // taps - 1

layout(push_constant, scalar) uniform Parameters {
  uint64_t in_, out_, kernel, states, batch;  // kernel: [channels x taps]; a state: [taps - 1 x channels]
  uint channels, act;
} p;

void main() {
  BatchWords batch = BatchWords(p.batch);
  const uint channel = gl_GlobalInvocationID.x;
  if (channel >= p.channels) return;
  Floats kernel = Floats(p.kernel + 4 * uint64_t(channel) * (kBefore + 1));
  for (uint s = gl_WorkGroupID.y; s < batch.word[kSequences]; s += gl_NumWorkGroups.y) {
    const uint begin = batch.word[batch.word[kRowBegin] + s], end = batch.word[batch.word[kRowBegin] + s + 1];
    if (begin == end) continue;
    const uint64_t place = batch.word[batch.word[kStates] + s];
    Floats state = Floats(p.states + 4 * (place * kBefore * p.channels + channel));
    float before[kBefore];  // the oldest first
    [[unroll]] for (uint j = 0; j < kBefore; ++j) before[j] = state.at[j * p.channels];
    for (uint row = begin; row < end; ++row) {
      const uint64_t at = 4 * (uint64_t(row) * p.channels + channel);
      const float now = Floats(p.in_ + at).at[0];
      float sum = kernel.at[kBefore] * now;
      [[unroll]] for (uint j = 0; j < kBefore; ++j) sum = fma(kernel.at[j], before[j], sum);
      Floats(p.out_ + at).at[0] = activate(p.act, sum);
      [[unroll]] for (uint j = 0; j + 1 < kBefore; ++j) before[j] = before[j + 1];
      before[kBefore - 1] = now;
    }
    [[unroll]] for (uint j = 0; j < kBefore; ++j) state.at[j * p.channels] = before[j];
  }
}
