// Runs a program op by op, row by row.
#include "backends/reference/device.h"

#include <algorithm>

#include "backends/reference/kv.h"
#include "backends/reference/ops.h"

namespace hearth {
namespace {

using namespace reference;

class ReferencePlan : public Plan {
 public:
  ReferencePlan(const Program& program, const Limits& limits)
      : program_(program), limits_(limits), cache_(program, limits), slots_(program.slot_width.size()) {}

  void submit(const Batch& batch) override {
    check_batch(batch, program_, limits_);
    batch_ = batch;
    rows_ = batch.tokens.size();
    for (const Op& op : program_.ops) std::visit([this](const auto& one) { run(one); }, op);
  }
  StepResult wait() override { return {logits_}; }

 private:
  double* row(Slot slot, size_t i) { return &slots_[slot][i * program_.slot_width[slot]]; }
  void resize(Slot slot) { slots_[slot].resize(rows_ * program_.slot_width[slot]); }
  uint32_t width(Slot slot) const { return program_.slot_width[slot]; }
  const Weight& weight(WeightId id) const { return program_.weights[id]; }
  uint64_t cell(size_t sequence, uint32_t position) const {
    return uint64_t{batch_.pages[batch_.page_begin[sequence] + position / limits_.page_size]} * limits_.page_size +
           position % limits_.page_size;
  }
  // Calls f(sequence, row) for every row of the batch.
  template <class F>
  void for_each_row(F&& f) {
    for (size_t s = 0; s + 1 < batch_.row_begin.size(); ++s)
      for (size_t i = batch_.row_begin[s]; i < batch_.row_begin[s + 1]; ++i) f(s, i);
  }
  // out += bias + add, either of which may be absent.
  void add_to(double* out, uint32_t count, WeightId bias, Slot add, size_t i) {
    if (bias != kNoWeight) {
      std::vector<float> values;
      decode_row(weight(bias), 0, values);
      for (uint32_t j = 0; j < count; ++j) out[j] += double{values[j]};
    }
    if (add != kNoSlot)
      for (uint32_t j = 0; j < count; ++j) out[j] += row(add, i)[j];
  }

  void run(const Embed& op) {
    resize(op.out);
    std::vector<float> values;
    for (size_t i = 0; i < rows_; ++i) {
      decode_row(weight(op.table), static_cast<uint64_t>(batch_.tokens[i]), values);
      for (uint32_t j = 0; j < width(op.out); ++j) row(op.out, i)[j] = double{values[j]} * double{op.scale};
    }
  }
  void run(const RmsNorm& op) {
    resize(op.out);
    for (size_t i = 0; i < rows_; ++i) rms_norm(weight(op.gain), double{op.eps}, row(op.in, i), row(op.out, i));
  }
  void run(const Linear& op) {
    resize(op.out);
    Row result(width(op.out));
    for (size_t i = 0; i < rows_; ++i) {
      multiply(weight(op.weight), 0, result.size(), row(op.in, i), result.data());
      add_to(result.data(), width(op.out), op.bias, op.add, i);
      std::copy(result.begin(), result.end(), row(op.out, i));
    }
  }
  void run(const GateUp& op) {
    resize(op.out);
    Row gate(width(op.out)), up(width(op.out));
    for (size_t i = 0; i < rows_; ++i) {
      multiply(weight(op.gate), 0, gate.size(), row(op.in, i), gate.data());
      multiply(weight(op.up), 0, up.size(), row(op.in, i), up.data());
      activate(op.act, gate.data(), up.data(), gate.size());
      std::copy(gate.begin(), gate.end(), row(op.out, i));
    }
  }
  void run(const RopeKv& op) {
    const RopeTable& table = program_.rope_tables[op.table];
    for_each_row([&](size_t s, size_t i) {
      const uint32_t position = batch_.positions[i];
      for (Slot slot : {op.q, op.k})
        for (uint32_t head = 0; head < width(slot); head += op.head_size)
          rope(table, op.style, position, row(slot, i) + head);
      cache_.store(op.layer, false, cell(s, position), row(op.k, i));
      cache_.store(op.layer, true, cell(s, position), row(op.v, i));
    });
  }
  void run(const Attend& op) {
    resize(op.out);
    const uint32_t heads = width(op.q) / op.head_size, group = heads / op.kv_heads;
    Row scores, result(op.head_size);
    for_each_row([&](size_t s, size_t i) {
      const uint32_t seen = batch_.positions[i] + 1;
      scores.resize(seen);
      for (uint32_t head = 0; head < heads; ++head) {
        const double* q = row(op.q, i) + head * op.head_size;
        const uint32_t offset = head / group * op.head_size;
        for (uint32_t p = 0; p < seen; ++p) {
          const double* key = cache_.load(op.layer, false, cell(s, p)) + offset;
          double dot = 0;
          for (uint32_t j = 0; j < op.head_size; ++j) dot += q[j] * key[j];
          scores[p] = dot * double{op.scale};
        }
        softmax(scores.data(), seen);
        std::fill(result.begin(), result.end(), 0.0);
        for (uint32_t p = 0; p < seen; ++p) {
          const double* value = cache_.load(op.layer, true, cell(s, p)) + offset;
          for (uint32_t j = 0; j < op.head_size; ++j) result[j] += scores[p] * value[j];
        }
        std::copy(result.begin(), result.end(), row(op.out, i) + head * op.head_size);
      }
    });
  }
  void run(const Route& op) {
    resize(op.out);
    const auto count = static_cast<uint32_t>(weight(op.router).rows);
    Row scores(count);
    for (size_t i = 0; i < rows_; ++i) {
      multiply(weight(op.router), 0, count, row(op.in, i), scores.data());
      softmax(scores.data(), count);
      route(scores.data(), count, op.used, row(op.out, i));
    }
  }
  void run(const Experts& op) {
    resize(op.out);
    const uint64_t hidden = weight(op.gate).rows / op.count;
    const uint32_t out_width = width(op.out);
    Row gate(hidden), up(hidden), down(out_width);
    for (size_t i = 0; i < rows_; ++i) {
      Row sum(out_width);
      for (uint32_t e = 0; e < op.used; ++e) {
        const auto expert = static_cast<uint64_t>(row(op.route, i)[e]);
        multiply(weight(op.gate), expert * hidden, hidden, row(op.in, i), gate.data());
        multiply(weight(op.up), expert * hidden, hidden, row(op.in, i), up.data());
        activate(op.act, gate.data(), up.data(), hidden);
        multiply(weight(op.down), expert * out_width, out_width, gate.data(), down.data());
        for (uint32_t j = 0; j < out_width; ++j) sum[j] += row(op.route, i)[op.used + e] * down[j];
      }
      add_to(sum.data(), out_width, kNoWeight, op.add, i);
      std::copy(sum.begin(), sum.end(), row(op.out, i));
    }
  }
  void run(const Select& op) {
    Row selected;
    for (const uint32_t i : batch_.outputs)
      selected.insert(selected.end(), row(op.in, i), row(op.in, i) + width(op.in));
    slots_[op.out] = std::move(selected);
    rows_ = batch_.outputs.size();
  }
  void run(const Logits& op) { logits_.assign(slots_[op.in].begin(), slots_[op.in].end()); }

  const Program program_;
  const Limits limits_;
  KvCache cache_;
  std::vector<Row> slots_;  // each [rows_ x its width]
  Batch batch_;
  size_t rows_ = 0;  // of the batch, after Select of the outputs
  std::vector<float> logits_;
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
