// The gated delta rule along the rows of a sequence: a workgroup follows some columns of one head's matrix, a thread
// each.
#version 460
#extension GL_GOOGLE_include_directive : require

const uint kThreads = 64;
layout(local_size_x = kThreads) in;

#include "kernels/vulkan/activation.glsl"
#include "kernels/vulkan/batch.glsl"
#include "kernels/vulkan/reduce.glsl"

layout(constant_id = 0) const uint kKeyRoom = 128;  // at least key_size

layout(push_constant, scalar) uniform Parameters {
  uint64_t in_, decay, beta, out_, rate, decay_bias, states, batch;
  uint key_heads, heads, key_size, value_size, cyclic;
  float eps;
} p;

shared float query[kKeyRoom];
shared float key[kKeyRoom];

float softplus(float x) { return x > 30.0 ? x : log(1.0 + exp(x)); }

void main() {
  BatchWords batch = BatchWords(p.batch);
  const uint head = gl_WorkGroupID.z, thread = gl_LocalInvocationIndex;
  const uint column = gl_GlobalInvocationID.x;
  const bool mine = column < p.value_size;
  const uint shared_head = p.cyclic != 0 ? head % p.key_heads : head / (p.heads / p.key_heads);
  const uint width = 2 * p.key_heads * p.key_size + p.heads * p.value_size;
  for (uint s = gl_WorkGroupID.y; s < batch.word[kSequences]; s += gl_NumWorkGroups.y) {
    const uint begin = batch.word[batch.word[kRowBegin] + s], end = batch.word[batch.word[kRowBegin] + s + 1];
    if (begin == end) continue;
    const uint64_t place = batch.word[batch.word[kStates] + s];
    Floats matrix = Floats(p.states + 4 * ((place * p.heads + head) * p.key_size * p.value_size + column));
    for (uint row = begin; row < end; ++row) {
      Floats from = Floats(p.in_ + 4 * uint64_t(row) * width);
      float q_squares = 0, k_squares = 0;
      barrier();  // those of the row before were read
      for (uint i = thread; i < p.key_size; i += kThreads) {
        const float q = from.at[shared_head * p.key_size + i];
        const float k = from.at[(p.key_heads + shared_head) * p.key_size + i];
        query[i] = q;
        key[i] = k;
        q_squares = fma(q, q, q_squares);
        k_squares = fma(k, k, k_squares);
      }
      const float q_scale = 1.0 / (max(sqrt(workgroup_sum(q_squares)), p.eps) * sqrt(float(p.key_size)));
      const float k_scale = 1.0 / max(sqrt(workgroup_sum(k_squares)), p.eps);
      const uint64_t scalar = 4 * (uint64_t(row) * p.heads + head);
      const float x = Floats(p.decay + scalar).at[0] + Floats(p.decay_bias).at[head];
      const float decay = exp(Floats(p.rate).at[head] * softplus(x));
      const float beta = sigmoid(Floats(p.beta + scalar).at[0]);
      if (mine) {
        float known = 0;
        for (uint i = 0; i < p.key_size; ++i) known = fma(key[i], matrix.at[i * p.value_size], known);
        known *= decay * k_scale;
        const float v = from.at[2 * p.key_heads * p.key_size + head * p.value_size + column];
        const float change = beta * (v - known) * k_scale;
        float result = 0;
        for (uint i = 0; i < p.key_size; ++i) {
          const float now = fma(key[i], change, decay * matrix.at[i * p.value_size]);
          matrix.at[i * p.value_size] = now;
          result = fma(query[i], now, result);
        }
        Floats(p.out_ + 4 * (uint64_t(row) * p.heads + head) * p.value_size).at[column] = result * q_scale;
      }
    }
  }
}
