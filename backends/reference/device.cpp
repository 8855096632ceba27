// Runs a program op by op, row by row.
#include "backends/reference/device.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "backends/reference/kv.h"
#include "backends/reference/ops.h"

namespace hearth {
namespace {

using namespace reference;

class ReferencePlan : public Plan {
 public:
  ReferencePlan(const Program& program, const Limits& limits)
      : program_(program), limits_(limits), cache_(program, limits), slots_(program.slot_width.size()) {
    for (const uint32_t width : program.state_width) states_.emplace_back(uint64_t{limits.states} * width);
  }

  void submit(const Batch& batch) override {
    check_batch(batch, program_, limits_);
    batch_ = batch;
    rows_ = batch.tokens.size();
    prepare_states();
    sequence_of_row_.resize(rows_);
    for_each_row([&](size_t s, size_t i) { sequence_of_row_[i] = s; });
    for (const Op& op : program_.ops) std::visit([this](const auto& one) { run(one); }, op);
  }
  StepResult wait() override { return {logits_, sent_, candidates_}; }
  void read_page(uint32_t page, uint32_t positions, std::span<std::byte> bytes) const override {
    check_page(page, positions, bytes.size(), program_, limits_);
    const uint64_t size = position_bytes(program_, limits_.kv_type);
    for (uint32_t i = 0; i < positions; ++i)
      cache_.copy_out(uint64_t{page} * limits_.page_size + i, bytes.data() + i * size);
  }
  void write_page(uint32_t page, uint32_t positions, std::span<const std::byte> bytes) override {
    check_page(page, positions, bytes.size(), program_, limits_);
    const uint64_t size = position_bytes(program_, limits_.kv_type);
    for (uint32_t i = 0; i < positions; ++i)
      cache_.copy_in(uint64_t{page} * limits_.page_size + i, bytes.data() + i * size);
  }

  void read_state(uint32_t place, std::span<float> values) const override {
    check_state(place, values.size(), program_, limits_);
    for (StateId id = 0; id < program_.state_width.size(); ++id) {
      const auto from = states_[id].begin() + static_cast<ptrdiff_t>(uint64_t{place} * program_.state_width[id]);
      std::copy_n(from, program_.state_width[id], values.begin());
      values = values.subspan(program_.state_width[id]);
    }
  }
  void write_state(uint32_t place, std::span<const float> values) override {
    check_state(place, values.size(), program_, limits_);
    for (StateId id = 0; id < program_.state_width.size(); ++id) {
      std::copy_n(values.begin(), program_.state_width[id], state(id, place));
      values = values.subspan(program_.state_width[id]);
    }
  }

 private:
  double* row(Slot slot, size_t i) { return &slots_[slot][i * program_.slot_width[slot]]; }
  void resize(Slot slot) { slots_[slot].resize(rows_ * program_.slot_width[slot]); }
  uint32_t width(Slot slot) const { return program_.slot_width[slot]; }
  const Weight& weight(WeightId id) const { return program_.weights[id]; }
  uint64_t cell(size_t sequence, uint32_t position) const {
    return uint64_t{batch_.pages[batch_.page_begin[sequence] + position / limits_.page_size]} * limits_.page_size +
           position % limits_.page_size;
  }
  double* state(StateId id, uint32_t place) { return &states_[id][uint64_t{place} * program_.state_width[id]]; }
  void prepare_states() {
    for (StateId id = 0; id < program_.state_width.size(); ++id) {
      const uint64_t size = program_.state_width[id];
      for (const Batch::Copy& copy : batch_.state_copies) std::copy_n(state(id, copy.from), size, state(id, copy.to));
      for (size_t s = 0; s < batch_.states.size(); ++s)
        if (batch_.row_begin[s] < batch_.row_begin[s + 1] && batch_.positions[batch_.row_begin[s]] == 0)
          std::fill_n(state(id, batch_.states[s]), size, 0.0);
    }
  }
  // Calls f(sequence, row) for every row of the batch.
  template <class F>
  void for_each_row(F&& f) {
    for (size_t s = 0; s + 1 < batch_.row_begin.size(); ++s)
      for (size_t i = batch_.row_begin[s]; i < batch_.row_begin[s + 1]; ++i) f(s, i);
  }
  // How much of a change row `i` has.
  double factor(const Change& change, size_t i) const {
    if (batch_.adapter_scales.empty()) return 0;
    return double{change.factor} *
           double{batch_.adapter_scales[sequence_of_row_[i] * program_.adapters + change.adapter]};
  }
  // out[count] += what adapters add to the `index`-th matrix of a weight times in, which is of row `i`.
  void add_changes(WeightId id, uint64_t index, size_t i, const double* in, double* out, uint64_t count) {
    for (const Change& change : program_.changes_of(id)) {
      const double scale = factor(change, i);
      if (scale == 0) continue;
      Row low(change.up.width), added(count);
      multiply(change.down, index * low.size(), low.size(), in, low.data());
      multiply(change.up, index * count, count, low.data(), added.data());
      for (uint64_t j = 0; j < count; ++j) out[j] += scale * added[j];
    }
  }
  // out += bias, where there is one.
  void add_vector(double* out, WeightId bias, uint64_t bias_row = 0) {
    const std::vector<float> values = vector_of(program_, bias, bias_row);
    for (size_t j = 0; j < values.size(); ++j) out[j] += double{values[j]};
  }
  void add_slot(double* out, Slot add, size_t i) {
    for (uint32_t j = 0; add != kNoSlot && j < width(add); ++j) out[j] += row(add, i)[j];
  }

