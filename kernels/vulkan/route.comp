// Chooses the experts of a row by the router's products: a workgroup each. Equal scores: the lower number.
#version 460
#extension GL_GOOGLE_include_directive : require

const uint kThreads = 64;
layout(local_size_x = kThreads) in;

#include "kernels/vulkan/activation.glsl"
#include "kernels/vulkan/batch.glsl"
#include "kernels/vulkan/reduce.glsl"

layout(buffer_reference, scalar, buffer_reference_align = 4) coherent buffer SharedFloats { float at[]; };

// products: [rows x count], become probabilities; scores: [rows x (count + groups)] of scratch
layout(push_constant, scalar) uniform Parameters {
  uint64_t products, scores, selection_bias, out_, batch;
  uint count, used, groups, groups_used, softmax, normalised, rows_at;
  float scale;
} p;

const float kNever = -3.0e38;

shared float best_values[kThreads];
shared uint best_places[kThreads];

void settle() {
  memoryBarrierBuffer();
  barrier();
}

// The place of the largest of values[count], the first of several, the same for all threads.
uint largest_of(SharedFloats values, uint count) {
  float best = kNever;
  uint place = count;
  for (uint i = gl_LocalInvocationIndex; i < count; i += kThreads) {
    const float value = values.at[i];
    if (value > best) {
      best = value;
      place = i;
    }
  }
  best_values[gl_LocalInvocationIndex] = best;
  best_places[gl_LocalInvocationIndex] = place;
  barrier();
  for (uint i = 0; i < kThreads; ++i) {
    const bool ahead = best_values[i] > best || best_values[i] == best && best_places[i] < place;
    if (ahead) {
      best = best_values[i];
      place = best_places[i];
    }
  }
  barrier();
  return min(place, count - 1);
}

// Of each group the sum of its two largest scores; only the best groups' experts stay open.
void close_groups(SharedFloats scores) {
  SharedFloats sums = SharedFloats(uint64_t(scores) + 4 * p.count);
  const uint size = p.count / p.groups;
  for (uint g = gl_LocalInvocationIndex; g < p.groups; g += kThreads) {
    float first = kNever, second = kNever;
    for (uint i = g * size; i < (g + 1) * size; ++i) {
      const float value = scores.at[i];
      second = max(second, min(first, value));
      first = max(first, value);
    }
    sums.at[g] = size > 1 ? first + second : first;
  }
  settle();
  for (uint chosen = 0; chosen < p.groups_used; ++chosen) {
    const uint best = largest_of(sums, p.groups);
    if (gl_LocalInvocationIndex == 0) sums.at[best] = kNever;  // marks it as chosen
    settle();
  }
  for (uint i = gl_LocalInvocationIndex; i < p.count; i += kThreads)
    if (sums.at[i / size] != kNever) scores.at[i] = kNever;
  settle();
}

void main() {
  const uint row = gl_WorkGroupID.y, thread = gl_LocalInvocationIndex;
  if (row >= BatchWords(p.batch).word[p.rows_at]) return;
  SharedFloats probabilities = SharedFloats(p.products + 4 * uint64_t(row) * p.count);
  SharedFloats scores = SharedFloats(p.scores + 4 * uint64_t(row) * (p.count + p.groups));
  float top = 0, sum = 1;
  if (p.softmax != 0) {
    top = kNever;
    for (uint i = thread; i < p.count; i += kThreads) top = max(top, probabilities.at[i]);
    top = workgroup_max(top);
    sum = 0;
    for (uint i = thread; i < p.count; i += kThreads) sum += exp(probabilities.at[i] - top);
    sum = workgroup_sum(sum);
  }
  for (uint i = thread; i < p.count; i += kThreads) {
    const float product = probabilities.at[i];
    const float probability = p.softmax != 0 ? exp(product - top) / sum : sigmoid(product);
    probabilities.at[i] = probability;
    scores.at[i] = p.selection_bias != 0 ? probability + Floats(p.selection_bias).at[i] : probability;
  }
  settle();
  if (p.groups > 1) close_groups(scores);
  Floats chosen = Floats(p.out_ + 4 * uint64_t(row) * 2 * p.used);
  float weights = 0;
  for (uint e = 0; e < p.used; ++e) {
    const uint best = largest_of(scores, p.count);
    weights += probabilities.at[best];
    if (thread == 0) {
      chosen.at[e] = float(best);
      scores.at[best] = kNever;
    }
    settle();
  }
  const float factor = p.scale / (p.normalised != 0 ? weights : 1.0);
  if (thread != 0) return;
  for (uint e = 0; e < p.used; ++e) chosen.at[p.used + e] = probabilities.at[uint(chosen.at[e])] * factor;
}
