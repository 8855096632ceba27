// Attention: tasks of equal size that threads take as they get free.
#include <algorithm>

#include "backends/cpu/plan.h"

namespace hearth::cpu {

void CpuPlan::run(const Attend& op, uint32_t thread) {
  // A task is some rows of a sequence and the heads of q that share one head of k: each reads its keys once.
  const uint32_t group = width(op.q) / op.head_size / op.kv_heads;
  const uint32_t heads_at_once = std::min(group, kAttentionQueries);
  if (thread == 0) {
    tiles_.clear();
    const uint32_t tile_rows = std::max(1u, kAttentionQueries / group);
    for (uint32_t s = 0; s + 1 < batch_->row_begin.size(); ++s)
      for (uint32_t i = batch_->row_begin[s]; i < batch_->row_begin[s + 1]; i += tile_rows)
        tiles_.push_back({s, i, std::min(tile_rows, batch_->row_begin[s + 1] - i)});
    std::reverse(tiles_.begin(), tiles_.end());  // later rows see more: the long tasks first
  }
  pool_->barrier();
  const uint32_t value_size = op.value_size == 0 ? op.head_size : op.value_size;
  const float* q[kAttentionQueries];
  float* out[kAttentionQueries];
  uint32_t from[kAttentionQueries], seen[kAttentionQueries];
  float sinks[kAttentionQueries];
  Attention task{.q = q,
                 .out = out,
                 .from = from,
                 .seen = seen,
                 .sinks = op.sinks == kNoWeight ? nullptr : sinks,
                 .head_size = op.head_size,
                 .value_size = value_size,
                 .scale = op.scale,
                 .softcap = op.softcap,
                 .type = static_cast<CacheType>(limits_.kv_type),
                 .keys = cell(op.layer, false, 0),
                 .values = cell(op.layer, true, 0),
                 .key_bytes = key_bytes_,
                 .value_bytes = value_bytes_ > 0 ? value_bytes_ : key_bytes_,
                 .page_size = limits_.page_size,
                 .scratch = own_[thread].attention.data()};
  const auto tasks = static_cast<uint32_t>(tiles_.size()) * op.kv_heads;
  std::atomic<uint32_t>& taken = next_counter(thread);
  for (uint32_t i; (i = taken.fetch_add(1, std::memory_order_relaxed)) < tasks;) {
    const Tile& tile = tiles_[i / op.kv_heads];
    const uint32_t kv_head = i % op.kv_heads;
    task.key_first = kv_head * op.head_size;
    task.value_first = kv_head * value_size;
    const uint32_t last = batch_->row_begin[tile.sequence + 1] - 1;  // of the sequence, for what is not causal
    task.pages = batch_->pages.data() + batch_->page_begin[tile.sequence];
    for (uint32_t first = 0; first < group; first += heads_at_once) {
      const uint32_t heads = std::min(heads_at_once, group - first);
      task.count = 0;
      for (uint32_t r = tile.first; r < tile.first + tile.count; ++r)
        for (uint32_t head = first; head < first + heads; ++head, ++task.count) {
          const size_t q_head = size_t{kv_head} * group + head;
          const uint32_t end = batch_->positions[op.causal ? r : last] + 1;
          q[task.count] = row(op.q, r) + q_head * op.head_size;
          out[task.count] = row(op.out, r) + q_head * value_size;
          from[task.count] = op.window != 0 && end > op.window ? end - op.window : 0;
          seen[task.count] = end;
          if (task.sinks != nullptr) sinks[task.count] = vectors_[op.sinks][q_head];
        }
      kernels_.attend(task);
    }
  }
}

}  // namespace hearth::cpu
