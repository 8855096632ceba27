// Steps, pages and states of plans in pieces.
#include "backends/split.h"

#include <algorithm>
#include <string>

#include "backends/check.h"
#include "backends/cut.h"

namespace hearth {
namespace {

class SplitPlan : public Plan {
 public:
  SplitPlan(const Program& program, const Limits& limits, const std::vector<Part>& parts)
      : program_(program), limits_(limits) {
    check_program(program, limits, "split");
    std::vector<Program> pieces = cut_program(program, cuts_of(parts));
    for (size_t i = 0; i < pieces.size(); ++i) {
      auto plan = parts[i].device->compile(pieces[i], limits);
      stages_.push_back({.plan = std::move(plan),
                         .position_bytes = position_bytes(pieces[i], limits.kv_type),
                         .state_values = hearth::state_values(pieces[i])});
    }
  }

  void submit(const Batch& batch) override {
    run(batch, [](Plan& plan, const Batch& step) { plan.submit(step); });
  }
  StepResult wait() override { return stages_.back().plan->wait(); }
  StepProfile profile(const Batch& batch) override {
    StepProfile sum;
    run(batch, [&](Plan& plan, const Batch& step) { sum.add(plan.profile(step)); });
    return sum;
  }

  void read_page(uint32_t page, uint32_t positions, std::span<std::byte> bytes) const override {
    check_page(page, positions, bytes.size(), program_, limits_);
    each_page_part(positions, [&](const Stage& stage, std::vector<std::byte>& part, size_t first, size_t stride) {
      stage.plan->read_page(page, positions, part);
      for (uint32_t i = 0; i < positions; ++i)
        std::copy_n(part.data() + i * stage.position_bytes, stage.position_bytes, bytes.data() + i * stride + first);
    });
  }
  void write_page(uint32_t page, uint32_t positions, std::span<const std::byte> bytes) override {
    check_page(page, positions, bytes.size(), program_, limits_);
    each_page_part(positions, [&](const Stage& stage, std::vector<std::byte>& part, size_t first, size_t stride) {
      for (uint32_t i = 0; i < positions; ++i)
        std::copy_n(bytes.data() + i * stride + first, stage.position_bytes, part.data() + i * stage.position_bytes);
      stage.plan->write_page(page, positions, part);
    });
  }
  void read_state(uint32_t place, std::span<float> values) const override {
    check_state(place, values.size(), program_, limits_);
    for (const Stage& stage : stages_) {
      if (stage.state_values > 0) stage.plan->read_state(place, values.first(stage.state_values));
      values = values.subspan(stage.state_values);
    }
  }
  void write_state(uint32_t place, std::span<const float> values) override {
    check_state(place, values.size(), program_, limits_);
    for (const Stage& stage : stages_) {
      if (stage.state_values > 0) stage.plan->write_state(place, values.first(stage.state_values));
      values = values.subspan(stage.state_values);
    }
  }

 private:
  struct Stage {
    std::unique_ptr<Plan> plan;
    size_t position_bytes, state_values;  // its own
  };

  // Has begin(plan, its part of the batch) called for each plan, which is then under way; waits for all but the last.
  template <class Begin>
  void run(const Batch& batch, Begin&& begin) {
    check_batch(batch, program_, limits_);
    Batch step = batch;
    for (size_t i = 0; i < stages_.size(); ++i) {
      const bool last = i + 1 == stages_.size(), keeps_states = stages_[i].state_values > 0;
      step.outputs = last ? batch.outputs : std::vector<uint32_t>();
      step.candidates = last ? batch.candidates : std::vector<uint32_t>();
      step.states = keeps_states ? batch.states : std::vector<uint32_t>();
      step.state_copies = keeps_states ? batch.state_copies : std::vector<Batch::Copy>();
      begin(*stages_[i].plan, step);
      if (!last) step.received = stages_[i].plan->wait().sent;
    }
  }

  // Between the parts.
  std::vector<Cut> cuts_of(const std::vector<Part>& parts) const {
    const std::vector<Cut> cuts = layer_cuts(program_);
    size_t layers = 0;
    std::vector<Cut> chosen;
    for (const Part& part : parts) {
      layers += part.layers;
      if (layers < cuts.size()) chosen.push_back(cuts[layers]);
    }
    if (cuts.empty() || layers != layers_of(cuts))
      throw DeviceError("split: the parts compute " + std::to_string(layers) + " layers, but the program has " +
                        std::to_string(layers_of(cuts)));
    chosen.pop_back();
    return chosen;
  }

  // Calls f(stage, room for its bytes of a page, where they begin in those of a position, bytes of a position).
  template <class F>
  void each_page_part(uint32_t positions, F&& f) const {
    const size_t stride = hearth::position_bytes(program_, limits_.kv_type);
    size_t first = 0;
    for (const Stage& stage : stages_) {
      std::vector<std::byte> part(positions * stage.position_bytes);
      if (!part.empty()) f(stage, part, first, stride);
      first += stage.position_bytes;
    }
  }

  const Program program_;
  const Limits limits_;
  std::vector<Stage> stages_;
};

class SplitDevice : public Device {
 public:
  explicit SplitDevice(std::vector<Part> parts) : parts_(std::move(parts)) {}
  std::string name() const override {
    std::string name;
    for (const Part& part : parts_) name += (name.empty() ? "" : "+") + part.device->name();
    return name;
  }
  std::unique_ptr<Plan> compile(const Program& program, const Limits& limits) override {
    return std::make_unique<SplitPlan>(program, limits, parts_);
  }

 private:
  const std::vector<Part> parts_;
};

}  // namespace

std::unique_ptr<Device> make_split_device(std::vector<Part> parts) {
  if (parts.size() < 2) throw DeviceError("split: there are fewer than two parts");
  return std::make_unique<SplitDevice>(std::move(parts));
}

}  // namespace hearth
