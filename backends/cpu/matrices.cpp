// Preparing inputs and multiplying matrices by them.
#include <algorithm>
#include <bit>
#include <limits>

#include "backends/cpu/plan.h"

namespace hearth::cpu {
namespace {

constexpr uint32_t kColumnsToRescale = 64;  // where it is faster for all formats that have a kernel for it

}  // namespace

void CpuPlan::norm_row(const Norm& norm, const float* x, uint32_t count, float* out) const {
  const Weight& gain = weight(norm.gain);
  const auto run = static_cast<uint32_t>(gain.width);
  const float* gains = vectors_[norm.gain].data();
  const float* bias = norm.bias == kNoWeight ? nullptr : vectors_[norm.bias].data();
  uint32_t begin = 0;
  for (; begin + run <= count; begin += run) {
    if (norm.centered) {
      kernels_.layer_norm(x + begin, gains, bias, norm.eps, run, out + begin);
    } else {
      kernels_.rms_norm(x + begin, gains, norm.eps, run, out + begin);
    }
    if (gain.rows > 1) gains += run;
  }
  if (x != out) std::copy(x + begin, x + count, out + begin);
}

void CpuPlan::activate(Activation act, float* x, uint32_t n) const {
  if (act == Activation::silu) kernels_.silu(x, n);
  if (act == Activation::gelu) kernels_.gelu(x, n);
  if (act == Activation::sigmoid) kernels_.sigmoid(x, n);
}

void CpuPlan::gate(Activation act, float* gate, const float* up, uint32_t n) const {
  if (act == Activation::silu) kernels_.silu_multiply(gate, up, n);
  if (act == Activation::gelu) kernels_.gelu_multiply(gate, up, n);
  if (act == Activation::clamped) kernels_.clamped_multiply(gate, up, n);
}

void CpuPlan::needs(WeightId id, bool& floats, bool& blocks) const {
  if (id == kNoWeight) return;
  (format_info(weight(id).format).block_size == 1 ? floats : blocks) = true;
}

void CpuPlan::round_row(const float* x, uint32_t count, Q8Unit* out) const {
  kernels_.quantise(x, count, out);
  constexpr uint32_t kExponent = 0x7f800000;
  const auto is_wrong = [](const float* values, uint32_t n) {
    uint32_t wrong = 0;
    for (uint32_t i = 0; i < n; ++i) wrong |= (std::bit_cast<uint32_t>(values[i]) & kExponent) == kExponent ? 1u : 0u;
    return wrong != 0;
  };
  if (!is_wrong(x, count)) return;
  constexpr float kNone = std::numeric_limits<float>::quiet_NaN();
  for (uint32_t i = 0; i < count; i += 32) {
    if (!is_wrong(x + i, std::min(32u, count - i))) continue;
    Q8Unit& unit = out[i / kUnit];
    const uint32_t group = i % kUnit / 32;
    unit.scale[group] = unit.sum[group] = kNone;
  }
}

CpuPlan::Inputs CpuPlan::prepare(Slot in, const Norm& norm, bool copy, bool floats, bool blocks, bool side_by_side,
                                 uint32_t thread) {
  Own& own = own_[thread];
  const uint32_t count = width(in), unit_count = units(count);
  const bool to_normed = norm.gain != kNoWeight || (copy && floats);
  const bool alone = rows_ <= kPrivateRows && !copy;
  float* normed = alone ? own.normed.data() : normed_.data();
  Q8Unit* rounded = alone ? own.rounded.data() : rounded_.data();
  const Range mine = alone ? Range{0, rows_} : share(thread, rows_, 1);
  for (uint32_t i = mine.begin; i < mine.end; ++i) {
    const float* x = row(in, i);
    if (to_normed) {
      float* to = normed + size_t{i} * count;
      if (norm.gain != kNoWeight) {
        norm_row(norm, x, count, to);
      } else {
        std::copy_n(x, count, to);
      }
      x = to;
    }
    if (!blocks) continue;
    if (side_by_side) {
      for (uint32_t unit = 0; unit < unit_count; ++unit)
        round_row(x + size_t{unit} * kUnit, std::min(kUnit, count - unit * kUnit), rounded + size_t{unit} * rows_ + i);
    } else {
      round_row(x, count, rounded + size_t{i} * unit_count);
    }
  }
  for (uint32_t i = 0; i < rows_; ++i) {
    own.floats[i] = to_normed ? normed + size_t{i} * count : row(in, i);
    own.blocks[i] = rounded + (side_by_side ? i : size_t{i} * unit_count);
  }
  if (!alone && (to_normed || blocks)) pool_->barrier();
  return {own.floats.data(), own.blocks.data(), side_by_side ? rows_ : 1};
}

void CpuPlan::multiply(const Weight& weight, uint64_t first_row, uint32_t count, uint32_t columns,
                       const void* const* in, float* const* out, Rows next, uint32_t unit_step) const {
  if (count == 0 || columns == 0) return;
  const Rows rows = rows_from(weight, first_row);
  const FormatKernels& kernels = kernels_.formats[static_cast<uint32_t>(weight.format)];
  const bool rescaled = kernels.rescaled != nullptr && columns >= kColumnsToRescale && !limits_.deterministic;
  (rescaled                 ? kernels.rescaled
   : columns > few_columns_ ? kernels.many
                            : kernels.few)({.format = &format_info(weight.format),
                                            .weights = rows.first,
                                            .row_bytes = rows.bytes,
                                            .width = static_cast<uint32_t>(weight.width),
                                            .row_begin = 0,
                                            .row_end = count,
                                            .columns = columns,
                                            .in = in,
                                            .out = out,
                                            .next = next.first,
                                            .next_row_bytes = next.bytes,
                                            .unit_step = unit_step});
  const float scale = weight.scale_of(first_row);
  for (uint32_t i = 0; i < columns && scale != 1; ++i) kernels_.scale(out[i], scale, count);
}

void CpuPlan::run(const MatmulStage& stage, uint32_t thread) {
  if (rows_ == 0) return;
  bool floats = false, blocks = false, changed = false;
  for (const auto& part : stage.parts) {
    needs(part.weight, floats, blocks);
    needs(part.up, floats, blocks);
    changed = changed || is_changed(part.weight) || is_changed(part.up);
  }
  const Inputs inputs =
      prepare(stage.in, stage.norm, stage.overwrites_input, floats || changed, blocks, by_tiles(rows_), thread);
  const Columns columns{.count = rows_};
  if (changed) {
    float* lows = lows_.data();
    for (const auto& part : stage.parts)
      for (const WeightId id : {part.weight, part.up}) {
        go_down(id, 0, columns, inputs.floats, lows, thread);
        lows += rows_ * lows_width(id);
      }
    pool_->barrier();
  }
  const uint32_t grain = this->grain(rows_);
  const Shared all = shared(stage);
  const auto run_slice = [&](uint32_t begin, uint32_t end, uint32_t next) {
    Rows later;
    if (next < all.count) {
      later = rows_from(stage, next);
    } else if (stage.following > 0) {
      const auto& following = std::get<MatmulStage>(stages_[stage.following]);
      later = rows_from(following, shared(following).piece(thread, pool_->team()).begin);
    }
    const float* lows = lows_.data();
    uint32_t first = 0;
    for (const auto& part : stage.parts) {
      const Range range = rows_within(begin, end, first, grain, width(part.out));
      first += grains(part);
      if (range.begin < range.end)
        run(part, range, inputs, changed, lows, first < end ? rows_from(stage, first) : later, thread);
      if (changed) lows += rows_ * (lows_width(part.weight) + lows_width(part.up));
    }
  };
  // What follows a product, as its activation, finds it in the cache.
  const uint32_t slice = this->slice(rows_);
  // Whoever is faster takes more.
  share_in_pieces(thread, all, [&](uint32_t begin, uint32_t end, uint32_t next) {
    for (; end - begin > slice; begin += slice) run_slice(begin, begin + slice, begin + slice);
    run_slice(begin, end, next);
  });
}

uint32_t CpuPlan::grains(const MatmulStage::Part& part) const {
  const uint32_t grain = this->grain(rows_);
  return (width(part.out) + grain - 1) / grain;
}

CpuPlan::Shared CpuPlan::shared(const MatmulStage& stage) const {
  uint64_t count = 0;
  for (const auto& part : stage.parts) count += grains(part);
  return {count, uint64_t{grain(rows_)} * width(stage.in) * rows_, by_tiles(rows_) ? slice(rows_) : 1};
}

Rows CpuPlan::rows_from(const MatmulStage& stage, uint32_t index) const {
  for (const auto& part : stage.parts) {
    if (index < grains(part)) return rows_from(weight(part.weight), uint64_t{index} * grain(rows_));
    index -= grains(part);
  }
  return {};
}

Rows CpuPlan::rows_from(const Weight& weight, uint64_t row) const {
  const FormatInfo& info = format_info(weight.format);
  const size_t bytes = weight.width / info.block_size * info.block_bytes;
  return {weight.bytes.data() + row * bytes, bytes};
}

void CpuPlan::run(const MatmulStage::Part& part, Range range, const Inputs& inputs, bool changed, const float* lows,
                  Rows next, uint32_t thread) {
  const uint32_t count = width(part.out), length = range.end - range.begin;
  const bool adds_to_itself = part.add == part.out;  // what is added must not be overwritten
  // Rows of activations lie so far apart that columns of results would drive each other from the cache.
  const bool close = by_tiles(rows_);
  float** out = own_[thread].out.data();
  float* const results = own_[thread].results.data();
  const auto aside = [&](uint32_t i) { return scratch_.data() + size_t{i} * count + range.begin; };
  const auto first = [&](uint32_t i) {
    if (close) return results + size_t{i} * length;
    return adds_to_itself ? aside(i) : row(part.out, i) + range.begin;
  };
  const auto second = [&](uint32_t i) { return close ? results + (size_t{rows_} + i) * length : aside(i); };
  const auto product = [&](WeightId id, Rows then) {
    const Weight& one = weight(id);
    multiply(one, range.begin, length, rows_, format_info(one.format).block_size == 1 ? inputs.floats : inputs.blocks,
             out, then, inputs.unit_step);
    if (!changed) return;
    go_up(id, 0, range, {.count = rows_}, lows, out, thread);
    lows += rows_ * lows_width(id);
  };
  for (uint32_t i = 0; i < rows_; ++i) out[i] = first(i);
  product(part.weight, part.up == kNoWeight ? next : rows_from(weight(part.up), range.begin));
  if (part.up != kNoWeight) {
    for (uint32_t i = 0; i < rows_; ++i) out[i] = second(i);
    product(part.up, next);
  }
  const auto add_bias = [&](float* values, WeightId bias) {
    if (bias != kNoWeight) kernels_.add(values, vectors_[bias].data() + range.begin, length);
  };
  for (uint32_t i = 0; i < rows_; ++i) {
    float* to = row(part.out, i) + range.begin;
    float* value = first(i);
    add_bias(value, part.bias);
    if (part.up != kNoWeight) {
      add_bias(second(i), part.up_bias);
      gate(part.act, value, second(i), length);
    } else {
      activate(part.act, value, length);
    }
    const float factor = part.times == kNoSlot ? part.scale : part.scale * *row(part.times, i);
    if (factor != 1) kernels_.scale(value, factor, length);
    if (adds_to_itself) {
      kernels_.add(to, value, length);
      continue;
    }
    if (value != to) std::copy_n(value, length, to);
    if (part.add != kNoSlot) kernels_.add(to, row(part.add, i) + range.begin, length);
  }
}

// Threads share out the heads.
void CpuPlan::run(const EachHead& op, uint32_t thread) {
  Own& own = own_[thread];
  const Range heads = share(thread, op.heads, 1);
  for (uint32_t head = heads.begin; head < heads.end; ++head) {
    const size_t from = size_t{head} * op.in_stride + op.in_first, to = size_t{head} * op.out_stride + op.out_first;
    if (op.weight == kNoWeight) {
      for (uint32_t i = 0; i < rows_; ++i) std::copy_n(row(op.in, i) + from, op.in_count, row(op.out, i) + to);
      continue;
    }
    bool floats = false, blocks = false;
    needs(op.weight, floats, blocks);
    for (uint32_t i = 0; i < rows_; ++i) {
      Q8Unit* rounded = own.head.data() + size_t{i} * units(op.in_count);
      if (blocks) round_row(row(op.in, i) + from, op.in_count, rounded);
      own.in[i] = floats ? static_cast<const void*>(row(op.in, i) + from) : rounded;
      own.out[i] = row(op.out, i) + to;
    }
    multiply(weight(op.weight), uint64_t{head} * op.out_count, op.out_count, rows_, own.in.data(), own.out.data());
  }
}

}  // namespace hearth::cpu
