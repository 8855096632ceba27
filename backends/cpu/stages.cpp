// What one thread does for each stage that is not a matrix.
#include <algorithm>
#include <cmath>

#include "backends/cpu/plan.h"

namespace hearth::cpu {

void CpuPlan::decode_row(const Weight& weight, uint64_t index, float* out) {
  const FormatInfo& info = format_info(weight.format);
  info.decode(weight.bytes.data() + index * (weight.width / info.block_size * info.block_bytes), out, weight.width);
}

void CpuPlan::run(const Embed& op, uint32_t thread) {
  const Range rows = share(thread, rows_, 1);
  const uint32_t count = width(op.out);
  for (uint32_t i = rows.begin; i < rows.end; ++i) {
    float* out = row(op.out, i);
    decode_row(weight(op.table), static_cast<uint64_t>(batch_->tokens[i]), out);
    add_to_embedding(i, out, thread);
    if (op.scale != 1) kernels_.scale(out, op.scale, count);
    if (op.positions != kNoWeight) {
      float* position = own_[thread].normed.data();
      decode_row(weight(op.positions), batch_->positions[i], position);
      kernels_.add(out, position, count);
    }
    if (op.bias != kNoWeight) kernels_.add(out, vectors_[op.bias].data(), count);
  }
}

void CpuPlan::run(const RmsNorm& op, uint32_t thread) {
  const Norm norm{.gain = op.gain, .eps = op.eps};
  const Range rows = share(thread, rows_, 1);
  const uint32_t count = width(op.in);
  for (uint32_t i = rows.begin; i < rows.end; ++i) {
    if (op.add == kNoSlot) {
      norm_row(norm, row(op.in, i), count, row(op.out, i));
      continue;
    }
    float* aside = own_[thread].normed.data();  // what is added must not be overwritten
    norm_row(norm, row(op.in, i), count, aside);
    if (op.add != op.out) std::copy_n(row(op.add, i), count, row(op.out, i));
    kernels_.add(row(op.out, i), aside, count);
  }
}

void CpuPlan::run(const LayerNorm& op, uint32_t thread) {
  const Norm norm{.gain = op.gain, .bias = op.bias, .eps = op.eps, .centered = true};
  const Range rows = share(thread, rows_, 1);
  for (uint32_t i = rows.begin; i < rows.end; ++i) norm_row(norm, row(op.in, i), width(op.in), row(op.out, i));
}

void CpuPlan::run(const RopeKv& op, uint32_t thread) {
  const Range rows = share(thread, rows_, 1);
  const auto pairs = static_cast<uint32_t>(program_.rope_tables[op.table].frequency.size());
  const auto turn = op.style == RopeStyle::adjacent ? kernels_.rope_adjacent : kernels_.rope_halves;
  const auto store = [&](const float* values, std::byte* to, uint32_t count) {
    switch (limits_.kv_type) {
      case KvType::f32:
        std::copy_n(values, count, reinterpret_cast<float*>(to));
        break;
      case KvType::f16:
        kernels_.store_f16(values, reinterpret_cast<uint16_t*>(to), count);
        break;
      case KvType::q8_0:
        format_info(Format::q8_0).encode(values, to, count);
        break;
    }
  };
  for (uint32_t i = rows.begin; i < rows.end; ++i) {
    const float* cosine = angles_[op.table].cosine.data() + size_t{i} * pairs;
    const float* sine = angles_[op.table].sine.data() + size_t{i} * pairs;
    if (pairs > 0)
      for (const Slot slot : {op.q, op.k})
        for (uint32_t head = 0; head < width(slot); head += op.head_size)
          turn(row(slot, i) + head + op.first, cosine, sine, pairs);
    const uint32_t position = batch_->positions[i];
    if (op.temperature != 0) {
      const double factor = 1 + double{op.temperature} * std::log(1.0 + position / op.temperature_span);
      kernels_.scale(row(op.q, i), static_cast<float>(factor), width(op.q));
    }
    const uint64_t index = cell_of(sequence_of_row_[i], position);
    store(row(op.k, i), cell(op.layer, false, index), program_.key_width);
    if (op.v != kNoSlot) store(row(op.v, i), cell(op.layer, true, index), program_.value_width);
  }
}

void CpuPlan::run(const Select& op, uint32_t thread) {
  pool_->barrier();  // rows_ changes for all
  if (thread != 0) return;
  const std::vector<uint32_t>& outputs = batch_->outputs;
  for (uint32_t i = 0; i < outputs.size(); ++i) {  // outputs rise, so that in place nothing is lost
    std::copy_n(row(op.in, outputs[i]), width(op.in), row(op.out, i));
    sequence_of_row_[i] = sequence_of_row_[outputs[i]];
  }
  rows_ = static_cast<uint32_t>(outputs.size());
}

void CpuPlan::run(const Logits& op, uint32_t thread) {
  if (op.softcap != 0) {
    const Range range = share(thread, width(op.in), 16);
    for (uint32_t i = 0; i < rows_; ++i)
      kernels_.softcap(row(op.in, i) + range.begin, op.softcap, range.end - range.begin);
  }
  if (!batch_->candidates.empty()) return give_candidates(op, thread);
  if (thread == 0) logits_ = {row(op.in, 0), size_t{rows_} * width(op.in)};
}

void CpuPlan::give_candidates(const Logits& op, uint32_t thread) {
  pool_->barrier();  // the logits are there
  const Range range = share(thread, rows_, 1);
  for (uint32_t i = range.begin; i < range.end; ++i)
    choose_candidates({row(op.in, i), width(op.in)},
                      std::span(candidates_).subspan(candidates_begin_[i], batch_->candidates[i]));
  pool_->barrier();
  if (thread != 0) return;
  uint32_t whole = 0;  // rows that are wanted whole follow one another
  for (uint32_t i = 0; i < rows_; ++i)
    if (batch_->candidates[i] == 0) std::copy_n(row(op.in, i), width(op.in), row(op.in, whole++));
  logits_ = {row(op.in, 0), size_t{whole} * width(op.in)};
}

void CpuPlan::run(const Send& op, uint32_t thread) {
  if (thread == 0) sent_ = {row(op.in, 0), size_t{rows_} * width(op.in)};
}

void CpuPlan::run(const Receive& op, uint32_t thread) {
  const Range rows = share(thread, rows_, 1);
  const size_t count = width(op.out);
  if (rows.begin < rows.end)
    std::copy_n(batch_->received.data() + rows.begin * count, (rows.end - rows.begin) * count, row(op.out, rows.begin));
}

}  // namespace hearth::cpu
