// Preparing inputs and multiplying matrices by them.
#include <algorithm>

#include "backends/cpu/plan.h"

namespace hearth::cpu {
void CpuPlan::needs(WeightId id, bool& floats, bool& blocks) const {
  if (id == kNoWeight) return;
  (format_info(weight(id).format).block_size == 1 ? floats : blocks) = true;
}

CpuPlan::Inputs CpuPlan::prepare(Slot in, WeightId gain, float eps, bool copy, bool floats, bool blocks,
                                 uint32_t thread) {
  Own& own = own_[thread];
  const uint32_t count = width(in), unit_count = units(count);
  const bool to_normed = gain != kNoWeight || (copy && floats);
  const bool alone = rows_ <= kPrivateRows && !copy;
  float* normed = alone ? own.normed.data() : normed_.data();
  Q8Unit* rounded = alone ? own.rounded.data() : rounded_.data();
  const Range mine = alone ? Range{0, rows_} : share(thread, rows_, 1);
  for (uint32_t i = mine.begin; i < mine.end; ++i) {
    const float* x = row(in, i);
    if (to_normed) {
      float* to = normed + size_t{i} * count;
      if (gain != kNoWeight) {
        kernels_.rms_norm(x, vectors_[gain].data(), eps, count, to);
      } else {
        std::copy_n(x, count, to);
      }
      x = to;
    }
    if (blocks) kernels_.quantise(x, count, rounded + size_t{i} * unit_count);
  }
  for (uint32_t i = 0; i < rows_; ++i) {
    own.floats[i] = to_normed ? normed + size_t{i} * count : row(in, i);
    own.blocks[i] = rounded + size_t{i} * unit_count;
  }
  if (!alone && (to_normed || blocks)) pool_->barrier();
  return {own.floats.data(), own.blocks.data()};
}

void CpuPlan::multiply(const Weight& weight, uint64_t first_row, Range range, uint32_t columns, const void* const* in,
                       float* const* out) const {
  if (range.begin == range.end || columns == 0) return;
  const FormatInfo& info = format_info(weight.format);
  const size_t row_bytes = weight.width / info.block_size * info.block_bytes;
  const FormatKernels& kernels = kernels_.formats[static_cast<uint32_t>(weight.format)];
  (columns > few_columns_ ? kernels.many : kernels.few)({.weights = weight.bytes.data() + first_row * row_bytes,
                                                         .row_bytes = row_bytes,
                                                         .width = static_cast<uint32_t>(weight.width),
                                                         .row_begin = range.begin,
                                                         .row_end = range.end,
                                                         .columns = columns,
                                                         .in = in,
                                                         .out = out});
}

void CpuPlan::run(const MatmulStage& stage, uint32_t thread) {
  if (rows_ == 0) return;
  bool floats = false, blocks = false;
  for (const auto& part : stage.parts) {
    needs(part.weight, floats, blocks);
    needs(part.up, floats, blocks);
  }
  const Inputs inputs = prepare(stage.in, stage.gain, stage.eps, stage.overwrites_input, floats, blocks, thread);
  const auto in_of = [&](const Weight& one) {
    return format_info(one.format).block_size == 1 ? inputs.floats : inputs.blocks;
  };
  float** out = own_[thread].out.data();
  for (const auto& part : stage.parts) {
    const uint32_t count = width(part.out);
    const Range range = share(thread, count, grain(rows_));
    const size_t length = range.end - range.begin;
    const auto scratch = [&](uint32_t i) { return scratch_.data() + size_t{i} * count; };
    const bool aside = part.add == part.out;  // what is added must not be overwritten
    for (uint32_t i = 0; i < rows_; ++i) out[i] = aside ? scratch(i) : row(part.out, i);
    multiply(weight(part.weight), 0, range, rows_, in_of(weight(part.weight)), out);
    if (part.up != kNoWeight) {
      for (uint32_t i = 0; i < rows_; ++i) out[i] = scratch(i);
      multiply(weight(part.up), 0, range, rows_, in_of(weight(part.up)), out);
    }
    for (uint32_t i = 0; i < rows_; ++i) {
      float* to = row(part.out, i) + range.begin;
      if (part.up != kNoWeight) kernels_.silu_multiply(to, scratch(i) + range.begin, static_cast<uint32_t>(length));
      if (aside) {
        kernels_.add(to, scratch(i) + range.begin, static_cast<uint32_t>(length));
      } else if (part.add != kNoSlot) {
        kernels_.add(to, row(part.add, i) + range.begin, static_cast<uint32_t>(length));
      }
      if (part.bias != kNoWeight)
        kernels_.add(to, vectors_[part.bias].data() + range.begin, static_cast<uint32_t>(length));
    }
  }
}

}  // namespace hearth::cpu
