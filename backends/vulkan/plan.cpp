// Taking memory, recording work, running steps.
#include "backends/vulkan/plan.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "backends/check.h"
#include "backends/vulkan/batch_words.h"

namespace hearth::vulkan {
namespace {

const Program& sound(const Program& program, const Limits& limits) {
  check_program(program, limits, "vulkan");
  return program;
}

// The smallest power of two that is as large, but at most `most`.
uint32_t bucket_of(uint32_t count, uint32_t most) { return std::min(std::bit_ceil(count), most); }

std::string mebibytes(uint64_t bytes) { return std::to_string(bytes >> 20) + " MiB"; }

}  // namespace

VulkanPlan::VulkanPlan(const Program& program, const Limits& limits, std::shared_ptr<Gpu> gpu,
                       std::shared_ptr<SharedMatrices> matrices, bool rounds)
    : program_(sound(program, limits)),
      limits_(limits),
      gpu_(std::move(gpu)),
      matrices_(std::move(matrices)),
      rounds_(rounds),
      weights_(*gpu_, *matrices_),
      key_bytes_(kv_row_bytes(limits.kv_type, program.key_width)),
      value_bytes_(kv_row_bytes(limits.kv_type, program.value_width)) {
  require_memory();
  take_memory();
  fit(1 << 12, 1);
}

VulkanPlan::~VulkanPlan() {
  try {
    finish();
  } catch (const DeviceError&) {  // lost: nothing runs any more
  }
}

void VulkanPlan::require_memory() const {
  uint64_t weights = 0;
  std::set<const std::byte*> seen;
  for (const Weight& one : program_.weights)
    if (seen.insert(one.bytes.data()).second) weights += matrix_bytes(one);
  const uint64_t cells = uint64_t{limits_.pages} * limits_.page_size;
  const uint64_t cache = cells * position_bytes(program_, limits_.kv_type);
  const uint64_t states = limits_.states * state_values(program_) * sizeof(float);
  if (weights + cache + states > gpu_->about().memory)
    throw DeviceError("vulkan: " + gpu_->about().name + " has " + mebibytes(gpu_->about().memory) +
                      " of memory, but the weights need " + mebibytes(weights) + " and the KV cache and states " +
                      mebibytes(cache + states));
}

void VulkanPlan::take_memory() {
  std::vector<bool> early(program_.slot_width.size());
  for (const Op& op : program_.ops) {
    has_select_ = has_select_ || std::holds_alternative<Select>(op);
    const std::vector<Slot> touched = slots_of(op);
    for (const Slot slot : touched) {
      const auto* select = std::get_if<Select>(&op);
      if (!has_select_ || (select != nullptr && slot == select->in)) early[slot] = true;
    }
    if (const auto* logits = std::get_if<Logits>(&op)) result_width_ = program_.slot_width[logits->in];
  }
  for (size_t slot = 0; slot < early.size(); ++slot) of_outputs_.push_back(!early[slot]);
  slots_.resize(early.size());
  places_.slots.resize(early.size());
  for (size_t slot = 0; slot < early.size(); ++slot)
    if (!of_outputs_[slot])
      slots_[slot] = Buffer(*gpu_, uint64_t{limits_.rows} * program_.slot_width[slot] * sizeof(float), Place::device,
                            "activations");
  const uint64_t cells = uint64_t{limits_.pages} * limits_.page_size;
  for (uint32_t layer = 0; layer < program_.layers; ++layer) {
    keys_.emplace_back(*gpu_, (cells * key_bytes_ + 3) / 4 * 4, Place::device, "the KV cache");
    values_.emplace_back(*gpu_, (cells * value_bytes_ + 3) / 4 * 4, Place::device, "the KV cache");
    places_.keys.push_back(keys_.back().address());
    places_.values.push_back(values_.back().address());
  }
  for (const uint32_t width : program_.state_width) {
    states_.emplace_back(*gpu_, uint64_t{limits_.states} * width * sizeof(float), Place::device, "states");
    places_.states.push_back(states_.back().address());
  }
  page_staging_ = Buffer(*gpu_, limits_.page_size * position_bytes(program_, limits_.kv_type), Place::download,
                         "copies of the KV cache");
  gpu_->run_once([&](Commands& commands) {
    for (const std::vector<Buffer>* buffers : {&keys_, &values_, &states_})
      for (const Buffer& one : *buffers) commands.zero(one);
  });
}

void VulkanPlan::fit(uint64_t batch_words, uint32_t outputs) {
  const uint32_t needed = bucket_of(std::max(outputs, 1u), limits_.rows);
  const uint64_t bytes = std::bit_ceil(batch_words) * sizeof(uint32_t);
  if (ready_ && bytes <= batch_.size() && needed <= outputs_) return;
  // Where memory is short an exception leaves what is half made to the next step, which then begins anew.
  const bool anew = !std::exchange(ready_, false);
  work_.clear();
  uploads_.clear();
  if (anew || bytes > batch_.size()) {
    batch_ = Buffer();
    batch_staging_ = Buffer();
    batch_ = Buffer(*gpu_, bytes, Place::device, "batches");
    batch_staging_ = Buffer(*gpu_, bytes, Place::upload, "batches");
  }
  if (anew || needed > outputs_) {
    outputs_ = needed;
    for (size_t slot = 0; slot < slots_.size(); ++slot) {
      if (!of_outputs_[slot]) continue;
      slots_[slot] = Buffer();
      slots_[slot] =
          Buffer(*gpu_, uint64_t{outputs_} * program_.slot_width[slot] * sizeof(float), Place::device, "activations");
    }
    const uint64_t rows = has_select_ ? outputs_ : limits_.rows;
    result_ = Buffer();
    result_ = Buffer(*gpu_, rows * result_width_ * sizeof(float), Place::download, "results");
  }
  for (size_t slot = 0; slot < slots_.size(); ++slot) places_.slots[slot] = slots_[slot].address();
  places_.batch = batch_.address();
  places_.result = result_.address();
  compile_steps();
  ready_ = true;
}

// Again until no scratch grows: it is taken once it is known how much is needed, and with it further steps may come.
void VulkanPlan::compile_steps() {
  for (bool grown = true; grown;) {
    grown = false;
    Compiled plain = Compiler(program_, limits_, *gpu_, weights_, places_, false, rounds_).run();
    Compiled changed;
    if (program_.adapters > 0) changed = Compiler(program_, limits_, *gpu_, weights_, places_, true, rounds_).run();
    for (size_t i = 0; i < kScratches; ++i) {
      const uint64_t bytes = std::max(plain.scratch_bytes[i], changed.scratch_bytes[i]);
      if (bytes <= scratch_[i].size()) continue;
      grown = true;
      scratch_[i] = Buffer(*gpu_, bytes, Place::device, "activations");
      places_.scratch[i] = scratch_[i].address();
    }
    steps_ = std::move(plain.steps);
    steps_with_adapters_ = std::move(changed.steps);
  }
}

Commands& VulkanPlan::work_for(Shape shape) {
  std::unique_ptr<Commands>& work = work_[shape];
  if (work != nullptr) return *work;
  const auto [rows, outputs, adapters] = shape;
  auto commands = std::make_unique<Commands>(*gpu_);
  bool barrier = false;
  for (const Step& step : adapters ? steps_with_adapters_ : steps_) {
    const uint32_t count = step.follows == Follows::outputs ? outputs : rows;
    barrier = barrier || step.after_barrier;
    if (count == 0 || count < step.least || count > step.most) continue;
    const uint64_t y = step.follows == Follows::nothing
                           ? 1
                           : (uint64_t{count} * step.y_times + step.y_over - 1) / step.y_over + step.y_more;
    if (barrier) commands->barrier();
    barrier = false;
    commands->dispatch(gpu_->pipeline(step.shader, step.constants), std::span(step.push).first(step.push_bytes),
                       {step.x, static_cast<uint32_t>(std::min<uint64_t>(y, UINT32_MAX)), step.z});
  }
  commands->end();
  work = std::move(commands);
  return *work;
}

Commands& VulkanPlan::upload_of(uint64_t words) {
  std::unique_ptr<Commands>& upload = uploads_[std::bit_ceil(words)];
  if (upload != nullptr) return *upload;
  auto commands = std::make_unique<Commands>(*gpu_);
  commands->copy(batch_staging_, 0, batch_, 0, std::bit_ceil(words) * sizeof(uint32_t));
  commands->end();
  upload = std::move(commands);
  return *upload;
}

void VulkanPlan::submit(const Batch& batch) {
  check_batch(batch, program_, limits_);
  finish();
  const uint64_t words = words_of(batch, program_);
  const auto rows = static_cast<uint32_t>(batch.tokens.size()), outputs = static_cast<uint32_t>(batch.outputs.size());
  fit(words, outputs);
  write_words(batch, program_, {reinterpret_cast<uint32_t*>(batch_staging_.mapped()), words});
  Commands& work = work_for({bucket_of(rows, limits_.rows), outputs == 0 ? 0 : bucket_of(outputs, limits_.rows),
                             !batch.adapter_scales.empty()});
  work.start_after(upload_of(words));
  running_ = &work;
  result_rows_ = has_select_ ? outputs : rows;
}

void VulkanPlan::finish() {
  if (running_ == nullptr) return;
  Commands& work = *std::exchange(running_, nullptr);
  work.wait();
}

StepResult VulkanPlan::wait() {
  finish();
  return {{reinterpret_cast<const float*>(result_.mapped()), size_t{result_rows_} * result_width_}};
}

}  // namespace hearth::vulkan
