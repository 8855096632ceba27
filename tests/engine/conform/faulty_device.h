// A device with a fault: another one that is given wrong programs or wrong batches, or whose choices are changed.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <utility>

#include "backends/backend.h"

namespace hearth {

// What is done to a program before it is compiled; bytes that it then views belong into `storage`.
using ProgramFault = std::function<void(Program& program, std::deque<std::vector<std::byte>>& storage)>;
// What is done to a batch of a program before it is submitted.
using BatchFault = std::function<void(const Program& program, Batch& batch)>;
// What is done to the candidates of one output before they are told.
using ChoiceFault = std::function<void(std::span<Candidate> candidates)>;

struct Faults {
  ProgramFault program = {};
  BatchFault batch = {};
  ChoiceFault choice = {};
};

class FaultyPlan : public Plan {
 public:
  FaultyPlan(std::unique_ptr<Plan> plan, Program program, std::deque<std::vector<std::byte>> storage, Faults faults)
      : program_(std::move(program)),
        storage_(std::move(storage)),
        faults_(std::move(faults)),
        plan_(std::move(plan)) {}
  void submit(const Batch& batch) override {
    Batch wrong = batch;
    if (faults_.batch) faults_.batch(program_, wrong);
    wanted_ = wrong.candidates;
    plan_->submit(wrong);
  }
  StepResult wait() override {
    StepResult result = plan_->wait();
    if (!faults_.choice) return result;
    chosen_.assign(result.candidates.begin(), result.candidates.end());
    size_t first = 0;
    for (const uint32_t count : wanted_) {
      faults_.choice(std::span(chosen_).subspan(first, count));
      first += count;
    }
    result.candidates = chosen_;
    return result;
  }
  void read_page(uint32_t page, uint32_t positions, std::span<std::byte> bytes) const override {
    plan_->read_page(page, positions, bytes);
  }
  void write_page(uint32_t page, uint32_t positions, std::span<const std::byte> bytes) override {
    plan_->write_page(page, positions, bytes);
  }
  void read_state(uint32_t place, std::span<float> values) const override { plan_->read_state(place, values); }
  void write_state(uint32_t place, std::span<const float> values) override { plan_->write_state(place, values); }

 private:
  const Program program_;
  const std::deque<std::vector<std::byte>> storage_;
  const Faults faults_;
  const std::unique_ptr<Plan> plan_;
  std::vector<uint32_t> wanted_;  // candidates of the step's outputs
  std::vector<Candidate> chosen_;
};

class FaultyDevice : public Device {
 public:
  FaultyDevice(std::unique_ptr<Device> device, Faults faults)
      : device_(std::move(device)), faults_(std::move(faults)) {}
  std::string name() const override { return device_->name(); }
  std::unique_ptr<Plan> compile(const Program& program, const Limits& limits) override {
    Program wrong = program;
    std::deque<std::vector<std::byte>> storage;
    if (faults_.program) faults_.program(wrong, storage);
    auto plan = device_->compile(wrong, limits);
    return std::make_unique<FaultyPlan>(std::move(plan), std::move(wrong), std::move(storage), faults_);
  }

 private:
  const std::unique_ptr<Device> device_;
  const Faults faults_;
};

// Gives a weight of one op bytes of its own, which `change` then changes; other ops see the old ones.
inline WeightId changed_weight(Program& program, std::deque<std::vector<std::byte>>& storage, WeightId id,
                               const std::function<void(const Weight& weight, std::vector<std::byte>& bytes)>& change) {
  Weight weight = program.weights[id];
  std::vector<std::byte>& bytes = storage.emplace_back(weight.bytes.begin(), weight.bytes.end());
  change(weight, bytes);
  weight.bytes = bytes;
  program.weights.push_back(weight);
  program.changes.resize(program.changes.empty() ? 0 : program.weights.size());
  return static_cast<WeightId>(program.weights.size() - 1);
}

}  // namespace hearth
