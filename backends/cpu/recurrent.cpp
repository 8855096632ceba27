// Linear attention: what one thread does for convolutions, delta rules and gates, and the states they keep.
#include <algorithm>
#include <cmath>

#include "backends/cpu/plan.h"

namespace hearth::cpu {

// Before the threads start; a copy takes far less than a row.
void CpuPlan::copy_states() {
  for (const Batch::Copy& copy : batch_->state_copies)
    if (copy.from != copy.to)
      std::copy_n(states_.data() + copy.from * state_floats_, state_floats_, states_.data() + copy.to * state_floats_);
}

void CpuPlan::read_state(uint32_t place, std::span<float> values) const {
  check_state(place, values.size(), program_, limits_);
  std::copy_n(states_.data() + place * state_floats_, state_floats_, values.begin());
}

void CpuPlan::write_state(uint32_t place, std::span<const float> values) {
  check_state(place, values.size(), program_, limits_);
  std::copy(values.begin(), values.end(), states_.data() + place * state_floats_);
}

// Threads share out the channels.
void CpuPlan::run(const Convolve& op, uint32_t thread) {
  const uint32_t channels = width(op.in), taps = static_cast<uint32_t>(weight(op.kernel).width);
  const Range range = share(thread, channels, 16);
  const uint32_t count = range.end - range.begin;
  for_each_sequence([&](uint32_t sequence, uint32_t first, uint32_t rows) {
    float* history = state(op.state, batch_->states[sequence]) + range.begin;
    if (batch_->positions[first] == 0)
      for (uint32_t j = 0; j + 1 < taps; ++j) std::fill_n(history + size_t{j} * channels, count, 0.0f);
    for (uint32_t i = first; i < first + rows; ++i) {
      float* x = row(op.out, i) + range.begin;
      if (op.in != op.out) std::copy_n(row(op.in, i) + range.begin, count, x);
      kernels_.convolve(x, history, vectors_[op.kernel].data() + range.begin, taps, channels, count);
      activate(op.act, x, count);
    }
  });
}

// First what all heads read, by rows; then threads share out the heads of all sequences.
void CpuPlan::run(const DeltaRule& op, uint32_t thread) {
  const uint32_t keys = op.key_heads * op.key_size;
  const Range mine = share(thread, rows_, 1);
  for (uint32_t i = mine.begin; i < mine.end; ++i) {
    for (uint32_t head = 0; head < 2 * op.key_heads; ++head) {
      const float* from = row(op.in, i) + size_t{head} * op.key_size;
      float* to = keys_.data() + size_t{i} * 2 * keys + size_t{head} * op.key_size;
      double squares = 0;
      for (uint32_t j = 0; j < op.key_size; ++j) squares += double{from[j]} * double{from[j]};
      double length = std::max(std::sqrt(squares), double{op.eps});
      if (head < op.key_heads) length *= std::sqrt(static_cast<double>(op.key_size));
      const auto factor = static_cast<float>(1 / length);
      for (uint32_t j = 0; j < op.key_size; ++j) to[j] = from[j] * factor;
    }
    float* decay = decays_.data() + size_t{i} * 2 * op.heads;
    for (uint32_t head = 0; head < op.heads; ++head) {
      const double x = double{row(op.decay, i)[head]} + double{vectors_[op.decay_bias][head]};
      const double softplus = x > 30 ? x : std::log1p(std::exp(x));
      decay[head] = static_cast<float>(std::exp(double{vectors_[op.rate][head]} * softplus));
      decay[op.heads + head] = static_cast<float>(1 / (1 + std::exp(-double{row(op.beta, i)[head]})));
    }
  }
  pool_->barrier();
  const auto sequences = static_cast<uint32_t>(batch_->states.size());
  const Range tasks = share(thread, sequences * op.heads, 1);
  for (uint32_t task = tasks.begin; task < tasks.end; ++task) {
    const uint32_t sequence = task / op.heads, head = task % op.heads, first = batch_->row_begin[sequence];
    const uint32_t count = batch_->row_begin[sequence + 1] - first;
    if (count == 0) continue;
    const uint32_t shared = op.cyclic ? head % op.key_heads : head / (op.heads / op.key_heads);
    const size_t matrix = size_t{op.key_size} * op.value_size;
    const float* q = keys_.data() + size_t{first} * 2 * keys + size_t{shared} * op.key_size;
    const float* decay = decays_.data() + size_t{first} * 2 * op.heads + head;
    const DeltaRows rows{.q = q,
                         .k = q + keys,
                         .v = row(op.in, first) + 2 * keys + size_t{head} * op.value_size,
                         .decay = decay,
                         .beta = decay + op.heads,
                         .out = row(op.out, first) + size_t{head} * op.value_size,
                         .key_stride = size_t{2} * keys,
                         .value_stride = width(op.in),
                         .head_stride = size_t{2} * op.heads,
                         .out_stride = width(op.out),
                         .count = count,
                         .key_size = op.key_size,
                         .value_size = op.value_size,
                         .state = state(op.state, batch_->states[sequence]) + head * matrix};
    if (batch_->positions[first] == 0) std::fill_n(rows.state, matrix, 0.0f);
    kernels_.delta_rule(rows);
  }
}

void CpuPlan::run(const Gate& op, uint32_t thread) {
  const Range rows = share(thread, rows_, 1);
  const auto multiply = op.act == Activation::silu ? kernels_.silu_multiply : kernels_.sigmoid_multiply;
  const uint32_t count = width(op.out);
  float* gate = own_[thread].normed.data();
  for (uint32_t i = rows.begin; i < rows.end; ++i) {
    std::copy_n(row(op.gate, i), count, gate);
    multiply(gate, row(op.in, i), count);
    std::copy_n(gate, count, row(op.out, i));
  }
}

}  // namespace hearth::cpu