  void run(const Embed& op) {
    resize(op.out);
    std::vector<float> values;
    for (size_t i = 0; i < rows_; ++i) {
      decode_row(weight(op.table), static_cast<uint64_t>(batch_.tokens[i]), values);
      Row sum(values.begin(), values.end()), added(values.size());
      for (const Change& change : program_.embedding_changes) {
        decode_row(change.down, static_cast<uint64_t>(batch_.tokens[i]), values);
        multiply(change.up, 0, added.size(), Row(values.begin(), values.end()).data(), added.data());
        for (size_t j = 0; j < added.size(); ++j) sum[j] += factor(change, i) * added[j];
      }
      for (uint32_t j = 0; j < width(op.out); ++j) row(op.out, i)[j] = sum[j] * double{op.scale};
      add_vector(row(op.out, i), op.positions, batch_.positions[i]);
      add_vector(row(op.out, i), op.bias);
    }
  }
  void run(const RmsNorm& op) {
    resize(op.out);
    Row result(width(op.out));
    for (size_t i = 0; i < rows_; ++i) {
      rms_norm(weight(op.gain), double{op.eps}, row(op.in, i), result.data(), result.size());
      add_slot(result.data(), op.add, i);
      std::copy(result.begin(), result.end(), row(op.out, i));
    }
  }
  void run(const LayerNorm& op) {
    resize(op.out);
    const std::vector<float> bias = vector_of(program_, op.bias);
    for (size_t i = 0; i < rows_; ++i)
      layer_norm(weight(op.gain), bias, double{op.eps}, row(op.in, i), row(op.out, i), width(op.out));
  }
  // The matrix times all rows of a slot, [rows_ x width].
  Row product(WeightId id, Slot in) {
    const uint64_t count = weight(id).rows;
    Row result(rows_ * count);
    multiply(weight(id), 0, count, slots_[in].data(), result.data(), rows_);
    for (size_t i = 0; i < rows_; ++i) add_changes(id, 0, i, row(in, i), &result[i * count], count);
    return result;
  }
  void run(const Linear& op) {
    Row result = product(op.weight, op.in);
    for (size_t i = 0; i < rows_; ++i) {
      double* values = &result[i * width(op.out)];
      add_vector(values, op.bias);
      const double factor = double{op.scale} * (op.times == kNoSlot ? 1.0 : *row(op.times, i));
      for (uint32_t j = 0; j < width(op.out); ++j) values[j] = activate(op.act, values[j]) * factor;
      add_slot(values, op.add, i);
    }
    slots_[op.out] = std::move(result);
  }
  void run(const GateUp& op) {
    Row first = product(op.gate, op.in), up = product(op.up, op.in);
    for (size_t i = 0; i < rows_; ++i) {
      add_vector(&first[i * width(op.out)], op.gate_bias);
      add_vector(&up[i * width(op.out)], op.up_bias);
    }
    gate(op.act, first.data(), up.data(), first.size());
    slots_[op.out] = std::move(first);
  }
  void run(const EachHead& op) {
    resize(op.out);
    Row result(op.out_count);
    for (size_t i = 0; i < rows_; ++i)
      for (uint32_t head = 0; head < op.heads; ++head) {
        const double* in = row(op.in, i) + head * op.in_stride + op.in_first;
        if (op.weight == kNoWeight) {
          result.assign(in, in + op.in_count);
        } else {
          multiply(weight(op.weight), uint64_t{head} * op.out_count, op.out_count, in, result.data());
        }
        std::copy(result.begin(), result.end(), row(op.out, i) + head * op.out_stride + op.out_first);
      }
  }
  void run(const RopeKv& op) {
    const RopeTable& table = program_.rope_tables[op.table];
    for_each_row([&](size_t s, size_t i) {
      const uint32_t position = batch_.positions[i];
      for (Slot slot : {op.q, op.k})
        for (uint32_t head = 0; head < width(slot); head += op.head_size)
          rope(table, op.style, position, row(slot, i) + head + op.first);
      if (op.temperature != 0)
        for (uint32_t j = 0; j < width(op.q); ++j)
          row(op.q, i)[j] *= 1 + double{op.temperature} * std::log(1.0 + position / op.temperature_span);
      cache_.store(op.layer, false, cell(s, position), row(op.k, i));
      if (op.v != kNoSlot) cache_.store(op.layer, true, cell(s, position), row(op.v, i));
    });
  }
  void run(const Attend& op) {
    resize(op.out);
    const uint32_t heads = width(op.q) / op.head_size, group = heads / op.kv_heads;
    const uint32_t value_size = op.value_size == 0 ? op.head_size : op.value_size;
    const std::vector<float> sinks = vector_of(program_, op.sinks);
    Row scores, result(value_size);
    for_each_row([&](size_t s, size_t i) {
      const uint32_t end = batch_.positions[op.causal ? i : batch_.row_begin[s + 1] - 1] + 1;
      const uint32_t begin = op.window != 0 && end > op.window ? end - op.window : 0;
      scores.resize(end - begin);
      for (uint32_t head = 0; head < heads; ++head) {
        const double* q = row(op.q, i) + head * op.head_size;
        for (uint32_t p = begin; p < end; ++p) {
          const double* key = cache_.load(op.layer, false, cell(s, p)) + head / group * op.head_size;
          double score = std::inner_product(q, q + op.head_size, key, 0.0) * double{op.scale};
          if (op.softcap != 0) score = double{op.softcap} * std::tanh(score / double{op.softcap});
          scores[p - begin] = score;
        }
        softmax(scores.data(), scores.size(), sinks.empty() ? nullptr : &sinks[head]);
        std::fill(result.begin(), result.end(), 0.0);
        for (uint32_t p = begin; p < end; ++p) {
          const double* value = cache_.load(op.layer, true, cell(s, p)) + head / group * value_size;
          for (uint32_t j = 0; j < value_size; ++j) result[j] += scores[p - begin] * value[j];
        }
        std::copy(result.begin(), result.end(), row(op.out, i) + head * value_size);
      }
    });
  }
  void run(const Convolve& op) {
    resize(op.out);
    const Weight& kernel = weight(op.kernel);
    const uint64_t channels = width(op.in), taps = kernel.width;
    std::vector<float> factors;
    Row now(channels);
    for_each_row([&](size_t s, size_t i) {
      double* before = state(op.state, batch_.states[s]);  // [taps - 1 x channels], the oldest first
      std::copy_n(row(op.in, i), channels, now.begin());
      for (uint64_t c = 0; c < channels; ++c) {
        decode_row(kernel, c, factors);
        double sum = double{factors[taps - 1]} * now[c];
        for (uint64_t j = 0; j + 1 < taps; ++j) sum += double{factors[j]} * before[j * channels + c];
        row(op.out, i)[c] = activate(op.act, sum);
      }
      std::copy(before + channels, before + (taps - 1) * channels, before);
      std::copy(now.begin(), now.end(), before + (taps - 2) * channels);
    });
  }
  void run(const DeltaRule& op) {
    resize(op.out);
    const std::vector<float> rate = vector_of(program_, op.rate), bias = vector_of(program_, op.decay_bias);
    const uint64_t keys = op.key_size, values = op.value_size;
    for_each_row([&](size_t s, size_t i) {
      Row in(row(op.in, i), row(op.in, i) + width(op.in));
      for (uint32_t h = 0; h < 2 * op.key_heads; ++h) divide_by_length(&in[h * keys], keys, double{op.eps});
      for (uint32_t h = 0; h < op.heads; ++h) {
        const uint64_t shared = op.cyclic ? h % op.key_heads : h / (op.heads / op.key_heads);
        const double *q = &in[shared * keys], *k = &in[(op.key_heads + shared) * keys];
        const double* v = &in[2 * op.key_heads * keys + h * values];
        double* matrix = state(op.state, batch_.states[s]) + h * keys * values;
        const double decay = std::exp(double{rate[h]} * softplus(row(op.decay, i)[h] + double{bias[h]}));
        const double beta = activate(Activation::sigmoid, row(op.beta, i)[h]);
        for (uint64_t j = 0; j < values; ++j) {
          double known = 0, out = 0;
          for (uint64_t x = 0; x < keys; ++x) known += k[x] * decay * matrix[x * values + j];
          for (uint64_t x = 0; x < keys; ++x) {
            double& one = matrix[x * values + j];
            one = decay * one + k[x] * beta * (v[j] - known);
            out += q[x] * one;
          }
          row(op.out, i)[h * values + j] = out / std::sqrt(static_cast<double>(keys));
        }
      }
    });
  }
  void run(const Gate& op) {
    resize(op.out);
    for (size_t i = 0; i < rows_; ++i)
      for (uint32_t j = 0; j < width(op.out); ++j)
        row(op.out, i)[j] = row(op.in, i)[j] * activate(op.act, row(op.gate, i)[j]);
  }
  void run(const Route& op) {
    resize(op.out);
    const auto count = static_cast<uint32_t>(weight(op.router).rows);
    const std::vector<float> selection = vector_of(program_, op.selection_bias);
    Row scores(count);
    for (size_t i = 0; i < rows_; ++i) {
      multiply(weight(op.router), 0, count, row(op.in, i), scores.data());
      add_changes(op.router, 0, i, row(op.in, i), scores.data(), count);
      add_vector(scores.data(), op.bias);
      if (op.gating == Gating::softmax) {
        softmax(scores.data(), count);
      } else {
        for (double& score : scores) score = activate(Activation::sigmoid, score);
      }
      route(op, scores.data(), selection, count, row(op.out, i));
    }
  }
  void run(const Experts& op) {
    resize(op.out);
    const uint64_t hidden = weight(op.gate).rows / op.count;
    const uint32_t out_width = width(op.out);
    Row first(hidden), up(hidden), down(out_width);
    for (size_t i = 0; i < rows_; ++i) {
      Row sum(out_width);
      for (uint32_t e = 0; e < op.used; ++e) {
        const auto expert = static_cast<uint64_t>(row(op.route, i)[e]);
        multiply(weight(op.gate), expert * hidden, hidden, row(op.in, i), first.data());
        multiply(weight(op.up), expert * hidden, hidden, row(op.in, i), up.data());
        add_changes(op.gate, expert, i, row(op.in, i), first.data(), hidden);
        add_changes(op.up, expert, i, row(op.in, i), up.data(), hidden);
        add_vector(first.data(), op.gate_bias, expert);
        add_vector(up.data(), op.up_bias, expert);
        gate(op.act, first.data(), up.data(), hidden);
        multiply(weight(op.down), expert * out_width, out_width, first.data(), down.data());
        add_changes(op.down, expert, i, first.data(), down.data(), out_width);
        add_vector(down.data(), op.down_bias, expert);
        for (uint32_t j = 0; j < out_width; ++j) sum[j] += row(op.route, i)[op.used + e] * down[j];
      }
      add_slot(sum.data(), op.add, i);
      std::copy(sum.begin(), sum.end(), row(op.out, i));
    }
  }
  void run(const Select& op) {
    Row selected;
    for (const uint32_t i : batch_.outputs)
      selected.insert(selected.end(), row(op.in, i), row(op.in, i) + width(op.in));
    slots_[op.out] = std::move(selected);
    rows_ = batch_.outputs.size();
    for (size_t i = 0; i < rows_; ++i) sequence_of_row_[i] = sequence_of_row_[batch_.outputs[i]];
  }
  void run(const Logits& op) {
    std::vector<float> all(slots_[op.in].begin(), slots_[op.in].end());
    for (float& logit : all)
      if (op.softcap != 0) logit = op.softcap * std::tanh(logit / op.softcap);
    logits_.clear();
    candidates_.clear();
    for (size_t i = 0; i < rows_; ++i) {
      const std::span<const float> logits = std::span(all).subspan(i * width(op.in), width(op.in));
      const uint32_t count = batch_.candidates_of(i);
      candidates_.resize(candidates_.size() + count);
      choose_candidates(logits, std::span(candidates_).last(count));
      if (count == 0) logits_.insert(logits_.end(), logits.begin(), logits.end());
    }
  }

  void run(const Send& op) { sent_.assign(slots_[op.in].begin(), slots_[op.in].end()); }
  void run(const Receive& op) { slots_[op.out].assign(batch_.received.begin(), batch_.received.end()); }

  const Program program_;
  const Limits limits_;
  KvCache cache_;
  std::vector<Row> states_;  // by StateId: [places x its width]
  std::vector<Row> slots_;   // each [rows_ x its width]
  Batch batch_;
  size_t rows_ = 0;  // of the batch, after Select of the outputs
  std::vector<size_t> sequence_of_row_;
  std::vector<float> logits_, sent_;
  std::vector<Candidate> candidates_;
};

class ReferenceDevice : public Device {
 public:
  std::string name() const override { return "reference"; }
  std::unique_ptr<Plan> compile(const Program& program, const Limits& limits) override {
    return std::make_unique<ReferencePlan>(program, limits);
  }
};

}  // namespace

std::unique_ptr<Device> make_reference_device() { return std::make_unique<ReferenceDevice>(); }

}  // namespace hearth
