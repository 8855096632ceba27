// Mixtures of experts: the choice, then rows grouped by expert, so that each expert's weights are read once.
#include <algorithm>
#include <cmath>
#include <limits>

#include "backends/cpu/plan.h"

namespace hearth::cpu {
namespace {

constexpr float kNever = -std::numeric_limits<float>::infinity();

uint32_t largest_of(const float* values, uint32_t count) {
  return static_cast<uint32_t>(std::max_element(values, values + count) - values);
}

// Leaves only the groups of neighbours whose two largest keys sum to most; the others are never chosen.
void close_groups(float* keys, uint32_t count, uint32_t groups, uint32_t used) {
  const uint32_t size = count / groups;
  const auto sum_of_best = [&](uint32_t group) {
    float first = kNever, second = kNever;
    for (uint32_t i = group * size; i < (group + 1) * size; ++i) {
      if (keys[i] > first) {
        second = first;
        first = keys[i];
      } else {
        second = std::max(second, keys[i]);
      }
    }
    return size > 1 ? first + second : first;
  };
  for (uint32_t closed = groups; closed > used; --closed) {
    uint32_t worst = groups;
    float least = std::numeric_limits<float>::infinity();
    for (uint32_t group = 0; group < groups; ++group) {
      const float sum = sum_of_best(group);
      if (sum != kNever && sum <= least) {
        least = sum;
        worst = group;
      }
    }
    if (worst < groups) std::fill_n(keys + worst * size, size, kNever);
  }
}

}  // namespace

// The choice of one row by its scores[experts]; keys[experts] is for its use.
void CpuPlan::choose(const Route& op, float* scores, float* keys, float* chosen) const {
  const auto count = static_cast<uint32_t>(weight(op.router).rows);
  // Where the weights are normalised probabilities of a softmax, the sum of all cancels against that of the chosen.
  const bool relative = op.gating == Gating::softmax && op.normalised && op.selection_bias == kNoWeight;
  const float top = *std::max_element(scores, scores + count);
  if (op.gating == Gating::sigmoid) {
    kernels_.sigmoid(scores, count);
  } else if (!relative || op.groups > 1) {
    double sum = 0;
    for (uint32_t k = 0; k < count; ++k) sum += std::exp(double{scores[k]} - double{top});
    for (uint32_t k = 0; k < count; ++k)
      scores[k] = static_cast<float>(std::exp(double{scores[k]} - double{top}) / sum);
  }
  std::copy_n(scores, count, keys);
  if (op.selection_bias != kNoWeight) kernels_.add(keys, vectors_[op.selection_bias].data(), count);
  if (op.groups > 1) close_groups(keys, count, op.groups, op.groups_used);
  double sum = 0;
  for (uint32_t e = 0; e < op.used; ++e) {
    const uint32_t best = largest_of(keys, count);
    double weight = double{scores[best]};
    if (relative && op.groups == 1) weight = std::exp(weight - double{top});
    chosen[e] = static_cast<float>(best);
    chosen[op.used + e] = static_cast<float>(weight);
    sum += weight;
    keys[best] = kNever;
  }
  const double factor = double{op.scale} / (op.normalised ? sum : 1.0);
  for (uint32_t e = 0; e < op.used; ++e) chosen[op.used + e] = static_cast<float>(double{chosen[op.used + e]} * factor);
}

void CpuPlan::run(const Route& op, uint32_t thread) {
  if (rows_ == 0) return;
  const Weight& router = weight(op.router);
  const auto count = static_cast<uint32_t>(router.rows);
  bool floats = false, blocks = false;
  needs(op.router, floats, blocks);
  const bool changed = is_changed(op.router);
  const Inputs inputs = prepare(op.in, {}, false, floats || changed, blocks, by_tiles(rows_), thread);
  if (changed) {
    go_down(op.router, 0, {.count = rows_}, inputs.floats, lows_.data(), thread);
    pool_->barrier();
  }
  float** out = own_[thread].out.data();
  const Range range = share(thread, count, grain(rows_));
  for (uint32_t i = 0; i < rows_; ++i) out[i] = scratch_.data() + size_t{i} * count + range.begin;
  multiply(router, range.begin, range.end - range.begin, rows_, blocks ? inputs.blocks : inputs.floats, out, {},
           inputs.unit_step);
  if (changed) go_up(op.router, 0, range, {.count = rows_}, lows_.data(), out, thread);
  pool_->barrier();
  const Range rows = share(thread, rows_, 1);
  for (uint32_t i = rows.begin; i < rows.end; ++i) {
    float* scores = scratch_.data() + size_t{i} * count;
    if (op.bias != kNoWeight) kernels_.add(scores, vectors_[op.bias].data(), count);
    choose(op, scores, own_[thread].keys.data(), row(op.out, i));
  }
}

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
  const bool changed = is_changed(op.gate) || is_changed(op.up), down_changed = is_changed(op.down);
  const Inputs inputs = prepare(op.in, {}, op.in == op.out, floats || changed, blocks, false, thread);
  pool_->barrier();

