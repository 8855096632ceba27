// The largest logits of each chunk of a row, in any order: a workgroup for each.
#version 460
#extension GL_GOOGLE_include_directive : require

const uint kThreads = 256, kChunk = 4096, kOfThread = kChunk / kThreads;
layout(local_size_x = kThreads) in;

#include "kernels/vulkan/candidates.glsl"
#include "kernels/vulkan/softcap.glsl"

layout(push_constant, scalar) uniform Parameters {
  uint64_t in_, pairs, batch;
  uint width;
  float softcap;
} p;

uint keys[kOfThread];
shared uint taken;

uint token_of(uint i) { return gl_WorkGroupID.x * kChunk + i * kThreads + gl_LocalInvocationIndex; }

uint reached(uint x) {
  uint count = 0;
  for (uint i = 0; i < kOfThread; ++i) count += uint(keys[i] >= x);
  return count;
}
uint tokens_reached(uint key, uint x) {
  uint count = 0;
  for (uint i = 0; i < kOfThread; ++i) count += uint(keys[i] == key && ~token_of(i) >= x);
  return count;
}

void main() {
  BatchWords batch = BatchWords(p.batch);
  if (gl_WorkGroupID.y >= batch.word[kChosenOutputs]) return;
  const ChosenRow one = chosen_row(batch, gl_WorkGroupID.y);
  Floats logits = Floats(p.in_ + 4 * uint64_t(one.row) * p.width);
  for (uint i = 0; i < kOfThread; ++i) {
    keys[i] = 0;
    if (token_of(i) >= p.width) continue;
    const float value = logits.at[token_of(i)];
    keys[i] = ordered_float(p.softcap != 0 ? softcapped(value, p.softcap) : value);
  }
  const Chosen chosen = choose(one.wanted);
  if (gl_LocalInvocationIndex == 0) taken = 0;
  barrier();
  Pairs pairs = Pairs(p.pairs + 8 * (uint64_t(one.before) * gl_NumWorkGroups.x + uint64_t(gl_WorkGroupID.x) * one.wanted));
  for (uint i = 0; i < kOfThread; ++i)
    if (takes(chosen, keys[i], token_of(i))) pairs.at[atomicAdd(taken, 1)] = uvec2(keys[i], token_of(i));
  barrier();
  for (uint i = taken + gl_LocalInvocationIndex; i < one.wanted; i += kThreads) pairs.at[i] = uvec2(0, 0);
}
