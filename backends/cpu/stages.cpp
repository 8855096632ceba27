// What one thread does for each stage that is not a matrix.
#include <algorithm>
#include <cmath>
#include <limits>

#include "backends/cpu/plan.h"

namespace hearth::cpu {

void CpuPlan::run(const Embed& op, uint32_t thread) {
  const Weight& table = weight(op.table);
  const FormatInfo& info = format_info(table.format);
  const size_t row_bytes = table.width / info.block_size * info.block_bytes;
  const Range rows = share(thread, rows_, 1);
  for (uint32_t i = rows.begin; i < rows.end; ++i) {
    float* out = row(op.out, i);
    info.decode(table.bytes.data() + static_cast<size_t>(batch_->tokens[i]) * row_bytes, out, table.width);
    if (op.scale != 1)
      for (uint32_t j = 0; j < table.width; ++j) out[j] *= op.scale;
  }
}

void CpuPlan::run(const RmsNorm& op, uint32_t thread) {
  const Range rows = share(thread, rows_, 1);
  for (uint32_t i = rows.begin; i < rows.end; ++i)
    kernels_.rms_norm(row(op.in, i), vectors_[op.gain].data(), op.eps, width(op.in), row(op.out, i));
}

void CpuPlan::run(const RopeKv& op, uint32_t thread) {
  const Range rows = share(thread, rows_, 1);
  const auto pairs = static_cast<uint32_t>(program_.rope_tables[op.table].frequency.size());
  const auto turn = op.style == RopeStyle::adjacent ? kernels_.rope_adjacent : kernels_.rope_halves;
  const auto store = [&](const float* values, std::byte* to) {
    switch (limits_.kv_type) {
      case KvType::f32:
        std::copy_n(values, program_.kv_width, reinterpret_cast<float*>(to));
        break;
      case KvType::f16:
        kernels_.store_f16(values, reinterpret_cast<uint16_t*>(to), program_.kv_width);
        break;
      case KvType::q8_0:
        format_info(Format::q8_0).encode(values, to, program_.kv_width);
        break;
    }
  };
  for (uint32_t i = rows.begin; i < rows.end; ++i) {
    const float* cosine = angles_[op.table].cosine.data() + size_t{i} * pairs;
    const float* sine = angles_[op.table].sine.data() + size_t{i} * pairs;
    for (const Slot slot : {op.q, op.k})
      for (uint32_t head = 0; head < width(slot); head += op.head_size) turn(row(slot, i) + head, cosine, sine, pairs);
    const uint64_t index = cell_of(sequence_of_row_[i], batch_->positions[i]);
    store(row(op.k, i), cell(op.layer, false, index));
    store(row(op.v, i), cell(op.layer, true, index));
  }
}

void CpuPlan::run(const Attend& op, uint32_t thread) {
  // A task is some rows of a sequence and the heads of q that share one head of k: each reads its keys once.
  const uint32_t group = width(op.q) / op.head_size / op.kv_heads;
  const uint32_t heads_at_once = std::min(group, kAttentionQueries);
  if (thread == 0) {
    next_task_.store(0, std::memory_order_relaxed);
    tiles_.clear();
    const uint32_t tile_rows = std::max(1u, kAttentionQueries / group);
    for (uint32_t s = 0; s + 1 < batch_->row_begin.size(); ++s)
      for (uint32_t i = batch_->row_begin[s]; i < batch_->row_begin[s + 1]; i += tile_rows)
        tiles_.push_back({s, i, std::min(tile_rows, batch_->row_begin[s + 1] - i)});
    std::reverse(tiles_.begin(), tiles_.end());  // later rows see more: the long tasks first
  }
  pool_->barrier();
  Attention task{.head_size = op.head_size,
                 .scale = op.scale,
                 .type = static_cast<CacheType>(limits_.kv_type),
                 .keys = cell(op.layer, false, 0),
                 .values = cell(op.layer, true, 0),
                 .cell_bytes = cell_bytes_,
                 .page_size = limits_.page_size,
                 .scratch = own_[thread].attention.data()};
  const float* q[kAttentionQueries];
  float* out[kAttentionQueries];
  uint32_t seen[kAttentionQueries];
  task.q = q;
  task.out = out;
  task.seen = seen;
  const auto tasks = static_cast<uint32_t>(tiles_.size()) * op.kv_heads;
  for (uint32_t i; (i = next_task_.fetch_add(1, std::memory_order_relaxed)) < tasks;) {
    const Tile& tile = tiles_[i / op.kv_heads];
    const uint32_t kv_head = i % op.kv_heads;
    task.offset = kv_head * op.head_size;
    task.pages = batch_->pages.data() + batch_->page_begin[tile.sequence];
    for (uint32_t first = 0; first < group; first += heads_at_once) {
      const uint32_t heads = std::min(heads_at_once, group - first);
      task.count = 0;
      for (uint32_t r = tile.first; r < tile.first + tile.count; ++r)
        for (uint32_t head = first; head < first + heads; ++head, ++task.count) {
          const size_t at = size_t{kv_head * group + head} * op.head_size;
          q[task.count] = row(op.q, r) + at;
          out[task.count] = row(op.out, r) + at;
          seen[task.count] = batch_->positions[r] + 1;
        }
      kernels_.attend(task);
    }
  }
}

void CpuPlan::run(const Route& op, uint32_t thread) {
  if (rows_ == 0) return;
  const Weight& router = weight(op.router);
  const auto count = static_cast<uint32_t>(router.rows);
  bool floats = false, blocks = false;
  needs(op.router, floats, blocks);
  const Inputs inputs = prepare(op.in, kNoWeight, 0, false, floats, blocks, thread);
  float** out = own_[thread].out.data();
  for (uint32_t i = 0; i < rows_; ++i) out[i] = scratch_.data() + size_t{i} * count;
  multiply(router, 0, share(thread, count, grain(rows_)), rows_, floats ? inputs.floats : inputs.blocks, out);
  pool_->barrier();
  const Range rows = share(thread, rows_, 1);
  for (uint32_t i = rows.begin; i < rows.end; ++i) {
    // The largest scores are the largest probabilities, and the sum of all cancels against that of the chosen.
    float* scores = scratch_.data() + size_t{i} * count;
    float* chosen = row(op.out, i);
    double sum = 0, top = 0;
    for (uint32_t e = 0; e < op.used; ++e) {
      uint32_t best = 0;
      for (uint32_t k = 1; k < count; ++k)
        if (scores[k] > scores[best]) best = k;
      if (e == 0) top = double{scores[best]};
      const double weight = std::exp(double{scores[best]} - top);
      chosen[e] = static_cast<float>(best);
      chosen[op.used + e] = static_cast<float>(weight);
      sum += weight;
      scores[best] = -std::numeric_limits<float>::infinity();
    }
    for (uint32_t e = 0; e < op.used; ++e) chosen[op.used + e] = static_cast<float>(double{chosen[op.used + e]} / sum);
  }
}

void CpuPlan::run(const Select& op, uint32_t thread) {
  pool_->barrier();  // rows_ changes for all
  if (thread != 0) return;
  const std::vector<uint32_t>& outputs = batch_->outputs;
  for (uint32_t i = 0; i < outputs.size(); ++i)  // outputs rise, so that in place nothing is lost
    std::copy_n(row(op.in, outputs[i]), width(op.in), row(op.out, i));
  rows_ = static_cast<uint32_t>(outputs.size());
}

void CpuPlan::run(const Logits& op, uint32_t thread) {
  if (thread == 0) logits_ = {row(op.in, 0), size_t{rows_} * width(op.in)};
}

}  // namespace hearth::cpu
