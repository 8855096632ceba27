// Attention of some heads of one row that share a head of the cache, over all positions that the row sees or a part of
// them. A thread makes the scores of one position for all heads, so that a key is read once. Then kLanes threads make
// the softmax of a head, and a thread the sums of 4 values for all heads over every so many positions.
#version 460
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require

#include "kernels/vulkan/batch.glsl"
#include "kernels/vulkan/attention.glsl"
#include "kernels/vulkan/cache.glsl"
#include "kernels/vulkan/cache_vectors.glsl"
#include "kernels/vulkan/softcap.glsl"

layout(local_size_x = kThreads) in;

layout(constant_id = 1) const uint kHeads = 1;
layout(constant_id = 2) const uint kHeadRoom = 128;  // head_size or more, a multiple of 64

layout(push_constant, scalar) uniform Parameters {
  uint64_t q, out_, keys, values, sinks, batch, parts;
  uint heads, kv_heads, head_size, value_size;
  uint key_width, value_width;  // of a row of the cache
  uint page_size, window, causal;
  float scale, softcap;
  uint packed_heads, most_parts;
} p;

const uint kLanes = 16;    // threads that share the softmax of a head
const uint kMostValues = 512;  // of a workgroup

shared vec4 query[kHeads * kHeadRoom / 4];
shared float weights[kThreads * kHeads];  // [positions x heads]: scores, then what softmax makes of them
shared uint64_t value_rows[kThreads];
shared vec4 sums[kThreads];
shared vec4 lane_results[kThreads / 4];
shared float shrinks[kHeads];
shared Factors factors[kHeads];
shared float totals[kHeads];

float largest(vec4 x) { return max(max(x[0], x[1]), max(x[2], x[3])); }
float sum_of(vec4 x) { return x[0] + x[1] + (x[2] + x[3]); }

