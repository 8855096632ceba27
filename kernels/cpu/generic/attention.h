// Attention for many queries of one head of K and V: tiles of positions are converted once for all of them, a few
// queries at a time meet them, and the softmax is kept running (largest score, sum, weighted values), so that scores
// never leave the cache.
#pragma once

#include "kernels/cpu/generic/attention_numbers.h"
#include "kernels/cpu/generic/attention_row.h"

namespace hearth::cpu {
namespace {

// take(query, i, sums of words[query][step] * vectors[step][i...]) over a range of steps, for some queries and the n
// words of a step, a multiple of 32. Words lie `of_query` and `of_step` apart.
template <class I, class N, uint32_t queries, uint32_t of_query, uint32_t of_step, class F>
[[gnu::always_inline]] inline void multiply(const uint32_t* words, const uint32_t* vectors, uint32_t n, Range steps,
                                            F&& take) {
  constexpr uint32_t kLanes = I::kTileLanes;
  static_assert(32 % (I::kAttentionVectors * kLanes) == 0 || I::kAttentionVectors * kLanes == 64);
  uint32_t i = 0;
  const auto some = [&]<uint32_t of>() __attribute__((always_inline)) {
    for (; i + of * kLanes <= n; i += of * kLanes) {
      typename N::Sum sums[queries][of];
      for (auto& one : sums)
        for (auto& sum : one) sum = N::zero();
      for (uint32_t step = steps.begin; step < steps.end; ++step)
        for (uint32_t q = 0; q < queries; ++q)
          for (uint32_t k = 0; k < of; ++k)
            sums[q][k] = N::add_product(sums[q][k], words + q * of_query + step * of_step,
                                        vectors + size_t{step} * n + i + k * kLanes);
      for (uint32_t q = 0; q < queries; ++q)
        for (uint32_t k = 0; k < of; ++k) take(q, i + k * kLanes, N::to_float(sums[q][k]));
    }
  };
  some.template operator()<I::kAttentionVectors>();
  if constexpr (I::kAttentionVectors * kLanes > 32) some.template operator()<32 / kLanes>();
}

// The scratch of a task, and what is known of its queries.
template <class I, class N>
struct AttentionTile {
  const Attention& task;
  uint32_t padded, value_padded, key_steps;
  uint32_t* queries;            // words: of the queries that are computed together, [key_steps x queries]
  uint32_t *keys, *values;      // [key_steps x tile], [steps of a tile x value_padded]
  float *rows, *sums, *scores;  // of load_keys; [queries x value_padded]; [kAttentionTogether x tile]
  TileScales scales;
  float scale[kAttentionQueries];
  Running running;

  static_assert(I::kTileQueries <= kAttentionTogether && I::kTileLanes <= kAttentionRows);

  explicit AttentionTile(const Attention& of) : task(of) {
    padded = padded_head(task.head_size), value_padded = padded_head(task.value_size);
    key_steps = padded / N::kPerWord;
    float* left = task.scratch;
    const auto take = [&](size_t words) { return left += words, left - words; };
    queries = reinterpret_cast<uint32_t*>(take(size_t{kAttentionQueries} * key_steps));
    keys = reinterpret_cast<uint32_t*>(take(size_t{kAttentionTile} * key_steps));
    values = reinterpret_cast<uint32_t*>(take(size_t{kAttentionTile} / N::kPerWord * value_padded));
    sums = take(size_t{kAttentionQueries} * value_padded);
    rows = take(size_t{kAttentionRows} * (padded > value_padded ? padded : value_padded));
    scores = take(size_t{kAttentionTogether} * kAttentionTile);
    __builtin_memset(rows, 0, sizeof(float) * padded);
    in_groups<I::kTileQueries>(task.count, [this]<uint32_t together>(uint32_t n) {
      for (uint32_t q = 0; q < together; ++q) {
        map<I>(task.q[n + q], task.q[n + q], rows, task.head_size,
               [this](auto x, auto) { return WideOf<I>::mul(x, WideOf<I>::splat(task.scale)); });
        scale[n + q] = N::load_query(rows, padded, keys);
        for (uint32_t step = 0; step < key_steps; ++step)
          queries[size_t{n} * key_steps + step * together + q] = keys[step];
        running.begin(task.sinks, n + q);
      }
    });
    __builtin_memset(sums, 0, sizeof(float) * task.count * value_padded);
  }

