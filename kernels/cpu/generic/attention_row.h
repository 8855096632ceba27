// Attention for all heads of one row: what takes the time is to read keys and values, which meet the queries as they
// are read, all heads of a tile of positions before the next tile.
#pragma once

#include <type_traits>

#include "kernels/cpu/generic/attention_bytes.h"

namespace hearth::cpu {
namespace {

// in_words: a cache of bytes meets 16-bit integers instead of floats.
template <class I, CacheType type, bool in_words = false>
struct AttentionRow {
  using W = WideOf<I>;
  static_assert(I::kRowQueries <= kAttentionTogether);
  const RowAttention& task;
  float* scores;                  // [together x tile]
  float *queries, *sums;          // [heads x head_size], [heads x value_size]
  const size_t* cells = nullptr;  // of the tile
  uint32_t count = 0;             // positions of the tile
  CellsAhead<I> keys_ahead, values_ahead;
  Running running;
  struct None {};
  std::conditional_t<in_words, ByteRow<I>, None> bytes;

  const std::byte* key(uint32_t p, uint32_t head) const {
    return task.keys + cells[p] * task.key_bytes + head * bytes_before(type, task.head_size);
  }
  const std::byte* value(uint32_t p, uint32_t head) const {
    return task.values + cells[p] * task.value_bytes + head * bytes_before(type, task.value_size);
  }
  // The queries from n on are of that head of the keys.
  template <uint32_t together>
  [[gnu::always_inline]] void score(uint32_t n, uint32_t head, bool first_of_head, Range range) {
    const uint32_t size = task.head_size;
    if constexpr (in_words) {
      // A page that the lanes divide has the rows of all of them, seen or not, if it has one that is.
      const size_t stride = task.page_size % I::kTileLanes == 0 ? task.key_bytes : 0;
      for (uint32_t p = range.begin / I::kTileLanes * I::kTileLanes; p < range.end; p += ByteRow<I>::kAtOnce)
        bytes.template score<together>(
            queries, n, size, stride, p, range, [=, this](uint32_t at) { return key(at, head); },
            [&](size_t more) {
              if (first_of_head) keys_ahead.step(more);
            },
            scores);
      return;
    }
    const float* q = queries + size_t{n} * size;
    for (uint32_t p = range.begin / 4 * 4; p < range.end; p += 4) {
      const std::byte* rows[4];
      for (uint32_t k = 0; k < 4; ++k) rows[k] = key(p + k < count ? p + k : count - 1, head);
      if (first_of_head) keys_ahead.step(4 * bytes_before(type, size));
      typename W::Vector products[together][4];
      for (auto& of_query : products)
        for (auto& one : of_query) one = W::zero();
      for (uint32_t i = 0; i < size; i += W::kLanes)
        for (uint32_t k = 0; k < 4; ++k) {
          const auto values = load_lanes<I, type>(rows[k], i);
          for (uint32_t m = 0; m < together; ++m)
            products[m][k] = W::fma(W::load(q + m * size + i), values, products[m][k]);
        }
      for (uint32_t m = 0; m < together; ++m)
        I::sum4(W::fold(products[m][0]), W::fold(products[m][1]), W::fold(products[m][2]), W::fold(products[m][3]),
                scores + m * kAttentionTile + p);
    }
  }

  template <uint32_t together, uint32_t vectors>
  [[gnu::always_inline]] void mix(uint32_t n, uint32_t head, bool first_of_head, Range range, const float* keep) {
    const uint32_t size = task.value_size;
    if constexpr (in_words) {
      if (first_of_head) bytes.find_values(size, range, [=, this](uint32_t p) { return value(p, head); });
      bytes.template mix<together>(scores, size, range.end, keep, sums + size_t{n} * size, [&](size_t more) {
        if (first_of_head) values_ahead.step(more);
      });
      return;
    }
    for (uint32_t i = 0; i < size; i += vectors * W::kLanes) {
      typename W::Vector mixed[together][vectors];
      float* at = sums + size_t{n} * size + i;
      for (uint32_t m = 0; m < together; ++m)
        for (uint32_t k = 0; k < vectors; ++k)
          mixed[m][k] = W::mul(W::load(at + m * size + k * W::kLanes), W::splat(keep[m]));
      for (uint32_t p = range.begin; p < range.end; ++p) {
        if (first_of_head && i == 0) values_ahead.step(bytes_before(type, size));
        const std::byte* row = value(p, head);
        for (uint32_t k = 0; k < vectors; ++k) {
          const auto values = load_lanes<I, type>(row, i + k * W::kLanes);
          for (uint32_t m = 0; m < together; ++m)
            mixed[m][k] = W::fma(values, W::splat(scores[m * kAttentionTile + p]), mixed[m][k]);
        }
      }
      for (uint32_t m = 0; m < together; ++m)
        for (uint32_t k = 0; k < vectors; ++k) W::store(at + m * size + k * W::kLanes, mixed[m][k]);
    }
  }

