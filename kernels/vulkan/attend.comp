// Attention of one head of one row: a workgroup goes through the positions that the row sees, kThreads at a time, and
// keeps the largest score, the sum of the weights and the weighted sum of the values so far.
#version 460
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require

const uint kThreads = 128;
layout(local_size_x = kThreads) in;

#include "kernels/vulkan/batch.glsl"
#include "kernels/vulkan/cache.glsl"
#include "kernels/vulkan/reduce.glsl"
#include "kernels/vulkan/softcap.glsl"

layout(constant_id = 1) const uint kHeadRoom = 128;      // at least head_size
layout(constant_id = 2) const uint kValuesOfThread = 1;  // so that all threads together have value_size or more

layout(push_constant, scalar) uniform Parameters {
  uint64_t q, out_, keys, values, sinks, batch;
  uint heads, kv_heads, head_size, value_size;
  uint key_width, value_width;  // of a row of the cache
  uint page_size, window, causal;
  float scale, softcap;
} p;

const uint kParts = 8;  // threads that share the product of a key with q
const float kNever = -3.0e38;

shared float query[kHeadRoom];
shared float part_sums[kThreads * kParts];
shared float weights[kThreads];
shared uint64_t value_rows[kThreads];

void main() {
  BatchWords batch = BatchWords(p.batch);
  const uint row = gl_WorkGroupID.y, head = gl_WorkGroupID.x, thread = gl_LocalInvocationIndex;
  if (row >= batch.word[kRows]) return;
  const uint sequence = batch.word[batch.word[kSequenceOfRow] + row];
  const uint last_row = p.causal != 0 ? row : batch.word[batch.word[kRowBegin] + sequence + 1] - 1;
  const uint end = batch.word[batch.word[kPositions] + last_row] + 1;
  const uint begin = p.window != 0 && end > p.window ? end - p.window : 0;
  const uint kv_head = head / (p.heads / p.kv_heads);
  const uint64_t key_bytes = kv_row_bytes(p.key_width), value_bytes = kv_row_bytes(p.value_width);

  for (uint i = thread; i < p.head_size; i += kThreads)
    query[i] = Floats(p.q + 4 * (uint64_t(row) * p.heads + head) * p.head_size).at[i] * p.scale;
  float sums[kValuesOfThread];
  [[unroll]] for (uint i = 0; i < kValuesOfThread; ++i) sums[i] = 0;
  float top = p.sinks != 0 ? Floats(p.sinks).at[head] : kNever;
  float total = p.sinks != 0 ? 1 : 0;
  barrier();

  for (uint first = begin; first < end; first += kThreads) {
    const uint count = min(kThreads, end - first);
    for (uint i = thread / kParts; i < count; i += kThreads / kParts) {
      const uint64_t cell = cell_of(batch, sequence, first + i, p.page_size);
      const uint64_t key = p.keys + cell * key_bytes;
      float sum = 0;
      for (uint j = thread % kParts; j < p.head_size; j += kParts)
        sum = fma(query[j], load_kv(key, kv_head * p.head_size + j), sum);
      part_sums[i * kParts + thread % kParts] = sum;
      if (thread % kParts == 0) value_rows[i] = p.values + cell * value_bytes;
    }
    barrier();
    float score = kNever;
    if (thread < count) {
      score = 0;
      for (uint i = 0; i < kParts; ++i) score += part_sums[thread * kParts + i];
      if (p.softcap != 0) score = softcapped(score, p.softcap);
    }
    const float now = max(top, workgroup_max(score));
    const float weight = thread < count ? exp(score - now) : 0;
    weights[thread] = weight;
    const float shrink = exp(top - now);
    total = total * shrink + workgroup_sum(weight);
    top = now;
    [[unroll]] for (uint i = 0; i < kValuesOfThread; ++i) {
      const uint j = thread + i * kThreads;
      if (j < p.value_size) {
        float sum = sums[i] * shrink;
        for (uint c = 0; c < count; ++c) sum = fma(weights[c], load_kv(value_rows[c], kv_head * p.value_size + j), sum);
        sums[i] = sum;
      }
    }
    barrier();
  }
  [[unroll]] for (uint i = 0; i < kValuesOfThread; ++i) {
    const uint j = thread + i * kThreads;
    if (j < p.value_size)
      Floats(p.out_ + 4 * (uint64_t(row) * p.heads + head) * p.value_size).at[j] = sums[i] / total;
  }
}
