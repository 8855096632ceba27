// Before a step: copies places for states, in their order, and makes those anew whose sequences begin. A thread does
// all of that for one value of one state.
#version 460
#extension GL_GOOGLE_include_directive : require

#include "kernels/vulkan/batch.glsl"

layout(local_size_x = 256) in;

layout(push_constant, scalar) uniform Parameters {
  uint64_t states, batch;  // [places x width]
  uint width;
} p;

void main() {
  BatchWords batch = BatchWords(p.batch);
  const uint index = gl_GlobalInvocationID.x;
  if (index >= p.width) return;
  const uint copies = batch.word[kCopiedStates], states = batch.word[kStates], begins = batch.word[kRowBegin];
  for (uint i = 0; i < batch.word[kStateCopies]; ++i) {
    const uint64_t from = batch.word[copies + 2 * i], to = batch.word[copies + 2 * i + 1];
    Floats(p.states + 4 * to * p.width).at[index] = Floats(p.states + 4 * from * p.width).at[index];
  }
  for (uint s = 0; s < batch.word[kSequences]; ++s) {
    const uint first = batch.word[begins + s];
    if (first == batch.word[begins + s + 1] || batch.word[batch.word[kPositions] + first] != 0) continue;
    Floats(p.states + 4 * uint64_t(batch.word[states + s]) * p.width).at[index] = 0;
  }
}
