// Taking memory, recording work, running steps.
#include "backends/gpu/plan.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

#include "backends/check.h"
#include "kernels/gpu/row_parameters.h"

namespace hearth::gpu {
namespace {

const Program& sound(const Program& program, const Limits& limits, const Machine& machine) {
  check_program(program, limits, machine.about().backend.c_str());
  return program;
}

// The smallest power of two that is as large, but at most `most`; 0 for 0.
uint32_t bucket_of(uint32_t count, uint32_t most) { return count == 0 ? 0 : std::min(std::bit_ceil(count), most); }

// Of a batch, that are copied: with so few to copy, sequences that grow by a page need no new work for a long time.
constexpr uint64_t kLeastWords = 1 << 10;

// Words that a step copies of a batch of so many: few numbers, for each of which work is recorded.
uint64_t copied_words(uint64_t words) { return std::max(std::bit_ceil(words), kLeastWords); }

std::string mebibytes(uint64_t bytes) { return std::to_string(bytes >> 20) + " MiB"; }

}  // namespace

GpuPlan::GpuPlan(const Program& program, const Limits& limits, std::shared_ptr<Machine> machine,
                 std::shared_ptr<SharedMatrices> matrices, Ways ways)
    : program_(sound(program, limits, *machine)),
      limits_(limits),
      machine_(std::move(machine)),
      matrices_(std::move(matrices)),
      ways_(ways),
      weights_(*machine_, *matrices_),
      key_bytes_(kv_row_bytes(limits.kv_type, program.key_width)),
      value_bytes_(kv_row_bytes(limits.kv_type, program.value_width)) {
  take_memory();
  fit(1 << 12, 1, {.whole = 1});
}

GpuPlan::~GpuPlan() {
  try {
    finish();
  } catch (const DeviceError&) {  // lost: nothing runs any more
  }
}

void GpuPlan::require_memory() const {
  uint64_t weights = 0, shared = 0, activations = 0;
  std::set<const std::byte*> seen;
  for (const Weight& one : program_.weights)
    if (seen.insert(one.bytes.data()).second) {
      weights += matrix_bytes(one);
      if (matrices_->holds({one.bytes.data(), one.rows, one.width, one.format})) shared += matrix_bytes(one);
    }
  const uint64_t cells = uint64_t{limits_.pages} * limits_.page_size;
  const uint64_t cache = cells * position_bytes(program_, limits_.kv_type);
  const uint64_t states = limits_.states * state_values(program_) * sizeof(float);
  for (size_t slot = 0; slot < of_outputs_.size(); ++slot)
    if (!of_outputs_[slot]) activations += uint64_t{limits_.rows} * program_.slot_width[slot] * sizeof(float);
  const uint64_t free = machine_->free_memory() + shared;
  if (weights + cache + states + activations > free)
    throw DeviceError(machine_->about().backend + ": " + machine_->about().name + " has " + mebibytes(free) +
                      " of memory free, but the weights need " + mebibytes(weights) + ", the KV cache and states " +
                      mebibytes(cache + states) + " and activations " + mebibytes(activations));
}

void GpuPlan::take_memory() {
  std::vector<bool> early(program_.slot_width.size());
  for (const Op& op : program_.ops) {
    has_select_ = has_select_ || std::holds_alternative<Select>(op);
    const std::vector<Slot> touched = slots_of(op);
    for (const Slot slot : touched) {
      const auto* select = std::get_if<Select>(&op);
      if (!has_select_ || (select != nullptr && slot == select->in)) early[slot] = true;
    }
    if (const auto* logits = std::get_if<Logits>(&op)) result_width_ = program_.slot_width[logits->in];
    if (const auto* receive = std::get_if<Receive>(&op)) receives_ = receive->out;
    if (const auto* send = std::get_if<Send>(&op)) sends_ = send->in;
  }
  for (size_t slot = 0; slot < early.size(); ++slot) of_outputs_.push_back(!early[slot]);
  require_memory();
  slots_.resize(early.size());
  places_.slots.resize(early.size());
  for (size_t slot = 0; slot < early.size(); ++slot)
    if (!of_outputs_[slot])
      slots_[slot] = machine_->take(uint64_t{limits_.rows} * program_.slot_width[slot] * sizeof(float), Place::device,
                                    "activations");
  const uint64_t cells = uint64_t{limits_.pages} * limits_.page_size;
  for (uint32_t layer = 0; layer < program_.layers; ++layer) {
    keys_.push_back(machine_->take((cells * key_bytes_ + 3) / 4 * 4, Place::device, "the KV cache"));
    values_.push_back(machine_->take((cells * value_bytes_ + 3) / 4 * 4, Place::device, "the KV cache"));
    places_.keys.push_back(keys_.back().address());
    places_.values.push_back(values_.back().address());
  }
  for (const uint32_t width : program_.state_width) {
    states_.push_back(machine_->take(uint64_t{limits_.states} * width * sizeof(float), Place::device, "states"));
    places_.states.push_back(states_.back().address());
  }
  if (receives_ != kNoSlot) received_ = machine_->take(slots_[receives_].size(), Place::upload, "activations");
  if (sends_ != kNoSlot) sent_ = machine_->take(slots_[sends_].size(), Place::download, "activations");
  page_staging_ = machine_->take(limits_.page_size * position_bytes(program_, limits_.kv_type), Place::download,
                                 "copies of the KV cache");
  machine_->run_once([&](Work& commands) {
    for (const std::vector<Buffer>* buffers : {&keys_, &values_, &states_})
      for (const Buffer& one : *buffers) commands.zero(one);
  });
}

void GpuPlan::fit(uint64_t batch_words, uint32_t outputs, const Wanted& wanted) {
  const uint32_t needed = bucket_of(std::max(outputs, 1u), limits_.rows), whole = bucket_of(wanted.whole, limits_.rows);
  const uint64_t bytes = copied_words(batch_words) * sizeof(uint32_t);
  const uint64_t candidates = std::bit_ceil(std::max<uint64_t>(wanted.candidates, kMostCandidates)) * sizeof(Candidate);
  const bool fewer = candidates > candidates_.size() && has_select_;
  if (ready_ && bytes <= batch_.size() && needed <= outputs_ && whole <= whole_ && !fewer) return;
  // Where memory is short an exception leaves what is half made to the next step, which then begins anew.
  const bool anew = !std::exchange(ready_, false);
  work_.clear();
  if (anew || bytes > batch_.size()) {
    batch_ = Buffer();
    batch_staging_ = Buffer();
    batch_ = machine_->take(bytes, Place::device, "batches");
    batch_staging_ = machine_->take(bytes, Place::upload, "batches");
  }
  if (anew || needed > outputs_) {
    outputs_ = needed;
    for (size_t slot = 0; slot < slots_.size(); ++slot) {
      if (!of_outputs_[slot]) continue;
      slots_[slot] = Buffer();
      slots_[slot] =
          machine_->take(uint64_t{outputs_} * program_.slot_width[slot] * sizeof(float), Place::device, "activations");
    }
  }
  if (anew || whole > whole_) {
    whole_ = whole;
    result_ = Buffer();
    result_ = machine_->take(uint64_t{whole_} * result_width_ * sizeof(float), Place::download, "results");
  }
  if (has_select_ && (anew || fewer)) {
    candidates_ = Buffer();
    pairs_ = Buffer();
    candidates_ = machine_->take(candidates, Place::download, "results");
    pairs_ = machine_->take(candidates * candidate_chunks(result_width_), Place::device, "activations");
  }
  for (size_t slot = 0; slot < slots_.size(); ++slot) places_.slots[slot] = slots_[slot].address();
  places_.batch = batch_.address();
  places_.result = result_.address();
  places_.candidates = candidates_.address();
  places_.pairs = pairs_.address();
  compile_steps();
  // Now, so that a driver that cannot compile one says so before the first batch.
  for (const auto* steps : {&steps_, &steps_with_adapters_})
    for (const Step& step : *steps)
      if (step.least <= limits_.rows) machine_->prepare(step.kernel, step.constants);
  ready_ = true;
}

// Again until no scratch grows: it is taken once it is known how much is needed, and with it further steps may come.
void GpuPlan::compile_steps() {
  for (bool grown = true; grown;) {
    grown = false;
    Compiled plain = Compiler(program_, limits_, *machine_, weights_, places_, false, ways_).run();
    Compiled changed;
    if (program_.adapters > 0) changed = Compiler(program_, limits_, *machine_, weights_, places_, true, ways_).run();
    for (size_t i = 0; i < kScratches; ++i) {
      const uint64_t bytes = std::max(plain.scratch_bytes[i], changed.scratch_bytes[i]);
      if (bytes <= scratch_[i].size()) continue;
      grown = true;
      scratch_[i] = machine_->take(bytes, Place::device, "activations");
      places_.scratch[i] = scratch_[i].address();
    }
    steps_ = std::move(plain.steps);
    steps_with_adapters_ = std::move(changed.steps);
  }
  cut_rows_ = 0;
  tile_rows_ = UINT32_MAX;
  for (const auto* steps : {&steps_, &steps_with_adapters_})
    for (const Step& step : *steps) {
      cut_rows_ = std::max(cut_rows_, step.cut_rows);
      tile_rows_ = std::min(tile_rows_, step.tile_rows);
    }
}

Work& GpuPlan::work_for(Shape shape) {
  std::unique_ptr<Work>& work = work_[shape];
  if (work == nullptr) work = record(shape, nullptr);
  return *work;
}

std::unique_ptr<Work> GpuPlan::record(Shape shape, std::vector<const Step*>* timed) {
  const auto [rows, outputs, whole, chosen, parts, tiles, adapters, words] = shape;
  const uint32_t followed[] = {rows, rows, outputs, whole, chosen};  // by Follows
  std::unique_ptr<Work> commands = machine_->record();
  if (timed != nullptr) commands->time_launches(std::max(steps_.size(), steps_with_adapters_.size()));
  const auto row_bytes = [this, count = uint64_t{rows}](Slot slot) {
    return count * program_.slot_width[slot] * sizeof(float);
  };
  commands->copy(batch_staging_, 0, batch_, 0, words * sizeof(uint32_t));
  bool barrier = true;
  if (receives_ != kNoSlot) commands->copy(received_, 0, slots_[receives_], 0, row_bytes(receives_));
  for (const Step& step : adapters ? steps_with_adapters_ : steps_) {
    const uint32_t count = followed[static_cast<size_t>(step.follows)];
    barrier = barrier || step.after_barrier;
    const Cut cut = tiles && count >= step.tile_rows                 ? Cut::tiles
                    : parts >= kPartsToCut && count <= step.cut_rows ? Cut::parts
                                                                     : Cut::whole;
    const bool is_other = step.cut != Cut::either && step.cut != cut;
    if (count == 0 || count < step.least || count > step.most || is_other) continue;
    const uint64_t y = step.follows == Follows::nothing
                           ? 1
                           : (uint64_t{count} * step.y_times + step.y_over - 1) / step.y_over + step.y_more;
    if (barrier) commands->barrier();
    barrier = timed != nullptr;
    if (timed != nullptr) timed->push_back(&step);
    commands->launch({step.kernel,
                      step.constants,
                      std::span(step.args).first(step.args_bytes),
                      {step.x, static_cast<uint32_t>(std::min<uint64_t>(y, UINT32_MAX)),
                       step.z_of_parts ? std::min(step.z, parts) : step.z}});
  }
  if (sends_ != kNoSlot) {
    commands->barrier();
    commands->copy(slots_[sends_], 0, sent_, 0, row_bytes(sends_));
  }
  commands->end();
  return commands;
}

// A power of two; 1 where positions are not cut in steps of so many rows.
uint32_t GpuPlan::parts_of(const Batch& batch, uint32_t rows) const {
  if (rows > cut_rows_) return 1;
  uint32_t seen = 0;
  for (const uint32_t position : batch.positions) seen = std::max(seen, position + 1);
  // A sequence may name a page twice, and there is room for the parts of all cells.
  if (program_.layers == 0 || seen > uint64_t{limits_.pages} * limits_.page_size) return 1;
  const uint32_t parts = most_parts(seen);
  return parts < kPartsToCut ? 1 : std::bit_ceil(parts);
}

GpuPlan::Shape GpuPlan::prepare(const Batch& batch) {
  check_batch(batch, program_, limits_);
  finish();
  const uint64_t words = words_of(batch, program_);
  const auto rows = static_cast<uint32_t>(batch.tokens.size()), outputs = static_cast<uint32_t>(batch.outputs.size());
  wanted_ = wanted_of(batch, program_);
  fit(words, outputs, wanted_);
  write_words(batch, program_, {reinterpret_cast<uint32_t*>(batch_staging_.mapped()), words});
  if (receives_ != kNoSlot) std::memcpy(received_.mapped(), batch.received.data(), batch.received.size_bytes());
  const auto bucket = [this](uint32_t count) { return bucket_of(count, limits_.rows); };
  rows_ = rows;
  return {bucket(rows),
          bucket(outputs),
          bucket(wanted_.whole),
          bucket(wanted_.chosen),
          parts_of(batch, bucket(rows)),
          bucket(rows) >= tile_rows_ && rows >= kRowsOfSequence * (batch.row_begin.size() - 1),
          !batch.adapter_scales.empty(),
          copied_words(words)};
}

void GpuPlan::submit(const Batch& batch) {
  Work& work = work_for(prepare(batch));
  work.start();
  running_ = &work;
}

void GpuPlan::finish() {
  if (running_ == nullptr) return;
  Work& work = *std::exchange(running_, nullptr);
  work.wait();
}

StepResult GpuPlan::wait() {
  finish();
  const size_t sent = sends_ == kNoSlot ? 0 : size_t{rows_} * program_.slot_width[sends_];
  return {{reinterpret_cast<const float*>(result_.mapped()), size_t{wanted_.whole} * result_width_},
          {reinterpret_cast<const float*>(sent_.mapped()), sent},
          {reinterpret_cast<const Candidate*>(candidates_.mapped()), wanted_.candidates}};
}

}  // namespace hearth::gpu