  // Converts the keys and values of `count` positions, and asks for those of `later` more.
  void load(const size_t* cells, uint32_t count, uint32_t later) {
    const auto from = [&](const std::byte* cache, size_t bytes, uint32_t first, uint32_t size, uint32_t with_zeros) {
      const auto at = [=, this](uint32_t p) {
        if (p < later)
          prefetch_row<I>(cache + cells[kAttentionTile + p] * bytes + bytes_before(task.type, first), task.type, size);
        return cache + cells[p] * bytes;
      };
      return TileSource<decltype(at)>{at, task.type, first, size, with_zeros};
    };
    N::load_keys(from(task.keys, task.key_bytes, task.key_first, task.head_size, padded), count, rows, keys, scales);
    N::load_values(from(task.values, task.value_bytes, task.value_first, task.value_size, value_padded), count, rows,
                   values, scales);
  }

  // Queries n, n + 1... meet the tile of the `count` positions from `first` on.
  template <uint32_t together>
  [[gnu::always_inline]] void meet(uint32_t n, uint32_t first, uint32_t count) {
    float keep[together], factor[together];
    Range range[together];
    bool alike = true, seen = false;
    for (uint32_t q = 0; q < together; ++q) {
      range[q] = seen_of_tile(task.from[n + q], task.seen[n + q], first, count);
      alike = alike && range[q] == range[0];
      seen = seen || range[q].begin != range[q].end;
    }
    if (!seen) return;
    multiply<I, N, together, 1, together>(
        queries + size_t{n} * key_steps, keys, kAttentionTile,
        {0, key_steps}, [&](uint32_t q, uint32_t i, auto products) __attribute__((always_inline)) {
          if constexpr (N::kPerWord > 1)
            products = I::tile_mul(I::tile_mul(products, I::tile_splat_float(scale[n + q])),
                                   I::tile_load_float(scales.keys + i));
          I::tile_store_float(scores + q * kAttentionTile + i, products);
        });
    if (task.softcap != 0) softcap<I>(scores, task.softcap, together * kAttentionTile);
    weigh_tile<I, together>(scores, range, n, running, keep);
    for (uint32_t q = 0; q < together; ++q) factor[q] = N::round_weights(scores + q * kAttentionTile, range[q], scales);
    const auto mix = [&]<uint32_t some>(uint32_t q, Range steps) __attribute__((always_inline)) {
      multiply<I, N, some, kAttentionTile, 1>(
          reinterpret_cast<const uint32_t*>(scores) + q * kAttentionTile, values, value_padded,
          steps, [&](uint32_t k, uint32_t i, auto products) __attribute__((always_inline)) {
            float* at = sums + (n + q + k) * value_padded + i;
            const auto older = I::tile_mul(I::tile_load_float(at), I::tile_splat_float(keep[q + k]));
            I::tile_store_float(at, I::tile_fma(products, I::tile_splat_float(factor[q + k]), older));
          });
    };
    if constexpr (N::kZeroHides) {
      mix.template operator()<together>(0, {0, kAttentionTile / N::kPerWord});
    } else if (alike) {
      mix.template operator()<together>(0, range[0]);
    } else {
      for (uint32_t q = 0; q < together; ++q) mix.template operator()<1>(q, range[q]);
    }
  }
};

template <class I, class N>
void attend_with(const Attention& task) noexcept {
  AttentionTile<I, N> tile(task);
  uint32_t from = 0xffffffff, seen = 0;
  for (uint32_t n = 0; n < task.count; ++n) {
    if (task.from[n] < from) from = task.from[n];
    if (task.seen[n] > seen) seen = task.seen[n];
  }
  each_tile(task.pages, task.page_size, from, seen,
            [&](uint32_t first, uint32_t count, uint32_t later, const size_t* cells) {
              tile.load(cells, count, later);
              in_groups<I::kTileQueries>(
                  task.count, [&]<uint32_t together>(uint32_t n)
                                  __attribute__((always_inline)) { tile.template meet<together>(n, first, count); });
            });
  for (uint32_t n = 0; n < task.count; ++n) {
    const auto inverse = WideOf<I>::splat(1 / tile.running.sum[n]);
    const float* mixed = tile.sums + size_t{n} * tile.value_padded;
    map<I>(mixed, mixed, task.out[n], task.value_size, [&](auto x, auto) { return WideOf<I>::mul(x, inverse); });
  }
}

// A cache of floats is multiplied as it is.
template <class I>
void attend(const Attention& task) noexcept {
  if constexpr (requires { &I::tile_dot16; })
    if (task.type != CacheType::f32) return attend_with<I, WordNumbers<I>>(task);
  attend_with<I, FloatNumbers<I>>(task);
}

}  // namespace
}  // namespace hearth::cpu
