// The largest of what the chunks of a row left, in their order: a workgroup for each row.
#version 460
#extension GL_GOOGLE_include_directive : require

const uint kThreads = 256, kMostChosen = 256;
layout(local_size_x = kThreads) in;

#include "kernels/vulkan/candidates.glsl"

layout(push_constant, scalar) uniform Parameters {
  uint64_t pairs, out_, batch;
  uint chunks, unused;
} p;

Pairs pairs;
uint pair_count;
shared uint taken;
shared uvec2 best[kMostChosen];

uint reached(uint x) {
  uint count = 0;
  for (uint i = gl_LocalInvocationIndex; i < pair_count; i += kThreads) count += uint(pairs.at[i].x >= x);
  return count;
}
uint tokens_reached(uint key, uint x) {
  uint count = 0;
  for (uint i = gl_LocalInvocationIndex; i < pair_count; i += kThreads)
    count += uint(pairs.at[i].x == key && ~pairs.at[i].y >= x);
  return count;
}

void main() {
  BatchWords batch = BatchWords(p.batch);
  if (gl_WorkGroupID.y >= batch.word[kChosenOutputs]) return;
  const ChosenRow one = chosen_row(batch, gl_WorkGroupID.y);
  const uint t = gl_LocalInvocationIndex;
  pairs = Pairs(p.pairs + 8 * uint64_t(one.before) * p.chunks);
  pair_count = one.wanted * p.chunks;
  const Chosen chosen = choose(one.wanted);
  if (t == 0) taken = 0;
  barrier();
  for (uint i = t; i < pair_count; i += kThreads) {
    const uvec2 pair = pairs.at[i];
    if (takes(chosen, pair.x, pair.y)) best[atomicAdd(taken, 1)] = pair;
  }
  barrier();
  Pairs result = Pairs(p.out_ + 8 * uint64_t(one.before));
  if (t < taken) {
    const uvec2 pair = best[t];
    uint place = 0;  // before which others come
    for (uint i = 0; i < taken; ++i) place += uint(best[i].x > pair.x || best[i].x == pair.x && best[i].y < pair.y);
    result.at[place] = uvec2(bits_of_order(pair.x), pair.y);
  } else if (t < one.wanted) {
    result.at[t] = uvec2(0x7fc00000u, 0xffffffffu);
  }
}
