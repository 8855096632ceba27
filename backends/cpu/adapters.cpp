// What adapters add to products: down to their rank, which all threads share, and up from there.
#include <algorithm>
#include <initializer_list>

#include "backends/cpu/plan.h"

namespace hearth::cpu {

void CpuPlan::allocate_for_adapters() {
  uint64_t lows = 0, added = 0;  // widths
  for (const Change& change : program_.embedding_changes) added = std::max(added, change.up.width);
  for (const Stage& stage : stages_) {
    uint64_t sum = 0;
    const auto note = [&](std::initializer_list<WeightId> ids, uint64_t used, uint64_t matrices) {
      for (const WeightId id : ids) {
        if (id == kNoWeight || program_.changes_of(id).empty()) continue;
        sum += used * lows_width(id);
        added = std::max(added, weight(id).rows / matrices);
      }
    };
    if (const auto* matmul = std::get_if<MatmulStage>(&stage))
      for (const auto& part : matmul->parts) note({part.weight, part.up}, 1, 1);
    if (const auto* route = std::get_if<Route>(&stage)) note({route->router}, 1, 1);
    if (const auto* moe = std::get_if<Experts>(&stage)) note({moe->gate, moe->up, moe->down}, moe->used, moe->count);
    lows = std::max(lows, sum);
  }
  lows_ = Buffer<float>("activations of adapters", limits_.rows, lows);
  for (Own& own : own_) own.added = Buffer<float>("activations of adapters", kAddedAtOnce, added);
}

float CpuPlan::factor(const Change& change, uint32_t i) const {
  const std::vector<float>& scales = batch_->adapter_scales;
  return scales.empty() ? 0 : change.factor * scales[size_t{sequence_of_row_[i]} * program_.adapters + change.adapter];
}

bool CpuPlan::is_changed(WeightId id) const {
  return !batch_->adapter_scales.empty() && !program_.changes_of(id).empty();
}

uint64_t CpuPlan::lows_width(WeightId id) const {
  uint64_t sum = 0;
  for (const Change& change : program_.changes_of(id)) sum += change.up.width;
  return sum;
}

void CpuPlan::go_down(WeightId id, uint64_t index, const Columns& columns, const void* const* in, float* lows,
                      uint32_t thread) {
  Own& own = own_[thread];
  for (const Change& change : program_.changes_of(id)) {
    const auto rank = static_cast<uint32_t>(change.up.width);
    const Range range = share(thread, rank, 4);
    uint32_t count = 0;
    for (uint32_t i = 0; i < columns.count; ++i) {
      if (factor(change, columns.row(i)) == 0) continue;
      own.low_in[count] = in[i];
      own.added_to[count++] = lows + size_t{columns.place(i)} * rank + range.begin;
    }
    multiply(change.down, index * rank + range.begin, range.end - range.begin, count, own.low_in.data(),
             own.added_to.data());
    lows += size_t{rows_} * columns.used * rank;
  }
}

void CpuPlan::go_up(WeightId id, uint64_t index, Range range, const Columns& columns, const float* lows,
                    float* const* out, uint32_t thread) {
  Own& own = own_[thread];
  for (const Change& change : program_.changes_of(id)) {
    const auto rank = static_cast<uint32_t>(change.up.width);
    // Of a weight's matrices, which lie one below the other.
    const uint64_t height = change.up.rows / (change.down.rows / rank);
    const uint32_t length = range.end - range.begin;
    for (uint32_t next = 0; next < columns.count;) {
      const uint32_t begin = next;
      uint32_t count = 0;
      for (; next < columns.count && count < kAddedAtOnce; ++next) {
        if (factor(change, columns.row(next)) == 0) continue;
        own.low_in[count] = lows + size_t{columns.place(next)} * rank;
        own.added_to[count] = own.added.data() + size_t{count} * length;
        ++count;
      }
      multiply(change.up, index * height + range.begin, length, count, own.low_in.data(), own.added_to.data());
      const float* from = own.added.data();
      for (uint32_t i = begin; i < next; ++i) {
        const float scale = factor(change, columns.row(i));
        if (scale == 0) continue;
        kernels_.add_scaled(out[i], from, scale, length);
        from += length;
      }
    }
    lows += size_t{rows_} * columns.used * rank;
  }
}

void CpuPlan::add_to_embedding(uint32_t i, float* out, uint32_t thread) {
  for (const Change& change : program_.embedding_changes) {
    const float scale = factor(change, i);
    if (scale == 0) continue;
    const auto count = static_cast<uint32_t>(change.up.rows);
    float* low = own_[thread].added.data();
    float* added = own_[thread].normed.data();
    decode_row(change.down, static_cast<uint64_t>(batch_->tokens[i]), low);
    const void* in = low;
    multiply(change.up, 0, count, 1, &in, &added);
    kernels_.add_scaled(out, added, scale, count);
  }
}

}  // namespace hearth::cpu
