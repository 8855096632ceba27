// Asking for weights in time.
#pragma once

#include "kernels/cpu/table.h"

namespace hearth::cpu {
namespace {

// Asks for the bytes of the rows that come next, a few lines at a time, in the order in which they lie: they come into
// the second-level cache while others are computed.
template <class I>
class Ahead {
 public:
  // Rows [begin, end) of a task, in about `steps` calls of step.
  Ahead(const Matmul& task, uint32_t begin, uint32_t end, uint64_t steps)
      : weights_(task.weights),
        next_((begin < task.row_end ? begin : task.row_end) * task.row_bytes),
        end_((end < task.row_end ? end : task.row_end) * task.row_bytes),
        each_(static_cast<uint32_t>(((end_ - next_) / 64 + steps) / steps)) {}
  [[gnu::always_inline]] void step() {
    for (uint32_t i = 0; i < each_ && next_ < end_; ++i, next_ += 64) I::prefetch_far(weights_ + next_);
  }

 private:
  const std::byte* weights_;
  size_t next_, end_;  // bytes
  uint32_t each_;
};

}  // namespace
}  // namespace hearth::cpu
