// Attention for up to 64 queries of one head of K and V: tiles of 32 positions are decoded to floats once for all of
// them, and the softmax is kept running (largest score, sum, weighted values), so that scores never leave the cache.
#pragma once

#include "kernels/cpu/generic/vector_math.h"
#include "kernels/cpu/generic/wide.h"
#include "kernels/cpu/table.h"
#include "quant/blocks.h"

namespace hearth::cpu {
namespace {

// `n` values from `first` on of a cell, as floats; `out` is aligned for vectors.
template <class I>
void load_cell(const std::byte* cell, CacheType type, uint32_t first, uint32_t n, float* out) {
  using W = WideOf<I>;
  uint32_t i = 0;
  if (type == CacheType::f32) {
    __builtin_memcpy(out, cell + first * sizeof(float), n * sizeof(float));
  } else if (type == CacheType::f16) {
    for (; i + W::kLanes <= n; i += W::kLanes) W::store(out + i, W::load_f16(cell + (first + i) * 2));
    for (; i < n; ++i) out[i] = I::half(cell + (first + i) * 2);
  } else {
    const auto block = [&](uint32_t at) { return cell + at / 32 * sizeof(BlockQ8_0); };
    if (first % W::kLanes == 0)
      for (; i + W::kLanes <= n; i += W::kLanes) {
        const std::byte* p = block(first + i);
        W::store(out + i, W::mul(W::load_i8(p + 2 + (first + i) % 32), W::splat(I::half(p))));
      }
    for (; i < n; ++i) {
      const std::byte* p = block(first + i);
      out[i] = I::half(p) * static_cast<float>(static_cast<int8_t>(p[2 + (first + i) % 32]));
    }
  }
}

// Positions [begin, end) of a tile.
struct Range {
  uint32_t begin, end;
};

// What a query sees of the `count` positions from `first` on.
inline Range seen_of_tile(const Attention& task, uint32_t query, uint32_t first, uint32_t count) {
  const uint32_t from = task.from[query], seen = task.seen[query];
  if (seen <= first || from >= first + count) return {0, 0};
  return {from > first ? from - first : 0, seen - first < count ? seen - first : count};
}

// scores[q][p] = queries[q] . keys[p] for some queries and the 32 positions of a tile.
template <class I, uint32_t queries>
void score_tile(const float* q, const float* keys, uint32_t padded, float* scores) {
  using W = WideOf<I>;
  for (uint32_t p = 0; p < kAttentionTile; p += 4) {
    typename W::Vector acc[queries][4];
    for (auto& of_query : acc)
      for (auto& one : of_query) one = W::splat(0);
    for (uint32_t i = 0; i < padded; i += W::kLanes) {
      typename W::Vector key[4];
      for (uint32_t k = 0; k < 4; ++k) key[k] = W::load(keys + (p + k) * padded + i);
      for (uint32_t n = 0; n < queries; ++n) {
        const auto v = W::load(q + n * padded + i);
        for (uint32_t k = 0; k < 4; ++k) acc[n][k] = W::fma(v, key[k], acc[n][k]);
      }
    }
    for (uint32_t n = 0; n < queries; ++n)
      I::sum4(W::fold(acc[n][0]), W::fold(acc[n][1]), W::fold(acc[n][2]), W::fold(acc[n][3]),
              scores + n * kAttentionTile + p);
  }
}

// acc[q] = acc[q] * keep[q] + sum of weights[q][p] * values[p] over the positions p of a range. What a query may not
// see must not be in it: it may be infinite.
template <class I, uint32_t queries>
void mix_tile(const float* weights, const float* keep, const float* values, uint32_t padded, Range range, float* acc) {
  using W = WideOf<I>;
  constexpr uint32_t kVectors = 32 / W::kLanes;
  for (uint32_t i = 0; i < padded; i += 32) {
    typename W::Vector sums[queries][kVectors];
    for (uint32_t n = 0; n < queries; ++n)
      for (uint32_t k = 0; k < kVectors; ++k)
        sums[n][k] = W::mul(W::load(acc + n * padded + i + W::kLanes * k), W::splat(keep[n]));
    for (uint32_t p = range.begin; p < range.end; ++p) {
      const float* v = values + p * padded + i;
      for (uint32_t n = 0; n < queries; ++n) {
        const auto w = W::splat(weights[n * kAttentionTile + p]);
        for (uint32_t k = 0; k < kVectors; ++k) sums[n][k] = W::fma(w, W::load(v + W::kLanes * k), sums[n][k]);
      }
    }
    for (uint32_t n = 0; n < queries; ++n)
      for (uint32_t k = 0; k < kVectors; ++k) W::store(acc + n * padded + i + W::kLanes * k, sums[n][k]);
  }
}

// Calls f with as many queries as are computed together, as a constant, until `count` are done.
template <class I, class F>
[[gnu::always_inline]] inline void in_groups(uint32_t count, F&& f) {
  constexpr uint32_t kTogether = WideOf<I>::kQueries;
  uint32_t n = 0;
  for (; n + kTogether <= count; n += kTogether) f.template operator()<kTogether>(n);
  if constexpr (kTogether > 2)
    for (; n + 2 <= count; n += 2) f.template operator()<2>(n);
  for (; n < count; ++n) f.template operator()<1>(n);
}

// Scores of one query to weights exp(score - largest), which are 0 outside the range. Returns what the older sum and
// values are to be multiplied by.
template <class I>
float weigh_tile(float* scores, Range range, float& largest, float& sum) {
  const auto fill_outside = [&](float value) {
    for (uint32_t p = 0; p < range.begin; ++p) scores[p] = value;
    for (uint32_t p = range.end; p < kAttentionTile; ++p) scores[p] = value;
  };
  using W = WideOf<I>;
  fill_outside(scores[range.begin]);
  auto most = W::load(scores);
  for (uint32_t p = W::kLanes; p < kAttentionTile; p += W::kLanes) most = W::max(most, W::load(scores + p));
  const float top = W::largest(most), now = top > largest ? top : largest;
  float apart[8] = {largest - now};
  I::store(apart, exponential<I>(I::load(apart)));
  const float keep = sum == 0 ? 0 : apart[0];
  for (uint32_t p = 0; p < kAttentionTile; p += W::kLanes)
    W::store(scores + p, exponential<W>(W::sub(W::load(scores + p), W::splat(now))));
  fill_outside(0);
  auto total = W::zero();
  for (uint32_t p = 0; p < kAttentionTile; p += W::kLanes) total = W::add(total, W::load(scores + p));
  sum = sum * keep + I::sum(W::fold(total));
  largest = now;
  return keep;
}

template <class I>
void attend(const Attention& task) noexcept {
  const uint32_t size = task.head_size, padded = (size + 31) / 32 * 32;
  const uint32_t value_size = task.value_size, value_padded = (value_size + 31) / 32 * 32;
  float* q = task.scratch;                                       // [queries x padded]
  float* acc = q + kAttentionQueries * padded;                   // [queries x value_padded]
  float* keys = acc + kAttentionQueries * value_padded;          // [tile x padded]
  float* values = keys + kAttentionTile * padded;                // [tile x value_padded]
  float* scores = values + kAttentionTile * value_padded;        // [queries x tile]
  float* largest = scores + kAttentionQueries * kAttentionTile;  // [queries]
  float* sum = largest + kAttentionQueries;                      // [queries]
  float keep[kAttentionQueries];
  uint32_t first_of_any = 0xffffffff, seen_by_any = 0;
  for (uint32_t n = 0; n < task.count; ++n) {
    for (uint32_t i = 0; i < padded; ++i) q[n * padded + i] = i < size ? task.q[n][i] * task.scale : 0;
    largest[n] = task.sinks != nullptr ? task.sinks[n] : -3.4e38f;
    sum[n] = task.sinks != nullptr ? 1 : 0;
    if (task.from[n] < first_of_any) first_of_any = task.from[n];
    if (task.seen[n] > seen_by_any) seen_by_any = task.seen[n];
  }
  __builtin_memset(acc, 0, sizeof(float) * task.count * value_padded);
  __builtin_memset(keys, 0, sizeof(float) * kAttentionTile * (padded + value_padded));
  const auto cell_of = [&](uint32_t position) {
    return size_t{task.pages[position / task.page_size]} * task.page_size + position % task.page_size;
  };
  const uint32_t element = task.type == CacheType::f32 ? 4 : task.type == CacheType::f16 ? 2 : 1;  // bytes, about
  for (uint32_t first = first_of_any / kAttentionTile * kAttentionTile; first < seen_by_any; first += kAttentionTile) {
    const uint32_t count = seen_by_any - first < kAttentionTile ? seen_by_any - first : kAttentionTile;
    for (uint32_t p = 0; p < count; ++p) {
      if (first + kAttentionTile + p < seen_by_any) {
        const size_t later = cell_of(first + kAttentionTile + p);
        for (uint32_t line = 0; line < size * element; line += 64)
          I::prefetch_far(task.keys + later * task.key_bytes + task.key_first * element + line);
        for (uint32_t line = 0; line < value_size * element; line += 64)
          I::prefetch_far(task.values + later * task.value_bytes + task.value_first * element + line);
      }
      const size_t cell = cell_of(first + p);
      load_cell<I>(task.keys + cell * task.key_bytes, task.type, task.key_first, size, keys + p * padded);
      load_cell<I>(task.values + cell * task.value_bytes, task.type, task.value_first, value_size,
                   values + p * value_padded);
    }
    in_groups<I>(
        task.count, [&]<uint32_t queries>(uint32_t n) __attribute__((always_inline)) {
          float* weights = scores + n * kAttentionTile;
          score_tile<I, queries>(q + n * padded, keys, padded, weights);
          if (task.softcap != 0) softcap<I>(weights, task.softcap, queries * kAttentionTile);
          bool alike = true;
          Range range[queries];
          for (uint32_t k = n; k < n + queries; ++k) {
            range[k - n] = seen_of_tile(task, k, first, count);
            keep[k] = range[k - n].begin == range[k - n].end
                          ? 1
                          : weigh_tile<I>(scores + k * kAttentionTile, range[k - n], largest[k], sum[k]);
            alike = alike && range[k - n].begin == range[0].begin && range[k - n].end == range[0].end;
          }
          if (alike) {
            mix_tile<I, queries>(weights, keep + n, values, value_padded, range[0], acc + n * value_padded);
          } else {
            for (uint32_t k = 0; k < queries; ++k)
              mix_tile<I, 1>(weights + k * kAttentionTile, keep + n + k, values, value_padded, range[k],
                             acc + (n + k) * value_padded);
          }
        });
  }
  for (uint32_t n = 0; n < task.count; ++n) {
    const float inverse = 1 / sum[n];
    for (uint32_t i = 0; i < value_size; ++i) task.out[n][i] = acc[n * value_padded + i] * inverse;
  }
}

}  // namespace
}  // namespace hearth::cpu
