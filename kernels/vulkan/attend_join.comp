// Joins what attention made of the parts of the positions: a workgroup makes a head of a row.
#version 460
#extension GL_GOOGLE_include_directive : require

#include "kernels/vulkan/batch.glsl"
#include "kernels/vulkan/attention.glsl"

layout(local_size_x = kThreads) in;

layout(push_constant, scalar) uniform Parameters {
  uint64_t parts, out_, sinks, batch;
  uint heads, value_size, most_parts, window, causal;
} p;

void main() {
  BatchWords batch = BatchWords(p.batch);
  const uint row = gl_WorkGroupID.y, head = gl_WorkGroupID.x;
  if (row >= batch.word[kRows]) return;
  const Seen seen = seen_by(batch, row, p.causal, p.window);
  const uint64_t place = uint64_t(row) * p.heads + head;
  for (uint j = gl_LocalInvocationIndex; j < p.value_size; j += kThreads) {
    Running all = begin_running(p.sinks, head);
    float sum = 0;
    for (uint part = 0; part < seen.parts; ++part) {
      Floats left = place_of_part(p.parts, place, p.most_parts, part, p.value_size);
      const Factors factors = join(all, Running(left.at[0], left.at[1]));
      sum = joined(sum, factors, left.at[2 + j]);
    }
    Floats(p.out_ + 4 * place * p.value_size).at[j] = sum / all.total;
  }
}
