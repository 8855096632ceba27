// Asking for weights in time.
#pragma once

#include "kernels/cpu/generic/unpack.h"
#include "kernels/cpu/table.h"

namespace hearth::cpu {
namespace {

// Where many columns take their time: asks for the bytes of the rows that come next, a few lines at a time, in the
// order in which they lie. They come into the second-level cache while others are computed.
template <class I>
class Ahead {
 public:
  // Rows [begin, end) of a task, or as many of what is read next, in about `steps` calls of step.
  Ahead(const Matmul& task, uint32_t begin, uint32_t end, uint64_t steps) {
    if (begin < task.row_end) {
      bytes_ = task.weights + begin * task.row_bytes;
      end_ = ((end < task.row_end ? end : task.row_end) - begin) * task.row_bytes;
    } else {
      bytes_ = task.next;
      end_ = task.next == nullptr ? 0 : (end - begin) * task.next_row_bytes;
    }
    each_ = static_cast<uint32_t>((end_ / 64 + steps) / steps);
  }
  [[gnu::always_inline]] void step() {
    for (uint32_t i = 0; i < each_ && next_ < end_; ++i, next_ += 64) I::prefetch_far(bytes_ + next_);
  }

 private:
  const std::byte* bytes_;
  size_t next_ = 0, end_;
  uint32_t each_;
};

// Where memory sets the pace: asks for each of the rows that are computed together, and then for those that follow
// them, a little before their turn and in the order in which they are read. So the processor's own prefetching, which
// sees the same order, adds to it; asked for in another order they came at two thirds of the speed.
template <class I, class U>
class RowsAhead {
 public:
  // Rows [row, row + kTileLanes) of a task.
  RowsAhead(const Matmul& task, uint32_t row) : rows_(task.weights + row * task.row_bytes), row_bytes_(task.row_bytes) {
    const bool last = row + I::kTileLanes >= task.row_end && task.next != nullptr;
    after_ =
        last ? task.next : rows_ + I::kTileLanes * row_bytes_;  // past the end: an address that nothing is read from
    after_row_bytes_ = last ? task.next_row_bytes : row_bytes_;
  }
  // Before a unit; then step for each of its 8 groups.
  void begin(uint32_t unit) {
    constexpr size_t kBefore = 1024;  // bytes of a row
    const size_t at = unit * kUnitBytes<U> + kBefore;
    next_ = at < row_bytes_ ? rows_ + at : after_ + (at - row_bytes_);
    stride_ = at < row_bytes_ ? row_bytes_ : after_row_bytes_;
  }
  [[gnu::always_inline]] void step() {
    for (uint32_t row = 0; row < I::kTileLanes / 8; ++row, next_ += stride_)
      for (size_t line = 0; line < kUnitBytes<U>; line += 64) I::prefetch(next_ + line);
  }

 private:
  const std::byte *rows_, *after_, *next_ = nullptr;
  size_t row_bytes_, after_row_bytes_, stride_ = 0;
};

}  // namespace
}  // namespace hearth::cpu
