// Attention for up to 64 queries of one head of K and V: tiles of 32 positions are decoded to floats once for all of
// them, and the softmax is kept running (largest score, sum, weighted values), so that scores never leave the cache.
#pragma once

#include "kernels/cpu/generic/vector_math.h"
#include "kernels/cpu/table.h"
#include "quant/blocks.h"

namespace hearth::cpu {
namespace {

// `n` values from `first` on of a cell, as floats.
template <class I>
void load_cell(const std::byte* cell, CacheType type, uint32_t first, uint32_t n, float* out) {
  uint32_t i = 0;
  if (type == CacheType::f32) {
    __builtin_memcpy(out, cell + first * sizeof(float), n * sizeof(float));
  } else if (type == CacheType::f16) {
    for (; i + 8 <= n; i += 8) I::store(out + i, I::load_f16(cell + (first + i) * 2));
    for (; i < n; ++i) out[i] = I::half(cell + (first + i) * 2);
  } else {
    const auto block = [&](uint32_t at) { return cell + at / 32 * sizeof(BlockQ8_0); };
    if (first % 8 == 0)
      for (; i + 8 <= n; i += 8) {
        const std::byte* p = block(first + i);
        I::store(out + i, I::mul(I::load_i8(p + 2 + (first + i) % 32), I::splat(I::half(p))));
      }
    for (; i < n; ++i) {
      const std::byte* p = block(first + i);
      out[i] = I::half(p) * static_cast<float>(static_cast<int8_t>(p[2 + (first + i) % 32]));
    }
  }
}

// scores[q][p] = scale * queries[q] . keys[p] for `queries` (1 or 2) queries and the 32 positions of a tile.
template <class I, uint32_t queries>
void score_tile(const float* q, const float* keys, uint32_t padded, uint32_t width8, float* scores) {
  for (uint32_t p = 0; p < kAttentionTile; p += 4) {
    typename I::F8 acc[queries][4];
    for (auto& of_query : acc)
      for (auto& one : of_query) one = I::zero();
    for (uint32_t i = 0; i < width8; i += 8)
      for (uint32_t n = 0; n < queries; ++n) {
        const auto v = I::load(q + n * padded + i);
        for (uint32_t k = 0; k < 4; ++k) acc[n][k] = I::fma(v, I::load(keys + (p + k) * padded + i), acc[n][k]);
      }
    for (uint32_t n = 0; n < queries; ++n)
      I::sum4(acc[n][0], acc[n][1], acc[n][2], acc[n][3], scores + n * kAttentionTile + p);
  }
}

// acc[q] = acc[q] * keep[q] + sum over p of weights[q][p] * values[p]
template <class I, uint32_t queries>
void mix_tile(const float* weights, const float* keep, const float* values, uint32_t padded, float* acc) {
  for (uint32_t i = 0; i < padded; i += 32) {
    typename I::F8 sums[queries][4];
    for (uint32_t n = 0; n < queries; ++n)
      for (uint32_t k = 0; k < 4; ++k) sums[n][k] = I::mul(I::load(acc + n * padded + i + 8 * k), I::splat(keep[n]));
    for (uint32_t p = 0; p < kAttentionTile; ++p) {
      const float* v = values + p * padded + i;
      for (uint32_t n = 0; n < queries; ++n) {
        const auto w = I::splat(weights[n * kAttentionTile + p]);
        for (uint32_t k = 0; k < 4; ++k) sums[n][k] = I::fma(w, I::load(v + 8 * k), sums[n][k]);
      }
    }
    for (uint32_t n = 0; n < queries; ++n)
      for (uint32_t k = 0; k < 4; ++k) I::store(acc + n * padded + i + 8 * k, sums[n][k]);
  }
}

// Scores of one query to weights exp(score - largest), which are 0 outside [begin, end). Returns what the older sum and
// values are to be multiplied by.
template <class I>
float weigh_tile(float* scores, uint32_t begin, uint32_t end, float& largest, float& sum) {
  const auto fill_outside = [&](float value) {
    for (uint32_t p = 0; p < begin; ++p) scores[p] = value;
    for (uint32_t p = end; p < kAttentionTile; ++p) scores[p] = value;
  };
  fill_outside(scores[begin]);
  auto most = I::load(scores);
  for (uint32_t p = 8; p < kAttentionTile; p += 8) most = I::max(most, I::load(scores + p));
  const float top = I::largest(most), now = top > largest ? top : largest;
  float apart[8] = {largest - now};
  I::store(apart, exponential<I>(I::load(apart)));
  const float keep = sum == 0 ? 0 : apart[0];
  auto total = I::zero();
  for (uint32_t p = 0; p < kAttentionTile; p += 8)
    I::store(scores + p, exponential<I>(I::sub(I::load(scores + p), I::splat(now))));
  fill_outside(0);
  for (uint32_t p = 0; p < kAttentionTile; p += 8) total = I::add(total, I::load(scores + p));
  sum = sum * keep + I::sum(total);
  largest = now;
  return keep;
}

template <class I>
void attend(const Attention& task) noexcept {
  const uint32_t size = task.head_size, padded = (size + 31) / 32 * 32, width8 = (size + 7) / 8 * 8;
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
  for (uint32_t first = first_of_any / kAttentionTile * kAttentionTile; first < seen_by_any; first += kAttentionTile) {
    const uint32_t count = seen_by_any - first < kAttentionTile ? seen_by_any - first : kAttentionTile;
    for (uint32_t p = 0; p < count; ++p) {
      const size_t cell =
          size_t{task.pages[(first + p) / task.page_size]} * task.page_size + (first + p) % task.page_size;
      load_cell<I>(task.keys + cell * task.key_bytes, task.type, task.key_first, size, keys + p * padded);
      load_cell<I>(task.values + cell * task.value_bytes, task.type, task.value_first, value_size,
                   values + p * value_padded);
    }
    for (uint32_t n = 0; n < task.count;) {
      const uint32_t pair = n + 1 < task.count ? 2 : 1;
      float* weights = scores + n * kAttentionTile;
      if (pair == 2) {
        score_tile<I, 2>(q + n * padded, keys, padded, width8, weights);
      } else {
        score_tile<I, 1>(q + n * padded, keys, padded, width8, weights);
      }
      if (task.softcap != 0) softcap<I>(weights, task.softcap, pair * kAttentionTile);
      for (uint32_t k = n; k < n + pair; ++k) {
        if (task.seen[k] > first && task.from[k] < first + count) {
          const uint32_t begin = task.from[k] > first ? task.from[k] - first : 0;
          const uint32_t end = task.seen[k] - first < count ? task.seen[k] - first : count;
          keep[k] = weigh_tile<I>(scores + k * kAttentionTile, begin, end, largest[k], sum[k]);
        } else {  // nothing of this tile: x * 1 + 0 leaves the sums as they are
          keep[k] = 1;
          __builtin_memset(scores + k * kAttentionTile, 0, sizeof(float) * kAttentionTile);
        }
      }
      if (pair == 2) {
        mix_tile<I, 2>(weights, keep + n, values, value_padded, acc + n * value_padded);
      } else {
        mix_tile<I, 1>(weights, keep + n, values, value_padded, acc + n * value_padded);
      }
      n += pair;
    }
  }
  for (uint32_t n = 0; n < task.count; ++n) {
    const float inverse = 1 / sum[n];
    for (uint32_t i = 0; i < value_size; ++i) task.out[n][i] = acc[n * value_padded + i] * inverse;
  }
}

}  // namespace
}  // namespace hearth::cpu