void main() {
  BatchWords batch = BatchWords(p.batch);
  const uint row = gl_WorkGroupID.y, thread = gl_LocalInvocationIndex;
  if (row >= batch.word[kRows]) return;
  const Seen seen = seen_by(batch, row, p.causal, p.window);
  const bool of_part = p.parts != 0;
  const uint first_part = of_part ? gl_WorkGroupID.z : 0, last_part = of_part ? first_part + 1 : seen.parts;
  if (first_part >= seen.parts) return;

  const uint group = p.heads / p.kv_heads, packs = (group + kHeads - 1) / kHeads;
  const uint slices = (p.value_size + kMostValues - 1) / kMostValues;
  const uint slice = gl_WorkGroupID.x % slices, pack = gl_WorkGroupID.x / slices % packs;
  const uint kv_head = gl_WorkGroupID.x / slices / packs;
  const uint heads = min(kHeads, group - pack * kHeads), first_of_row = kv_head * group + pack * kHeads;
  const uint64_t first_head = uint64_t(row) * p.heads + first_of_row;
  const uint first_value = slice * kMostValues, values = min(kMostValues, p.value_size - first_value);
  const uint64_t key_bytes = kv_row_bytes(p.key_width), value_bytes = kv_row_bytes(p.value_width);

  Floats q = Floats(p.q + 4 * first_head * p.head_size);
  for (uint i = thread; i < kHeads * kHeadRoom; i += kThreads) {
    const uint head = i / kHeadRoom, j = i % kHeadRoom;
    query[i / 4][i % 4] = head < heads && j < p.head_size ? q.at[head * p.head_size + j] * p.scale : 0;
  }
  // Of the softmax: the head, and what all parts before and this one make.
  const uint own = thread / kLanes, lane = thread % kLanes;
  const bool has_own = own < heads;
  Running all = begin_running(has_own ? p.sinks : 0, first_of_row + own);
  // Of the sums: 4 values, of which positions. Sums of all parts lie with the result, a few of which a thread owns.
  const uint fours = (values + 3) / 4, sharing = kThreads / fours;
  const uint four = thread % fours, share = thread / fours;
  barrier();

  for (uint part = first_part; part < last_part; ++part) {
    const uint begin = seen.begin + part * seen.part, end = min(begin + seen.part, seen.end);
    Running of = Running(kNever, 0);
    vec4 sum[kHeads];
    [[unroll]] for (uint head = 0; head < kHeads; ++head) sum[head] = vec4(0);
    for (uint first = begin; first < end; first += kThreads) {
      const uint count = min(kThreads, end - first);
      if (thread < count) {
        const uint64_t cell = cell_of(batch, seen.sequence, first + thread, p.page_size);
        const uint64_t key = p.keys + cell * key_bytes;
        value_rows[thread] = p.values + cell * value_bytes;
        float score[kHeads];
        [[unroll]] for (uint head = 0; head < kHeads; ++head) score[head] = 0;
        for (uint j = 0; j < p.head_size; j += 8) {
          vec4 x[2];
          load_eight(key, kv_head * p.head_size + j, p.head_size - j, x);
          [[unroll]] for (uint head = 0; head < kHeads; ++head)
            [[unroll]] for (uint side = 0; side < 2; ++side) {
              const vec4 y = query[(head * kHeadRoom + j) / 4 + side];
              [[unroll]] for (uint i = 0; i < 4; ++i) score[head] = fma(y[i], x[side][i], score[head]);
            }
        }
        [[unroll]] for (uint head = 0; head < kHeads; ++head)
          weights[thread * kHeads + head] = p.softcap != 0 ? softcapped(score[head], p.softcap) : score[head];
      }
      barrier();
      const uint own_count = has_own ? count : 0, own_lanes = min(own_count, kLanes);
      float top = kNever;
      for (uint i = lane; i < own_count; i += kLanes) top = max(top, weights[i * kHeads + own]);
      lane_results[thread / 4][thread % 4] = top;
      barrier();
      top = of.top;
      for (uint i = 0; i < own_lanes; i += 4) top = max(top, largest(lane_results[(own * kLanes + i) / 4]));
      barrier();
      float total = 0;
      for (uint i = lane; i < own_count; i += kLanes) {
        const float weight = exp(weights[i * kHeads + own] - top);
        weights[i * kHeads + own] = weight;
        total += weight;
      }
      lane_results[thread / 4][thread % 4] = total;
      const float shrink = exp(of.top - top);
      if (lane == 0 && own < kHeads) shrinks[own] = shrink;
      barrier();
      total = 0;
      for (uint i = 0; i < own_lanes; i += 4) total += sum_of(lane_results[(own * kLanes + i) / 4]);
      of = Running(top, fma(of.total, shrink, total));
      [[unroll]] for (uint head = 0; head < kHeads; ++head) sum[head] *= shrinks[head];
      if (share < sharing)
        for (uint at = share; at < count; at += sharing) {
          const vec4 x =
              load_four(value_rows[at], kv_head * p.value_size + first_value + four * 4, values - four * 4);
          [[unroll]] for (uint head = 0; head < kHeads; ++head)
            sum[head] = fma(vec4(weights[at * kHeads + head]), x, sum[head]);
        }
      barrier();
    }

    if (of_part && slice == 0 && has_own && lane == 0) {
      Floats left = place_of_part(p.parts, first_head + own, p.most_parts, part, p.value_size);
      left.at[0] = of.top;
      left.at[1] = of.total;
    }
    const Factors own_factors = join(all, of);
    if (has_own && lane == 0) {
      factors[own] = of_part ? Factors(0, 1) : own_factors;
      totals[own] = of_part ? 1 : all.total;
    }
    for (uint head = 0; head < heads; ++head) {
      // Sums are kept in registers, and barriers are few in the code.
      vec4 of_head = sum[0];
      [[unroll]] for (uint i = 1; i < kHeads; ++i)
        if (i == head) of_head = sum[i];
      sums[thread] = of_head;
      barrier();
      Floats to = Floats(p.out_ + 4 * (first_head + head) * p.value_size);
      if (of_part) to = place_of_part(p.parts, first_head + head, p.most_parts, part, p.value_size);
      const uint at = first_value + (of_part ? 2 : 0);
      for (uint j = thread; j < values; j += kThreads) {
        float made = 0;
        for (uint i = 0; i < sharing; ++i) made += sums[i * fours + j / 4][j % 4];
        const float so_far = joined(part == first_part ? 0 : to.at[at + j], factors[head], made);
        to.at[at + j] = part + 1 == last_part ? so_far / totals[head] : so_far;
      }
      barrier();
    }
  }
}
