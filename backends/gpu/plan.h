// A compiled program of a GPU: its memory, its steps, and work recorded for numbers of rows.
#pragma once

#include <map>
#include <memory>
#include <tuple>
#include <vector>

#include "backends/backend.h"
#include "backends/gpu/batch_words.h"
#include "backends/gpu/compiler.h"
#include "backends/gpu/machine.h"
#include "backends/gpu/places.h"
#include "backends/gpu/weights.h"

namespace hearth::gpu {

// The numbers of a shape are rounded up to powers of two; for each shape the work is recorded once, when a batch first
// needs it. What a batch says lies in one buffer, which submit() writes and the work begins with a copy of.
class GpuPlan : public Plan {
 public:
  // Throws DeviceError where the program is not sound, the device cannot run it, or memory is short.
  GpuPlan(const Program& program, const Limits& limits, std::shared_ptr<Machine> machine,
          std::shared_ptr<SharedMatrices> matrices, Ways ways);
  ~GpuPlan() override;

  void submit(const Batch& batch) override;
  StepResult wait() override;
  StepProfile profile(const Batch& batch) override;                                              // plan_profile.cpp
  void read_page(uint32_t page, uint32_t positions, std::span<std::byte> bytes) const override;  // plan_copies.cpp
  void write_page(uint32_t page, uint32_t positions, std::span<const std::byte> bytes) override;
  void read_state(uint32_t place, std::span<float> values) const override;
  void write_state(uint32_t place, std::span<const float> values) override;

 private:
  // Rows, outputs, how many of those are wanted whole and how many have candidates, parts of the positions that the
  // furthest row sees, whether sequences have enough rows for tiles of them, whether adapters are used; words of the
  // batch.
  using Shape = std::tuple<uint32_t, uint32_t, uint32_t, uint32_t, uint32_t, bool, bool, uint64_t>;

  void require_memory() const;
  void take_memory();
  // Makes room for such a batch, which may move buffers; what was recorded is then recorded anew.
  void fit(uint64_t batch_words, uint32_t outputs, const Wanted& wanted);
  void compile_steps();
  // Everything that a step needs but its work; what that is for.
  Shape prepare(const Batch& batch);
  // timed: gets the steps that are taken, whose times are then told and which wait for each other; null: nobody asks.
  std::unique_ptr<Work> record(Shape shape, std::vector<const Step*>* timed);
  Work& work_for(Shape shape);
  uint32_t parts_of(const Batch& batch, uint32_t rows) const;
  void finish();
  // Calls f(buffer, its offset, the offset in a page's staging, bytes) for each layer's keys and values.
  template <class F>
  void each_part(uint32_t page, uint32_t positions, F&& f) const;
  // The same for each row of those, with its place among a page's bytes.
  template <class F>
  void each_row(uint32_t positions, F&& f) const;

  const Program program_;
  const Limits limits_;
  const std::shared_ptr<Machine> machine_;  // which the plan may outlive its device with
  const std::shared_ptr<SharedMatrices> matrices_;
  const Ways ways_;
  Weights weights_;

  std::vector<Buffer> slots_;          // by Slot
  std::vector<bool> of_outputs_;       // by Slot: touched from Select on only, and so of outputs_ rows
  std::vector<Buffer> keys_, values_;  // by layer, [cells x bytes of a row]
  std::vector<Buffer> states_;         // by StateId, [places x its width]
  std::array<Buffer, kScratches> scratch_;
  Buffer batch_, batch_staging_, page_staging_;
  // As the host sees them: the rows wanted whole, [whole_ x result width], and the candidates of one row after the
  // other.
  Buffer result_, candidates_;
  Buffer pairs_;            // [candidates x chunks of a row]
  Buffer received_, sent_;  // [rows x width], as the host sees what passes between devices
  Slot receives_ = kNoSlot, sends_ = kNoSlot;
  Places places_;
  uint64_t key_bytes_, value_bytes_;
  uint32_t outputs_ = 0, whole_ = 0;  // rows that there is room for after Select, and in the result
  bool ready_ = false;                // the steps are of the buffers that there are
  bool has_select_ = false;
  uint32_t result_width_ = 0;  // 0: there is no result

  std::vector<Step> steps_, steps_with_adapters_;
  uint32_t cut_rows_ = 0, tile_rows_ = 0;  // the most of those, and the least
  std::map<Shape, std::unique_ptr<Work>> work_;
  Work* running_ = nullptr;
  uint32_t rows_ = 0;  // of the batch
  Wanted wanted_;
};

}  // namespace hearth::gpu
