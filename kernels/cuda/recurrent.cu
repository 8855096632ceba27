// Kernels of layers that keep states: copies of states, convolution, the gated delta rule.
#include "kernels/cuda/activation.h"
#include "kernels/cuda/batch.h"
#include "kernels/cuda/reduce.h"
#include "kernels/gpu/row_parameters.h"

namespace hearth::cuda {

// Before a step: copies places for states, in their order, and makes those anew whose sequences begin. A thread does
// all of that for one value of one state.
HEARTH_DEVICE void states(const gpu::StatesParameters& p, const Constants&) {
  const BatchWords batch(p.batch);
  const uint32_t index = block_index().x * 256 + thread_index();
  if (index >= p.width) return;
  for (uint32_t i = 0; i < batch.word(Header::state_copies); ++i) {
    const uint64_t from = batch.at(Header::copied_states, 2 * i), to = batch.at(Header::copied_states, 2 * i + 1);
    write(p.states, to * p.width + index, read<float>(p.states, from * p.width + index));
  }
  for (uint32_t s = 0; s < batch.word(Header::sequences); ++s) {
    const uint32_t first = batch.at(Header::row_begin, s);
    if (first == batch.at(Header::row_begin, s + 1) || batch.at(Header::positions, first) != 0) continue;
    write(p.states, static_cast<uint64_t>(batch.at(Header::states, s)) * p.width + index, 0.0f);
  }
}
HEARTH_KERNEL(states, 256, gpu::StatesParameters, states)

constexpr uint32_t kUsualBefore = 3;
constexpr uint32_t kMostBefore = 63;

// Convolution along the rows of a sequence; a thread follows one channel. in and out may be the same. Constant 0: how
// many rows before a row it has taps for, kMost or less; kUsualBefore where kMost is that.
template <uint32_t kMost>
HEARTH_DEVICE void convolve(const gpu::ConvolveParameters& p, const Constants& c) {
  const BatchWords batch(p.batch);
  const uint32_t before = kMost == kUsualBefore ? kUsualBefore : c.at[0],
                 channel = block_index().x * 64 + thread_index();
  if (channel >= p.channels) return;
  const auto kernel = floats_at(p.kernel, static_cast<uint64_t>(channel) * (before + 1));
  for (uint32_t s = block_index().y; s < batch.word(Header::sequences); s += grid_size().y) {
    const uint32_t begin = batch.at(Header::row_begin, s), end = batch.at(Header::row_begin, s + 1);
    if (begin == end) continue;
    const uint64_t place = batch.at(Header::states, s);
    const auto state = floats_at(p.states, place * before * p.channels + channel);
    float past[kMost];  // the oldest first
    for (uint32_t j = 0; j < before; ++j) past[j] = state[static_cast<uint64_t>(j) * p.channels];
    for (uint32_t row = begin; row < end; ++row) {
      const uint64_t at = static_cast<uint64_t>(row) * p.channels + channel;
      const float now = read<float>(p.in, at);
      float sum = kernel[before] * now;
      for (uint32_t j = 0; j < before; ++j) sum = fma(kernel[j], past[j], sum);
      write(p.out, at, activate(p.act, sum));
      for (uint32_t j = 0; j + 1 < before; ++j) past[j] = past[j + 1];
      if (before > 0) past[before - 1] = now;
    }
    for (uint32_t j = 0; j < before; ++j) state[static_cast<uint64_t>(j) * p.channels] = past[j];
  }
}
HEARTH_KERNEL(convolve_3, 64, gpu::ConvolveParameters, convolve<kUsualBefore>)
HEARTH_KERNEL(convolve, 64, gpu::ConvolveParameters, convolve<kMostBefore>)

HEARTH_DEVICE float softplus(float x) { return x > 30.0f ? x : log(1.0f + exp(x)); }

// The gated delta rule along the rows of a sequence: a block follows some columns of one head's matrix, a thread each.
// Constant 0: room for a key, twice of which the shared memory has.
HEARTH_DEVICE void delta_rule(const gpu::DeltaRuleParameters& p, const Constants& c) {
  HEARTH_DYNAMIC_SHARED(float, query_and_key);
  const uint32_t room = c.at[0];
  const BatchWords batch(p.batch);
  const uint32_t head = block_index().z, thread = thread_index(), column = block_index().x * 64 + thread;
  const bool mine = column < p.value_size;
  const uint32_t shared_head = p.cyclic != 0 ? head % p.key_heads : head / (p.heads / p.key_heads);
  const uint32_t width = 2 * p.key_heads * p.key_size + p.heads * p.value_size;
  for (uint32_t s = block_index().y; s < batch.word(Header::sequences); s += grid_size().y) {
    const uint32_t begin = batch.at(Header::row_begin, s), end = batch.at(Header::row_begin, s + 1);
    if (begin == end) continue;
    const uint64_t place = batch.at(Header::states, s);
    const auto matrix = floats_at(p.states, (place * p.heads + head) * p.key_size * p.value_size + column);
    for (uint32_t row = begin; row < end; ++row) {
      const auto from = floats_at(p.in, static_cast<uint64_t>(row) * width);
      float q_squares = 0, k_squares = 0;
      sync_block();  // those of the row before were read
      for (uint32_t i = thread; i < p.key_size; i += 64) {
        const float q = from[shared_head * p.key_size + i];
        const float k = from[(p.key_heads + shared_head) * p.key_size + i];
        query_and_key[i] = q;
        query_and_key[room + i] = k;
        q_squares = fma(q, q, q_squares);
        k_squares = fma(k, k, k_squares);
      }
      const float q_scale = 1.0f / (max(sqrt(block_sum<64>(q_squares)), p.eps) * sqrt(static_cast<float>(p.key_size)));
      const float k_scale = 1.0f / max(sqrt(block_sum<64>(k_squares)), p.eps);
      const uint64_t scalar = static_cast<uint64_t>(row) * p.heads + head;
      const float x = read<float>(p.decay, scalar) + read<float>(p.decay_bias, head);
      const float decay = exp(read<float>(p.rate, head) * softplus(x));
      const float beta = sigmoid(read<float>(p.beta, scalar));
      if (mine) {
        float known = 0;
        for (uint32_t i = 0; i < p.key_size; ++i)
          known = fma(query_and_key[room + i], matrix[static_cast<uint64_t>(i) * p.value_size], known);
        known *= decay * k_scale;
        const float v = from[2 * p.key_heads * p.key_size + head * p.value_size + column];
        const float change = beta * (v - known) * k_scale;
        float result = 0;
        for (uint32_t i = 0; i < p.key_size; ++i) {
          const uint64_t at = static_cast<uint64_t>(i) * p.value_size;
          const float now = fma(query_and_key[room + i], change, decay * matrix[at]);
          matrix[at] = now;
          result = fma(query_and_key[i], now, result);
        }
        write(p.out, scalar * p.value_size + column, result * q_scale);
      }
    }
  }
}
HEARTH_KERNEL(delta_rule, 64, gpu::DeltaRuleParameters, delta_rule)

}  // namespace hearth::cuda
