// How long each stage takes, and what it cannot do without.
#include <algorithm>
#include <set>

#include "backends/cpu/plan.h"
#include "backends/op_members.h"

namespace hearth::cpu {
namespace {

double seconds_between(std::chrono::steady_clock::time_point from, std::chrono::steady_clock::time_point to) {
  return std::chrono::duration<double>(to - from).count();
}

// What the ops of one stage do.
class StageWork {
 public:
  StageWork(const Program& program, const Limits& limits, const Batch& batch, size_t rows)
      : program_(program), limits_(limits), batch_(batch), rows_(static_cast<double>(rows)) {}

  void add(const Op& op) {
    name_ = name_of(op);
    std::visit([this](auto one) { count(one); }, op);
  }
  OpProfile done_in(double seconds) const {
    OpProfile done{name_, 1, seconds, bytes_, operations_};
    for (size_t i = 0; i < formats_.size(); ++i) done.name += (i == 0 ? " " : "+") + formats_[i];
    return done;
  }

 private:
  const Weight& weight(WeightId id) const { return program_.weights[id]; }
  double values(Slot slot) const { return rows_ * program_.slot_width[slot]; }
  double bytes_of_cells(double positions) const {
    return positions * static_cast<double>(kv_row_bytes(limits_.kv_type, program_.key_width) +
                                           kv_row_bytes(limits_.kv_type, program_.value_width));
  }
  void tell_format(std::string format) {
    if (std::find(formats_.begin(), formats_.end(), format) == formats_.end()) formats_.push_back(std::move(format));
  }

  template <class One>
  void count(One& op) {
    for (const Slot slot : slots_read(op))
      if (read_.insert(slot).second) bytes_ += sizeof(float) * values(slot);
    for (const Slot slot : slots_written(op)) bytes_ += sizeof(float) * values(slot);
    double share = 1, meets = rows_;  // of each weight: what is read of it, and how many rows it multiplies
    if constexpr (std::same_as<One, Embed>) share = rows_ / static_cast<double>(weight(op.table).rows);
    if constexpr (std::same_as<One, Experts>) {
      meets = rows_ * op.used / op.count;
      share = std::min(1.0, meets);
    }
    each_weight(op, [&](WeightId id) { bytes_ += share * static_cast<double>(weight(id).bytes.size()); });
    const auto multiply = [&](WeightId id) {
      if (id == kNoWeight) return;
      operations_ += 2 * meets * static_cast<double>(weight(id).width * weight(id).rows);
      tell_format(format_info(weight(id).format).name);
    };
    if constexpr (requires { op.weight; }) multiply(op.weight);
    if constexpr (requires { op.up; }) multiply(op.gate), multiply(op.up);
    if constexpr (requires { op.down; }) multiply(op.down);
    if constexpr (requires { op.router; }) multiply(op.router);
    if constexpr (requires { op.state; })
      bytes_ += 2 * sizeof(float) * program_.state_width[op.state] * static_cast<double>(batch_.states.size());
    if constexpr (std::same_as<One, Embed>) tell_format(format_info(weight(op.table).format).name);
    if constexpr (std::same_as<One, RopeKv>) {
      bytes_ += bytes_of_cells(rows_);
      tell_format(name_of(limits_.kv_type));
    }
    if constexpr (std::same_as<One, Attend>) {
      const Seen seen = seen_in(batch_, op.window, op.causal);
      bytes_ += bytes_of_cells(seen.positions);
      operations_ += 2 * seen.of_rows * (program_.slot_width[op.q] + program_.slot_width[op.out]);
      tell_format(name_of(limits_.kv_type));
    }
  }

  const Program& program_;
  const Limits& limits_;
  const Batch& batch_;
  const double rows_;
  std::string name_;
  std::vector<std::string> formats_;  // each once
  std::set<Slot> read_;
  double bytes_ = 0, operations_ = 0;
};

}  // namespace

StepProfile CpuPlan::profile(const Batch& batch) {
  std::vector<Clock::time_point> ends(stages_.size() + 1);
  const Clock::time_point start = Clock::now();
  run_step(batch, ends.data());
  StepProfile result{.seconds = seconds_between(start, Clock::now())};
  size_t rows = batch.tokens.size(), next = 0;  // of the program's ops, which the stages are made of in their order
  for (size_t i = 0; i < stages_.size(); ++i) {
    if (std::holds_alternative<Select>(stages_[i])) rows = batch.outputs.size();
    size_t end = next + 1;
    if (const auto* matrices = std::get_if<MatmulStage>(&stages_[i])) {
      if (matrices->norm.gain != kNoWeight) ++next;
      end = next + matrices->parts.size();
    }
    StageWork work(program_, limits_, batch, rows);
    for (; next < end; ++next) work.add(program_.ops[next]);
    result.add(work.done_in(seconds_between(ends[i], ends[i + 1])));
  }
  return result;
}

}  // namespace hearth::cpu
