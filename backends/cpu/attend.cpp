// Attention: tasks that threads take as they get free. Rows of a prompt are taken together, so that each key is
// converted once for all of them; a row that has no others of its sequence beside it is cut into parts of its positions
// instead, where heads are whole blocks and results may depend on the batch.
#include <algorithm>

#include "backends/cpu/plan.h"

namespace hearth::cpu {
namespace {

constexpr uint32_t kLeastPart = 2;   // tiles
constexpr uint32_t kMostGroup = 16;  // queries of a head of K and V; more of them are worth a conversion

uint32_t end_of(const Attend& op, const Batch& batch, uint32_t row, uint32_t sequence) {
  return batch.positions[op.causal ? row : batch.row_begin[sequence + 1] - 1] + 1;
}
uint32_t begin_of(const Attend& op, uint32_t end) { return op.window != 0 && end > op.window ? end - op.window : 0; }

}  // namespace

// Whether a row alone in its sequence may be computed apart, with other bits than among others.
bool CpuPlan::by_row(const Attend& op) const {
  const uint32_t value_size = op.value_size == 0 ? op.head_size : op.value_size, heads = width(op.q) / op.head_size;
  return !limits_.deterministic && op.head_size % 32 == 0 && value_size % 32 == 0 && heads <= kAttentionQueries &&
         heads / op.kv_heads <= kMostGroup;
}

void CpuPlan::divide_attention(const Attend& op) {
  tiles_.clear();
  parts_.clear();
  parted_.clear();
  const uint32_t group = width(op.q) / op.head_size / op.kv_heads, tile_rows = std::max(1u, kAttentionQueries / group);
  const bool apart = by_row(op);
  const auto sequences = static_cast<uint32_t>(batch_->row_begin.size() - 1);
  const auto alone = [&](uint32_t s) { return apart && batch_->row_begin[s + 1] - batch_->row_begin[s] == 1; };
  const auto tiles_of = [](uint32_t from, uint32_t seen) {
    return (seen - 1) / kAttentionTile - from / kAttentionTile + 1;
  };
  uint64_t all = 0;
  for (uint32_t s = 0; s < sequences; ++s) {
    if (!alone(s)) continue;
    const uint32_t seen = end_of(op, *batch_, batch_->row_begin[s], s);
    all += tiles_of(begin_of(op, seen), seen);
  }
  // A row of more than that has fewer than twice as many parts as it has of these lengths: all fit into the slots.
  const auto length = static_cast<uint32_t>(std::max<uint64_t>(kLeastPart, (2 * all + kPartSlots - 1) / kPartSlots));
  uint32_t slot = 0;
  for (uint32_t s = 0; s < sequences; ++s) {
    const uint32_t first = batch_->row_begin[s], end = batch_->row_begin[s + 1];
    if (!alone(s)) {
      for (uint32_t i = first; i < end; i += tile_rows) tiles_.push_back({s, i, std::min(tile_rows, end - i)});
      continue;
    }
    const uint32_t seen = end_of(op, *batch_, first, s), from = begin_of(op, seen), tiles = tiles_of(from, seen);
    if (tiles <= length) {
      parts_.push_back({s, first, from, seen, kWhole, true});
      continue;
    }
    // As equal as tiles allow.
    const uint32_t parts = (tiles + length - 1) / length, start = from / kAttentionTile;
    parted_.push_back({first, slot, parts});
    for (uint32_t i = 0; i < parts; ++i)
      parts_.push_back({s, first, i == 0 ? from : (start + tiles * i / parts) * kAttentionTile,
                        i + 1 == parts ? seen : (start + tiles * (i + 1) / parts) * kAttentionTile, slot++, i == 0});
  }
  // The long tasks first: later rows see more.
  std::reverse(tiles_.begin(), tiles_.end());
  std::sort(parts_.begin(), parts_.end(),
            [](const Part& a, const Part& b) { return a.seen - a.from > b.seen - b.from; });
}

void CpuPlan::attend_tile(const Attend& op, uint32_t thread, const Tile& tile, uint32_t kv_head) {
  const uint32_t group = width(op.q) / op.head_size / op.kv_heads;
  const uint32_t heads_at_once = std::min(group, kAttentionQueries);
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
                 .key_first = kv_head * op.head_size,
                 .value_first = kv_head * value_size,
                 .pages = batch_->pages.data() + batch_->page_begin[tile.sequence],
                 .page_size = limits_.page_size,
                 .scratch = own_[thread].attention.data()};
  for (uint32_t first = 0; first < group; first += heads_at_once) {
    const uint32_t heads = std::min(heads_at_once, group - first);
    task.count = 0;
    for (uint32_t r = tile.first; r < tile.first + tile.count; ++r)
      for (uint32_t head = first; head < first + heads; ++head, ++task.count) {
        const size_t q_head = size_t{kv_head} * group + head;
        q[task.count] = row(op.q, r) + q_head * op.head_size;
        out[task.count] = row(op.out, r) + q_head * value_size;
        seen[task.count] = end_of(op, *batch_, r, tile.sequence);
        from[task.count] = begin_of(op, seen[task.count]);
        if (task.sinks != nullptr) sinks[task.count] = vectors_[op.sinks][q_head];
      }
    kernels_.attend(task);
  }
}