  const void** in = own_[thread].in.data();
  float** out = own_[thread].out.data();
  // Calls f(expert, its places, their number) for each expert that any row chose.
  const auto each_expert = [&](auto&& f) {
    for (uint32_t e = 0; e < op.count; ++e)
      if (const uint32_t count = expert_begin_[e + 1] - expert_begin_[e]; count > 0)
        f(e, expert_rows_.data() + expert_begin_[e], count);
  };
  // The same with rows of each expert's matrix, of `height` in all, so that whoever is faster takes more.
  const auto share_experts = [&](uint32_t height, uint64_t row_products, auto&& f) {
    const auto grains = [&](uint32_t count) { return (height + grain(count) - 1) / grain(count); };
    uint64_t all = 0;
    each_expert([&](uint32_t, const uint32_t*, uint32_t count) { all += grains(count); });
    share_in_pieces(thread, {all, grain(1) * row_products}, [&](uint32_t begin, uint32_t end, uint32_t) {
      uint32_t first = 0;
      each_expert([&](uint32_t e, const uint32_t* place, uint32_t count) {
        const Range range = rows_within(begin, end, first, grain(count), height);
        if (range.begin < range.end) f(e, place, count, range);
        first += grains(count);
      });
    });
  };
  float* const up_lows = lows_.data() + places * lows_width(op.gate);
  if (changed) {
    each_expert([&](uint32_t e, const uint32_t* place, uint32_t count) {
      const Columns columns{count, place, used};
      for (uint32_t i = 0; i < count; ++i) in[i] = inputs.floats[place[i] / used];
      go_down(op.gate, e, columns, in, lows_.data(), thread);
      go_down(op.up, e, columns, in, up_lows, thread);
    });
    pool_->barrier();
  }
  share_experts(hidden, width(op.in), [&](uint32_t e, const uint32_t* place, uint32_t count, Range range) {
    for (const bool up : {false, true}) {
      const Weight& one = weight(up ? op.up : op.gate);
      const void** from = format_info(one.format).block_size == 1 ? inputs.floats : inputs.blocks;
      for (uint32_t i = 0; i < count; ++i) {
        in[i] = from[place[i] / used];
        out[i] = (up ? hidden_up_ : hidden_).data() + size_t{place[i]} * hidden + range.begin;
      }
      const Rows next = up ? Rows{} : rows_from(weight(op.up), uint64_t{e} * hidden + range.begin);
      multiply(one, uint64_t{e} * hidden + range.begin, range.end - range.begin, count, in, out, next);
      if (changed)
        go_up(up ? op.up : op.gate, e, range, {count, place, used}, up ? up_lows : lows_.data(), out, thread);
    }
    for (uint32_t i = 0; i < count; ++i) {
      const size_t at = size_t{place[i]} * hidden + range.begin;
      const uint32_t length = range.end - range.begin;
      const auto add_bias = [&](float* to, WeightId bias) {
        if (bias != kNoWeight) kernels_.add(to, vectors_[bias].data() + size_t{e} * hidden + range.begin, length);
      };
      add_bias(hidden_.data() + at, op.gate_bias);
      add_bias(hidden_up_.data() + at, op.up_bias);
      gate(op.act, hidden_.data() + at, hidden_up_.data() + at, length);
    }
  });
  pool_->barrier();
  if (down_blocks) {
    const Range mine = share(thread, places, 1);
    for (uint32_t p = mine.begin; p < mine.end; ++p)
      round_row(hidden_.data() + size_t{p} * hidden, hidden, hidden_rounded_.data() + size_t{p} * hidden_units);
    pool_->barrier();
  }
  if (down_changed) {
    each_expert([&](uint32_t e, const uint32_t* place, uint32_t count) {
      for (uint32_t i = 0; i < count; ++i) in[i] = hidden_.data() + size_t{place[i]} * hidden;
      go_down(op.down, e, {count, place, used}, in, lows_.data(), thread);
    });
    pool_->barrier();
  }
  share_experts(out_width, hidden, [&](uint32_t e, const uint32_t* place, uint32_t count, Range range) {
    for (uint32_t i = 0; i < count; ++i) {
      in[i] = down_blocks ? static_cast<const void*>(hidden_rounded_.data() + size_t{place[i]} * hidden_units)
                          : hidden_.data() + size_t{place[i]} * hidden;
      out[i] = expert_out_.data() + size_t{place[i]} * out_width + range.begin;
    }
    multiply(weight(op.down), uint64_t{e} * out_width + range.begin, range.end - range.begin, count, in, out);
    if (down_changed) go_up(op.down, e, range, {count, place, used}, lows_.data(), out, thread);
  });
  pool_->barrier();  // who computed which rows is not known
  const Range range = share(thread, out_width, 16);
  const uint32_t length = range.end - range.begin;
  for (uint32_t i = 0; i < rows_; ++i) {
    float* to = row(op.out, i) + range.begin;
    if (op.add == kNoSlot) {
      std::fill_n(to, length, 0.0f);
    } else if (op.add != op.out) {
      std::copy_n(row(op.add, i) + range.begin, length, to);
    }
    for (uint32_t e = 0; e < used; ++e) {
      const float* route = row(op.route, i);
      kernels_.add_scaled(to, expert_out_.data() + (size_t{i} * used + e) * out_width + range.begin, route[used + e],
                          length);
      if (op.down_bias != kNoWeight)
        kernels_.add_scaled(to, vectors_[op.down_bias].data() + static_cast<size_t>(route[e]) * out_width + range.begin,
                            route[used + e], length);
    }
  }
}

}  // namespace hearth::cpu
