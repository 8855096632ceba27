// What kinds of attention share: the values of a cell of the cache, and the running softmax over a tile of positions.
#pragma once

#include "kernels/cpu/generic/vector_math.h"
#include "kernels/cpu/generic/wide.h"
#include "kernels/cpu/table.h"
#include "quant/blocks.h"

namespace hearth::cpu {
namespace {

inline constexpr uint32_t padded_head(uint32_t size) { return (size + 31) / 32 * 32; }

// The bytes before value `first` of a cell, which begins a block where there are blocks.
inline size_t bytes_before(CacheType type, uint32_t first) {
  return type == CacheType::f32   ? first * size_t{4}
         : type == CacheType::f16 ? first * size_t{2}
                                  : first / 32 * size_t{34};
}

// The values from i on of a row that begins with a block; i is a multiple of the lanes, which divide 32.
template <class I, CacheType type>
[[gnu::always_inline]] inline auto load_lanes(const std::byte* row, uint32_t i) {
  using W = WideOf<I>;
  if constexpr (type == CacheType::f32) {
    return W::load(reinterpret_cast<const float*>(row) + i);
  } else if constexpr (type == CacheType::f16) {
    return W::load_f16(row + size_t{2} * i);
  } else {
    const std::byte* block = row + i / 32 * sizeof(BlockQ8_0);
    return W::mul(W::load_i8(block + 2 + i % 32), W::splat(I::half(block)));
  }
}

// `n` values from `first` on of a cell, as floats, and zeros up to `padded`. They may begin and end within a block.
template <class I>
void load_cell(const std::byte* cell, CacheType type, uint32_t first, uint32_t n, uint32_t padded, float* out) {
  using W = WideOf<I>;
  const std::byte* row = cell + bytes_before(type, first);
  uint32_t i = 0;
  if (type == CacheType::f32) {
    __builtin_memcpy(out, row, n * sizeof(float));
    i = n;
  } else if (type == CacheType::f16) {
    for (; i + W::kLanes <= n; i += W::kLanes) W::store(out + i, load_lanes<I, CacheType::f16>(row, i));
    for (; i < n; ++i) out[i] = I::half(row + size_t{2} * i);
  } else {
    if (const uint32_t into = first % 32; into % W::kLanes == 0)
      for (; i + W::kLanes <= n; i += W::kLanes) W::store(out + i, load_lanes<I, CacheType::q8_0>(row, into + i));
    for (; i < n; ++i) {
      const std::byte* block = cell + (first + i) / 32 * sizeof(BlockQ8_0);
      out[i] = I::half(block) * static_cast<float>(static_cast<int8_t>(block[2 + (first + i) % 32]));
    }
  }
  for (; i < padded; ++i) out[i] = 0;
}

// Asks for n values of a row.
template <class I>
[[gnu::always_inline]] inline void prefetch_row(const std::byte* row, CacheType type, uint32_t n) {
  const size_t bytes = bytes_before(type, padded_head(n));
  const size_t into = reinterpret_cast<uintptr_t>(row) % 64;
  for (size_t line = 0; line < into + bytes; line += 64) I::prefetch_far(row - into + line);
}

// Asks for the cells of some positions while others are computed, line by line in the order in which they lie.
template <class I>
struct CellsAhead {
  const std::byte* cache = nullptr;
  size_t cell_bytes = 0;
  const size_t* cells = nullptr;
  uint32_t count = 0, position = 0;
  size_t into = 0, due = 0;  // the cell; of what is to be asked for
  // Asks for about so many bytes more.
  [[gnu::always_inline]] void step(size_t bytes) {
    constexpr size_t kLine = 64;
    size_t left = due + bytes, at = into;
    uint32_t p = position;
    while (left >= kLine && p < count) {
      const std::byte* cell = cache + cells[p] * cell_bytes;
      for (; at < cell_bytes && left >= kLine; at += kLine, left -= kLine) I::prefetch_far(cell + at);
      for (; at >= cell_bytes; at -= cell_bytes) ++p;
    }
    due = left, into = at, position = p;
  }
};

// Positions [begin, end) of a tile.
struct Range {
  uint32_t begin, end;
  bool operator==(const Range&) const = default;
};

// What is seen of the `count` positions from `first` on, of those in [from, seen).
inline Range seen_of_tile(uint32_t from, uint32_t seen, uint32_t first, uint32_t count) {
  if (seen <= first || from >= first + count) return {0, 0};
  return {from > first ? from - first : 0, seen - first < count ? seen - first : count};
}

// Calls f with as many queries as are computed together, as a constant of at most `most`, until `count` are done.
template <uint32_t most, class F>
[[gnu::always_inline]] inline void in_groups(uint32_t count, F&& f) {
  uint32_t n = 0;
  const auto take = [&]<uint32_t together>() __attribute__((always_inline)) {
    if constexpr (together <= most)
      for (; n + together <= count; n += together) f.template operator()<together>(n);
  };
  take.template operator()<6>();
  take.template operator()<4>();
  take.template operator()<3>();
  take.template operator()<2>();
  take.template operator()<1>();
}

// The softmax so far of some queries: the largest score, and the sum of weights exp(score - largest).
struct Running {
  float largest[kAttentionQueries], sum[kAttentionQueries];
  void begin(const float* sinks, uint32_t query) {
    largest[query] = sinks != nullptr ? sinks[query] : -3.4e38f;
    sum[query] = sinks != nullptr ? 1 : 0;
  }
};

// Sets what a query of a tile does not see.
inline void fill_outside(float* of_query, Range seen, float value) {
  for (uint32_t p = 0; p < seen.begin; ++p) of_query[p] = value;
  for (uint32_t p = seen.end; p < kAttentionTile; ++p) of_query[p] = value;
}

// Scores [together x tile] of the queries from n on to weights, which are 0 outside the range of their query. keep:
// what older weighted values are to be multiplied by.
template <class I, uint32_t together>
[[gnu::always_inline]] inline void weigh_tile(float* scores, const Range* range, uint32_t n, Running& running,
                                              float* keep) {
  using W = WideOf<I>;
  static_assert(together <= 8);
  float apart[8] = {};
  for (uint32_t q = 0; q < together; ++q) {
    if (range[q].begin == range[q].end) continue;
    float* of_query = scores + q * kAttentionTile;
    fill_outside(of_query, range[q], of_query[range[q].begin]);
    auto most = W::load(of_query);
    for (uint32_t p = W::kLanes; p < kAttentionTile; p += W::kLanes) most = W::max(most, W::load(of_query + p));
    const float top = W::largest(most), before = running.largest[n + q], now = top > before ? top : before;
    apart[q] = before - now;
    running.largest[n + q] = now;
  }
  I::store(apart, exponential<I>(I::load(apart)));
  for (uint32_t q = 0; q < together; ++q) {
    float* of_query = scores + q * kAttentionTile;
    float& sum = running.sum[n + q];
    keep[q] = sum == 0 ? 0 : apart[q];
    if (range[q].begin == range[q].end) {
      fill_outside(of_query, {0, 0}, 0);
      continue;
    }
    const auto now = W::splat(running.largest[n + q]);
    for (uint32_t p = 0; p < kAttentionTile; p += W::kLanes)
      W::store(of_query + p, exponential<W>(W::sub(W::load(of_query + p), now)));
    fill_outside(of_query, range[q], 0);
    auto total = W::zero();
    for (uint32_t p = 0; p < kAttentionTile; p += W::kLanes) total = W::add(total, W::load(of_query + p));
    sum = sum * keep[q] + I::sum(W::fold(total));
  }
}

// Calls f(first, count, later, cells) for each tile of positions of [from, seen): its first position, how many it has,
// how many the next one has, and the cells of both.
template <class F>
[[gnu::always_inline]] inline void each_tile(const uint32_t* pages, uint32_t page_size, uint32_t from, uint32_t seen,
                                             F&& f) {
  size_t cells[2 * kAttentionTile];
  const auto find_cells = [&](uint32_t begin, size_t* of_tile) {
    for (uint32_t p = begin; p < begin + kAttentionTile && p < seen; ++p)
      of_tile[p - begin] = size_t{pages[p / page_size]} * page_size + p % page_size;
  };
  uint32_t first = from / kAttentionTile * kAttentionTile;
  find_cells(first, cells);
  for (; first < seen; first += kAttentionTile) {
    const uint32_t left = seen - first, count = left < kAttentionTile ? left : kAttentionTile;
    const uint32_t after = left - count;
    find_cells(first + count, cells + kAttentionTile);
    f(first, count, after < kAttentionTile ? after : kAttentionTile, cells);
    __builtin_memcpy(cells, cells + kAttentionTile, sizeof cells / 2);
  }
}

}  // namespace
}  // namespace hearth::cpu
