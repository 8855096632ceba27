// Sums of what ops did, and what attention reads.
#include "backends/profile.h"

#include <algorithm>

#include "backends/backend.h"

namespace hearth {
namespace {

void add_to(OpProfile& sum, const OpProfile& op) {
  sum.launches += op.launches;
  sum.seconds += op.seconds;
  sum.bytes += op.bytes;
  sum.operations += op.operations;
}

}  // namespace

void StepProfile::add(const OpProfile& op) {
  const auto known = std::find_if(ops.begin(), ops.end(), [&](const OpProfile& one) { return one.name == op.name; });
  if (known == ops.end())
    ops.push_back(op);
  else
    add_to(*known, op);
}

void StepProfile::add(const StepProfile& step) {
  for (const OpProfile& op : step.ops) add(op);
  seconds += step.seconds;
}

OpProfile StepProfile::sum() const {
  OpProfile sum;
  for (const OpProfile& op : ops) add_to(sum, op);
  return sum;
}

Seen seen_in(const Batch& batch, uint32_t window, bool causal) {
  Seen seen;
  for (size_t s = 0; s + 1 < batch.row_begin.size(); ++s) {
    const uint32_t first = batch.row_begin[s], end = batch.row_begin[s + 1];
    if (first == end) continue;
    const uint32_t all = batch.positions[end - 1] + 1;
    const auto of_row = [&](uint32_t row) {
      const uint32_t before = causal ? batch.positions[row] + 1 : all;
      return window == 0 ? before : std::min(before, window);
    };
    seen.positions += causal ? all - (batch.positions[first] + 1 - of_row(first)) : all;
    for (uint32_t row = first; row < end; ++row) seen.of_rows += of_row(row);
  }
  return seen;
}

StepProfile Plan::profile(const Batch&) {
  throw DeviceError("this device does not tell how long the ops of a step take");
}

}  // namespace hearth