  void meet_tile(Range range) {
    constexpr uint32_t kVectors = 32 / W::kLanes;
    for (uint32_t head = 0; head < task.kv_heads; ++head)
      in_groups<I::kRowQueries>(
          task.group, [&]<uint32_t together>(uint32_t of_group) __attribute__((always_inline)) {
            const uint32_t n = head * task.group + of_group;
            float keep[together];
            Range ranges[together];
            for (Range& one : ranges) one = range;
            score<together>(n, head, of_group == 0, range);
            if (task.softcap != 0) softcap<I>(scores, task.softcap, together * kAttentionTile);
            weigh_tile<I, together>(scores, ranges, n, running, keep);
            if (in_words || task.value_size % 64 == 0)
              mix<together, 2 * kVectors>(n, head, of_group == 0, range, keep);
            else if constexpr (!in_words)
              mix<together, kVectors>(n, head, of_group == 0, range, keep);
          });
  }

  void run() {
    const uint32_t heads = task.kv_heads * task.group;
    map<I>(task.q, task.q, queries, heads * task.head_size,
           [&](auto x, auto) { return W::mul(x, W::splat(task.scale)); });
    if constexpr (in_words) bytes.round_queries(task, queries);
    for (uint32_t n = 0; n < heads; ++n) running.begin(task.sinks, n);
    __builtin_memset(sums, 0, sizeof(float) * heads * task.value_size);
    each_tile(task.pages, task.page_size, task.from, task.seen,
              [&](uint32_t first, uint32_t of_tile, uint32_t of_next, const size_t* of_both) {
                count = of_tile, cells = of_both;
                keys_ahead = {task.keys, task.key_bytes, cells + kAttentionTile, of_next};
                values_ahead = {task.values, task.value_bytes, cells + kAttentionTile, of_next};
                meet_tile(seen_of_tile(task.from, task.seen, first, count));
              });
    for (uint32_t n = 0; n < heads; ++n) {
      const auto factor = W::splat(task.softmax == nullptr ? 1 / running.sum[n] : 1);
      const float* mixed = sums + size_t{n} * task.value_size;
      map<I>(mixed, mixed, task.out + size_t{n} * task.value_size, task.value_size,
             [&](auto x, auto) { return W::mul(x, factor); });
      if (task.softmax == nullptr) continue;
      task.softmax[2 * n] = running.largest[n];
      task.softmax[2 * n + 1] = running.sum[n];
    }
  }
};

template <class I>
void attend_row(const RowAttention& task) noexcept {
  const auto run = [&]<CacheType type, bool in_words = false>() {
    float* queries = task.scratch + kAttentionTogether * kAttentionTile;
    const uint32_t heads = task.kv_heads * task.group;
    AttentionRow<I, type, in_words> row{
        .task = task, .scores = task.scratch, .queries = queries, .sums = queries + size_t{heads} * task.head_size};
    row.run();
  };
  if (task.type == CacheType::f16) return run.template operator()<CacheType::f16>();
  if constexpr (ByteRow<I>::kExists)
    if (task.type == CacheType::q8_0 && ByteRow<I>::fits(task)) return run.template operator()<CacheType::q8_0, true>();
  if (task.type == CacheType::q8_0) return run.template operator()<CacheType::q8_0>();
  run.template operator()<CacheType::f32>();
}

// out = softmax over the positions of all parts, of which each has its sums and softmax `stride` floats after the last.
template <class I>
void merge_parts(const float* sums, const float* softmax, size_t stride, uint32_t parts, uint32_t n,
                 float* out) noexcept {
  using W = WideOf<I>;
  float largest = softmax[0], total = 0;
  for (uint32_t part = 1; part < parts; ++part) {
    const float other = softmax[part * stride];
    largest = other > largest ? other : largest;
  }
  for (uint32_t part = 0; part < parts; ++part) {
    float apart[8] = {softmax[part * stride] - largest};
    I::store(apart, exponential<I>(I::load(apart)));
    total += apart[0] * softmax[part * stride + 1];
    const auto factor = W::splat(apart[0]);
    map<I>(sums + part * stride, out, out, n,
           [&](auto x, auto sum) { return part == 0 ? W::mul(x, factor) : W::fma(x, factor, sum); });
  }
  const auto inverse = W::splat(1 / total);
  map<I>(out, out, out, n, [&](auto x, auto) { return W::mul(x, inverse); });
}

}  // namespace
}  // namespace hearth::cpu