void CpuPlan::attend_part(const Attend& op, uint32_t thread, const Part& part) {
  const uint32_t out_width = width(op.out), heads = width(op.q) / op.head_size;
  float* slot = part.slot == kWhole ? nullptr : part_sums_.data() + part.slot * part_floats_;
  kernels_.attend_row({.q = row(op.q, part.row),
                       .out = slot == nullptr ? row(op.out, part.row) : slot,
                       .softmax = slot == nullptr ? nullptr : slot + out_width,
                       .sinks = op.sinks == kNoWeight || !part.first ? nullptr : vectors_[op.sinks].data(),
                       .from = part.from,
                       .seen = part.seen,
                       .kv_heads = op.kv_heads,
                       .group = heads / op.kv_heads,
                       .head_size = op.head_size,
                       .value_size = op.value_size == 0 ? op.head_size : op.value_size,
                       .scale = op.scale,
                       .softcap = op.softcap,
                       .type = static_cast<CacheType>(limits_.kv_type),
                       .keys = cell(op.layer, false, 0),
                       .values = cell(op.layer, true, 0),
                       .key_bytes = key_bytes_,
                       .value_bytes = value_bytes_ > 0 ? value_bytes_ : key_bytes_,
                       .pages = batch_->pages.data() + batch_->page_begin[part.sequence],
                       .page_size = limits_.page_size,
                       .scratch = own_[thread].attention.data()});
}

void CpuPlan::run(const Attend& op, uint32_t thread) {
  if (thread == 0) divide_attention(op);
  pool_->barrier();
  const auto of_tiles = static_cast<uint32_t>(tiles_.size()) * op.kv_heads;
  const uint32_t tasks = of_tiles + static_cast<uint32_t>(parts_.size());
  std::atomic<uint32_t>& taken = next_counter(thread);
  for (uint32_t i; (i = taken.fetch_add(1, std::memory_order_relaxed)) < tasks;) {
    if (i < of_tiles) {
      attend_tile(op, thread, tiles_[i / op.kv_heads], i % op.kv_heads);
    } else {
      attend_part(op, thread, parts_[i - of_tiles]);
    }
  }
  if (parted_.empty()) return;
  pool_->barrier();
  const uint32_t heads = width(op.q) / op.head_size, value_size = width(op.out) / heads;
  const Range mine = share(thread, static_cast<uint32_t>(parted_.size()) * heads, 1);
  for (uint32_t i = mine.begin; i < mine.end; ++i) {
    const Parted& one = parted_[i / heads];
    const float* sums = part_sums_.data() + one.first_slot * part_floats_;
    const size_t head = i % heads;
    kernels_.merge_parts(sums + head * value_size, sums + width(op.out) + 2 * head, part_floats_, one.parts, value_size,
                         row(op.out, one.row) + head * value_size);
  }
}

}  // namespace hearth::cpu
