// Mixtures of experts: rows are grouped by expert, so that each expert's weights are read once.
#include <algorithm>

#include "backends/cpu/plan.h"

namespace hearth::cpu {

void CpuPlan::run(const Experts& op, uint32_t thread) {
  if (rows_ == 0) return;
  const uint32_t used = op.used, out_width = width(op.out);
  const auto hidden = static_cast<uint32_t>(weight(op.down).width), hidden_units = units(hidden);
  const uint32_t places = rows_ * used;  // place = row * used + e
  if (thread == 0) {                     // a counting sort of the places by expert
    uint32_t* begin = expert_begin_.data();
    std::fill_n(begin, op.count + 1, 0u);
    const auto expert_of = [&](uint32_t place) {
      return static_cast<uint32_t>(row(op.route, place / used)[place % used]);
    };
    for (uint32_t place = 0; place < places; ++place) ++begin[expert_of(place) + 1];
    for (uint32_t e = 0; e < op.count; ++e) begin[e + 1] += begin[e];
    for (uint32_t place = 0; place < places; ++place) expert_rows_[begin[expert_of(place)]++] = place;
    for (uint32_t e = op.count; e > 0; --e) begin[e] = begin[e - 1];
    begin[0] = 0;
  }
  bool floats = false, blocks = false, down_floats = false, down_blocks = false;
  needs(op.gate, floats, blocks);
  needs(op.up, floats, blocks);
  needs(op.down, down_floats, down_blocks);
  const Inputs inputs = prepare(op.in, kNoWeight, 0, op.in == op.out, floats, blocks, thread);
  pool_->barrier();

  const void** in = own_[thread].in.data();
  float** out = own_[thread].out.data();
  // Calls f(expert, its places, their number) for each expert that any row chose.
  const auto each_expert = [&](auto&& f) {
    for (uint32_t e = 0; e < op.count; ++e)
      if (const uint32_t count = expert_begin_[e + 1] - expert_begin_[e]; count > 0)
        f(e, expert_rows_.data() + expert_begin_[e], count);
  };
  each_expert([&](uint32_t e, const uint32_t* place, uint32_t count) {
    const Range range = share(thread, hidden, grain(count));
    for (const bool up : {false, true}) {
      const Weight& one = weight(up ? op.up : op.gate);
      const void** from = format_info(one.format).block_size == 1 ? inputs.floats : inputs.blocks;
      for (uint32_t i = 0; i < count; ++i) {
        in[i] = from[place[i] / used];
        out[i] = (up ? hidden_up_ : hidden_).data() + size_t{place[i]} * hidden;
      }
      multiply(one, uint64_t{e} * hidden, range, count, in, out);
    }
    for (uint32_t i = 0; i < count; ++i) {
      const size_t at = size_t{place[i]} * hidden + range.begin;
      kernels_.silu_multiply(hidden_.data() + at, hidden_up_.data() + at, range.end - range.begin);
    }
  });
  pool_->barrier();
  if (down_blocks) {
    const Range mine = share(thread, places, 1);
    for (uint32_t p = mine.begin; p < mine.end; ++p)
      kernels_.quantise(hidden_.data() + size_t{p} * hidden, hidden, hidden_rounded_.data() + size_t{p} * hidden_units);
    pool_->barrier();
  }
  each_expert([&](uint32_t e, const uint32_t* place, uint32_t count) {
    for (uint32_t i = 0; i < count; ++i) {
      in[i] = down_blocks ? static_cast<const void*>(hidden_rounded_.data() + size_t{place[i]} * hidden_units)
                          : hidden_.data() + size_t{place[i]} * hidden;
      out[i] = expert_out_.data() + size_t{place[i]} * out_width;
    }
    multiply(weight(op.down), uint64_t{e} * out_width, share(thread, out_width, grain(count)), count, in, out);
  });
  pool_->barrier();  // the shares depend on the number of rows of each expert
  const Range range = share(thread, out_width, 16);
  const uint32_t length = range.end - range.begin;
  for (uint32_t i = 0; i < rows_; ++i) {
    float* to = row(op.out, i) + range.begin;
    if (op.add == kNoSlot) {
      std::fill_n(to, length, 0.0f);
    } else if (op.add != op.out) {
      std::copy_n(row(op.add, i) + range.begin, length, to);
    }
    for (uint32_t e = 0; e < used; ++e)
      kernels_.add_scaled(to, expert_out_.data() + (size_t{i} * used + e) * out_width + range.begin,
                          row(op.route, i)[used + e], length);
  }
}

}  // namespace hearth::cpu
