// Turns the heads of q and of k in place, one workgroup for each head of a row; q is also multiplied by its temperature.
#version 460
#extension GL_GOOGLE_include_directive : require

#include "kernels/vulkan/batch.glsl"

const uint kThreads = 64;
layout(local_size_x = kThreads) in;

layout(push_constant, scalar) uniform Parameters {
  uint64_t q, k, batch;
  uint q_heads, k_heads, head_size, first, pairs;
  uint row_pairs;    // of all tables: angles of a row lie [row_pairs][cosine, sine]
  uint first_pair;   // of this table's
  uint adjacent;
  float temperature;
  uint temperature_span;
} p;

void main() {
  BatchWords batch = BatchWords(p.batch);
  const uint row = gl_WorkGroupID.y, head = gl_WorkGroupID.x;
  if (row >= batch.word[kRows]) return;
  const bool is_q = head < p.q_heads;
  const uint64_t index = is_q ? uint64_t(row) * p.q_heads + head : uint64_t(row) * p.k_heads + (head - p.q_heads);
  Floats values = Floats((is_q ? p.q : p.k) + 4 * index * p.head_size);
  float factor = 1;
  if (is_q && p.temperature != 0)
    factor += p.temperature * log(1.0 + float(batch.word[batch.word[kPositions] + row] / p.temperature_span));
  const uint angles = batch.word[kRopeAngles] + 2 * (row * p.row_pairs + p.first_pair);
  for (uint i = gl_LocalInvocationIndex; i < p.pairs; i += kThreads) {
    const uint x_at = p.first + (p.adjacent != 0 ? 2 * i : i);
    const uint y_at = p.first + (p.adjacent != 0 ? 2 * i + 1 : i + p.pairs);
    const float cosine = uintBitsToFloat(batch.word[angles + 2 * i]);
    const float sine = uintBitsToFloat(batch.word[angles + 2 * i + 1]);
    const float x = values.at[x_at], y = values.at[y_at];
    values.at[x_at] = (x * cosine - y * sine) * factor;
    values.at[y_at] = (x * sine + y * cosine) * factor;
  }
  if (factor == 1) return;
  for (uint i = gl_LocalInvocationIndex; i < p.head_size; i += kThreads)
    if (i < p.first || i >= p.first + 2 * p.pairs) values.at[i] *= factor;
}
