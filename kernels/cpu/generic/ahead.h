// Asking for weights in time.
#pragma once

#include <type_traits>

#include "kernels/cpu/generic/unpack.h"
#include "kernels/cpu/table.h"

namespace hearth::cpu {
namespace {

// Bytes of a unit of weights.
template <class U>
size_t unit_bytes(const Matmul& task) {
  if constexpr (U::kExpands) return coded_bytes(*task.format);
  return kUnitBytes<U>;
}

// For panels, where there is time: asks for a unit of all rows of a panel, row by row, while the unit before it is
// computed, or the one before that: one reaches the first-level cache and stays there for a few dozen columns only.
// What is asked for need not exist.
template <class I, class U>
class UnitsAhead {
 public:
  // Rows [row, row + rows) of a task, in `steps` calls of step for each unit.
  UnitsAhead(const Matmul& task, uint32_t row, uint32_t rows, uint32_t steps, bool near)
      : rows_(task.weights + row * task.row_bytes),
        row_bytes_(task.row_bytes),
        unit_bytes_(unit_bytes<U>(task)),
        count_(rows),
        steps_(steps),
        units_(units(task.width)),
        near_(near) {
    const bool last = row + rows >= task.row_end;
    after_ = last ? task.next : rows_ + rows * row_bytes_;
    after_row_bytes_ = last ? task.next_row_bytes : row_bytes_;
  }
  // Before a unit.
  [[gnu::always_inline]] void begin(uint32_t unit) {
    const uint32_t at = unit + (near_ ? 1 : 2);
    const bool within = at < units_;
    left_ = within || after_ != nullptr ? count_ : 0;
    from_ = within ? rows_ : after_;
    at_ = (within ? at : at - units_) * unit_bytes_;
    stride_ = within ? row_bytes_ : after_row_bytes_;
    due_ = 0;
  }
  [[gnu::always_inline]] void step() {
    for (due_ += count_; due_ >= steps_ && left_ > 0; due_ -= steps_, --left_, at_ += stride_)
      for (size_t line = 0; line < unit_bytes_ + 63; line += 64)
        near_ ? I::prefetch(past(from_, at_ + line)) : I::prefetch_far(past(from_, at_ + line));
  }

 private:
  const std::byte *rows_, *after_, *from_ = nullptr;
  size_t row_bytes_, after_row_bytes_, unit_bytes_, at_ = 0, stride_ = 0;
  uint32_t count_, steps_, units_, left_ = 0, due_ = 0;
  bool near_;
};

// For few columns, where memory sets the pace: asks for each of the rows that are computed together, and then for those
// that follow them, a little before their turn and about in the order in which they are read. So the processor's own
// prefetching, which sees the same order, adds to it; asked for in another order they came at two thirds of the speed.
// Reaches past the last rows: what is asked for need not exist.
template <class I, class U>
class RowsAhead {
 public:
  // Rows [row, row + kTileLanes) of a task.
  RowsAhead(const Matmul& task, uint32_t row)
      : rows_(task.weights + row * task.row_bytes), row_bytes_(task.row_bytes), units_(units(task.width)) {
    if constexpr (U::kExpands) unit_bytes_ = unit_bytes<U>(task);
    const bool last = row + I::kTileLanes >= task.row_end && task.next != nullptr;
    after_ = last ? task.next : static_cast<const std::byte*>(past(rows_, I::kTileLanes * row_bytes_));
    after_row_bytes_ = last ? task.next_row_bytes : row_bytes_;
  }
  // Before a unit; then step for each of its 8 groups.
  [[gnu::always_inline]] void begin(uint32_t unit) {
    if (unit % kTogether != 0) return;
    const size_t run = run_bytes(), ahead = kBefore / run * run;
    const size_t at = run / kTogether * unit + (ahead < row_bytes_ ? ahead : row_bytes_);
    const bool within = at < row_bytes_;
    from_ = within ? rows_ : after_;
    at_ = within ? at : (at - row_bytes_) / run * run;
    stride_ = within ? row_bytes_ : after_row_bytes_;
    is_last_ = unit + kTogether > units_;
    step_ = 0;
  }
  [[gnu::always_inline]] void step() {
    if constexpr (I::kTileLanes < kSteps)
      if (++step_ % (kSteps / I::kTileLanes) != 0) return;
    ask();
    if constexpr (kTogether > 1)
      if (is_last_) ask();  // a unit alone has half the steps
  }

 private:
  // Units of a row that are asked for together, and at most how many bytes before, in whole runs of them: measured
  // (bench/README.md).
  static constexpr uint32_t kTogether = std::is_same_v<typename U::Block, BlockQ6_K> ? 2 : 1;
  static constexpr size_t kBefore = 1100;
  static constexpr uint32_t kSteps = 8 * kTogether;  // in which all rows are asked for
  static_assert(I::kTileLanes % kSteps == 0 || kSteps % I::kTileLanes == 0);

  size_t run_bytes() const {
    if constexpr (U::kExpands) return unit_bytes_;
    return kTogether * kUnitBytes<U>;
  }
  [[gnu::always_inline]] void ask() {
    constexpr uint32_t kRows = I::kTileLanes < kSteps ? 1 : I::kTileLanes / kSteps;
    for (uint32_t row = 0; row < kRows; ++row, at_ += stride_)
      for (size_t line = 0; line < run_bytes(); line += 64) I::prefetch(past(from_, at_ + line));
  }

  const std::byte *rows_, *after_, *from_ = nullptr;
  size_t row_bytes_, after_row_bytes_, unit_bytes_ = 0, at_ = 0, stride_ = 0;
  uint32_t units_, step_ = 0;
  bool is_last_ = false;  // the last unit of a row, alone
};

}  // namespace
}  // namespace hearth::cpu
