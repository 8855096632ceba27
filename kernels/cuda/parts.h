// Softmax in parts: what a row sees is cut into parts of positions, and what was made of each is joined in their order.
#pragma once

#include "kernels/cuda/batch.h"
#include "kernels/cuda/rounding.h"
#include "kernels/gpu/row_parameters.h"

namespace hearth::cuda {

constexpr float kNever = -3.0e38f;

// The positions of a sequence that a row sees, begin to end, and how they are cut.
struct Seen {
  uint32_t sequence, begin, end, part, parts;
};
HEARTH_DEVICE Seen seen_by(const BatchWords& batch, uint32_t row, uint32_t causal, uint32_t window,
                           uint32_t most_parts = gpu::kMostParts) {
  const uint32_t sequence = batch.at(Header::sequence_of_row, row);
  const uint32_t last_row = causal != 0 ? row : batch.at(Header::row_begin, sequence + 1) - 1;
  const uint32_t end = batch.at(Header::positions, last_row) + 1;
  const uint32_t begin = window != 0 && end > window ? end - window : 0;
  const uint32_t part = gpu::part_size(end - begin, most_parts);
  return {sequence, begin, end, part, (end - begin + part - 1) / part};
}

// A softmax so far.
struct Running {
  float top, total;  // the largest score, the sum of the weights
};
HEARTH_DEVICE Running begin_running(Address sinks, uint32_t head) {
  return {sinks != 0 ? read<float>(sinks, head) : kNever, sinks != 0 ? 1.0f : 0.0f};
}
// What the values so far and those of a part are multiplied by when the part joins.
struct Factors {
  float before, part;
};
HEARTH_DEVICE Factors join(Running& running, const Running& part) {
  const float now = max(running.top, part.top);
  const Factors factors{exp(running.top - now), exp(part.top - now)};
  running = {now, fma(running.total, factors.before, part.total * factors.part)};
  return factors;
}
HEARTH_DEVICE float joined(float before, const Factors& factors, float part) {
  return fma(before, factors.before, part * factors.part);
}

// Where attend leaves what it made of a part: the largest score, the sum of the weights, the weighted values.
HEARTH_DEVICE Global<float> place_of_part(Address parts, uint64_t head, uint32_t most_parts, uint32_t part,
                                          uint32_t value_size) {
  return floats_at(parts, (head * most_parts + part) * (2 + value_size));
}
// What a warp joins of value j < `size` of a head, a lane's own: `sum`, and the total of the weights. Lanes find the
// factors of a part each; the sum is made in the order of parts.
HEARTH_DEVICE float join_parts(Running all, const Global<float>& left, uint32_t parts, uint32_t j, uint32_t size,
                               float& sum) {
  const uint32_t record = 2 + size;
  sum = 0;
  for (uint32_t begin = 0; begin < parts; begin += kWarp) {
    const uint32_t own = begin + lane(), count = min(parts - begin, kWarp);
    Running part = {kNever, 0};
    if (own < parts) part = {left[own * record], left[own * record + 1]};
    float x[kWarp];  // before they are needed
#pragma unroll
    for (uint32_t k = 0; k < kWarp; ++k) x[k] = k < count && j < size ? left[(begin + k) * record + 2 + j] : 0.0f;
    float top = max(all.top, part.top);  // of all parts up to this one
    for (uint32_t by = 1; by < kWarp; by *= 2) {
      const float before = shuffle_up(top, by);
      top = max(top, before);
    }
    const float top_before = shuffle_up(top, 1);
    const float before = exp((lane() == 0 ? all.top : top_before) - top), with = exp(part.top - top);
    const float weighted = part.total * with;
#pragma unroll
    for (uint32_t k = 0; k < kWarp; ++k) {
      if (k < count) {
        const Factors factors{shuffle(before, k), shuffle(with, k)};
        all.total = fma(all.total, factors.before, shuffle(weighted, k));
        sum = joined(sum, factors, x[k]);
      }
    }
    all.top = shuffle(top, count - 1);
  }
  return all.total;
}

// Where a row of the result lies; see AttendParameters.
struct ResultRow {
  // p: AttendParameters or AttendJoinParameters.
  template <class Parameters>
  HEARTH_DEVICE ResultRow(const Parameters& p, uint32_t row)
      : width(p.heads * p.value_size),
        out(p.out == 0 ? 0 : p.out + 4 * static_cast<uint64_t>(row) * width),
        rounded(p.rounded == 0 ? 0 : p.rounded + 4 * static_cast<uint64_t>(row) * gpu::rounded_words(width)) {}

  // Of the 32 values from `first` on each lane has its own, if there is one: where they are rounded, all have.
  HEARTH_DEVICE void write_32(uint32_t first, float value, bool inside) const {
    if (out != 0 && inside) write(out, first + lane(), value);
    if (rounded != 0) write_rounded_by_lanes(rounded, width, first, value);
  }

  uint32_t width;
  Address out, rounded;
};

// A block makes a head of a row.
template <uint32_t kWarps>
HEARTH_DEVICE void attend_join(const gpu::AttendJoinParameters& p, const Constants& c) {
  const BatchWords batch(p.batch);
  const uint32_t row = block_index().y, head = block_index().x;
  Seen seen{};
  if (row < batch.rows()) seen = seen_by(batch, row, p.causal, p.window, c.at[0] == 0 ? gpu::kMostParts : c.at[0]);
  wait_for_kernel_before(c);
  if (seen.parts == 0) return;
  const uint64_t place = static_cast<uint64_t>(row) * p.heads + head;
  const auto left = place_of_part(p.parts, place, p.most_parts, 0, p.value_size);
  const Running begun = begin_running(p.sinks, head);
  for (uint32_t first = warp() * kWarp; first < p.value_size; first += kWarps * kWarp) {
    const uint32_t j = first + lane();
    float sum;
    const float total = join_parts(begun, left, seen.parts, j, p.value_size, sum);
    ResultRow(p, row).write_32(head * p.value_size + first, sum / total, j < p.value_size);
  }
}

}  // namespace hearth::cuda
