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
  // Rows [begin, end) of a task, or as many bytes of what is read next, in about `steps` calls of step.
  Ahead(const Matmul& task, uint32_t begin, uint32_t end, uint64_t steps) {
    size_t size = (end - begin) * task.row_bytes, most = task.next_bytes;
    bytes_ = task.next;
    if (begin < task.row_end) {
      bytes_ = task.weights + begin * task.row_bytes;
      most = (task.row_end - begin) * task.row_bytes;
    }
    end_ = size < most ? size : most;
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

}  // namespace
}  // namespace hearth::cpu
