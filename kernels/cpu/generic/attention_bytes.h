// Attention for all heads of one row over a cache of bytes (q8_0), where an instruction set multiplies pairs of 16-bit
// integers: queries, and weights times the scales of their values, become such integers, and meet the bytes as they
// are. Sums of products are exact.
#pragma once

#include "kernels/cpu/generic/attention_numbers.h"
#include "kernels/cpu/generic/turned.h"

namespace hearth::cpu {
namespace {

// round_queries comes before score, find_values of a head before mix of its queries. Scores are within 1 / 65534 of the
// largest of a query times the sum of magnitudes of a key; weights times scales within 1 / 65534 of the largest of a
// tile, so that a tile of equal values is off by a thousandth of them at most.
template <class I>
class ByteRow {
 public:
  static constexpr bool kExists = requires { &I::tile_dot16; };
  ByteRow() {}  // its arrays are written before they are read

  // Heads are pairs of blocks, as keys are turned two blocks at a time.
  static bool fits(const RowAttention& task) {
    return task.head_size % kTwo == 0 && task.value_size % kTwo == 0 && task.head_size <= kMost &&
           task.value_size <= kMost;
  }

  // Rounds the queries of all heads, [heads x head_size], in place.
  void round_queries(const RowAttention& task, float* queries) {
    for (uint32_t n = 0; n < task.kv_heads * task.group; ++n)
      query_scale_[n] = round_query(queries + size_t{n} * task.head_size, task.head_size);
  }

  // scores[query][p] for the kAtOnce positions from p on, a multiple of the lanes, or those of them that the tile has;
  // of those outside the range they are anything. For the queries from n on. row_at(p): where a key lies; stride: of
  // keys that lie one after another, where a page has those of all lanes, or 0. ask(bytes) is called on the way.
  static constexpr uint32_t kAtOnce = 2 * I::kTileLanes;
  template <uint32_t together, class F, class G>
  [[gnu::always_inline]] void score(const float* queries, uint32_t n, uint32_t size, size_t stride, uint32_t p,
                                    Range range, F&& row_at, G&& ask, float* scores) {
    const Place first = place(size, stride, p, range, row_at, copy_[0]);
    const Place at[2] = {first,
                         p + kLanes < range.end ? place(size, stride, p + kLanes, range, row_at, copy_[1]) : first};
    const auto words_of = [=](uint32_t q, uint32_t word) __attribute__((always_inline)) {
      int32_t two_values;
      __builtin_memcpy(&two_values, queries + size_t{n + q} * size + word, sizeof(two_values));
      return I::tile_splat_int(two_values);
    };
    Real total[together][2];
    for (auto& of_query : total) of_query[0] = of_query[1] = I::tile_splat_float(0);
    for (uint32_t two = 0; two < size / kTwo; ++two) {
      alignas(64) Tile t[2][kWords];
      for (uint32_t k = 0; k < 2; ++k) turn_two(at[k] + two * kWords * 4, t[k]);
      const auto add = [&](uint32_t begin, uint32_t end, Real scale, Real scale2) __attribute__((always_inline)) {
        ask(kAtOnce * 4 * kWords / 2);
        Tile sums[together][2];
        for (auto& of_query : sums) of_query[0] = of_query[1] = I::tile_splat_int(0);
        for (uint32_t w = begin; w < end; ++w)
          for (uint32_t odd = 0; odd < 2; ++odd) {
            const Tile bytes[2] = {odd == 0 ? I::tile_even_bytes(t[0][w]) : I::tile_odd_bytes(t[0][w]),
                                   odd == 0 ? I::tile_even_bytes(t[1][w]) : I::tile_odd_bytes(t[1][w])};
            for (uint32_t q = 0; q < together; ++q) {
              const Tile of_query = words_of(q, 2 * (two * kWords + w) + odd);
              for (uint32_t k = 0; k < 2; ++k) sums[q][k] = I::tile_dot16(sums[q][k], of_query, bytes[k]);
            }
          }
        for (uint32_t q = 0; q < together; ++q) {
          total[q][0] = I::tile_fma(I::tile_to_float(sums[q][0]), scale, total[q][0]);
          total[q][1] = I::tile_fma(I::tile_to_float(sums[q][1]), scale2, total[q][1]);
        }
      };
      add(0, kOfFirst, I::tile_low_half(t[0][0]), I::tile_low_half(t[1][0]));
      add(kOfFirst, kWords, I::tile_high_half(t[0][kOfFirst - 1]), I::tile_high_half(t[1][kOfFirst - 1]));
    }
    for (uint32_t q = 0; q < together; ++q)
      for (uint32_t k = 0; k < 2 && p + k * kLanes < kAttentionTile; ++k)
        I::tile_store_float(scores + q * kAttentionTile + p + k * kLanes,
                            I::tile_mul(total[q][k], I::tile_splat_float(query_scale_[n + q])));
  }

  // Takes a head's values at the positions of a tile, of which row_at tells where they lie. Outside of the range, of
  // which there is some, their scales count as 0.
  template <class F>
  void find_values(uint32_t size, Range range, F&& row_at) {
    alignas(64) uint16_t halves[kMost / kBlock][kAttentionTile];
    const uint32_t blocks = size / kBlock;
    if (range.end - range.begin < kAttentionTile) __builtin_memset(halves, 0, sizeof(halves));
    for (uint32_t p = 0; p < kAttentionTile; ++p) values_[p] = row_at(within(range, p));
    for (uint32_t p = range.begin; p < range.end; ++p)
      for (uint32_t b = 0; b < blocks; ++b) __builtin_memcpy(&halves[b][p], values_[p] + b * sizeof(BlockQ8_0), 2);
    for (uint32_t p = 0; p < kAttentionTile; p += kLanes) {
      Tile most = I::tile_splat_int(0);
      for (uint32_t b = 0; b < blocks; ++b) {
        const Real of_block = W::load_f16(halves[b] + p);
        I::tile_store_float(scale_[b] + p, of_block);
        most = I::tile_max_magnitude(most, of_block);
      }
      I::tile_store(largest_ + p, most);
    }
  }

  // sums[query][value] = sums[query][value] * keep[query] + the values of a tile, of which nothing is seen from `end`
  // on, times weights[query][position]. ask(bytes) as above.
  template <uint32_t together, class F>
  [[gnu::always_inline]] void mix(const float* weights, uint32_t size, uint32_t end, const float* keep, float* sums,
                                  F&& ask) {
    float factor[together];
    for (uint32_t q = 0; q < together; ++q) factor[q] = round_weights(weights + q * kAttentionTile, size, q);
    for (uint32_t i = 0; i < size; i += kParts * kPart) {
      Tile products[together][kParts][2];
      for (auto& of_query : products)
        for (auto& of_part : of_query) of_part[0] = of_part[1] = I::tile_splat_int(0);
      for (uint32_t word = 0; word < kAttentionTile / 2; ++word) {
        const uint32_t first = word / kLanes * kPart + word % kLanes;
        if (first >= end) break;
        const std::byte *a = values_[first], *b = values_[first + kLanes];
        if (word % kLanes == 0) ask(kPart * kParts * kPart / kBlock * sizeof(BlockQ8_0));
        for (uint32_t part = 0; part < kParts; ++part) {
          const uint32_t value = i + part * kPart;
          const size_t at = value / kBlock * sizeof(BlockQ8_0) + 2 + value % kBlock;
          Tile pair[2];
          I::pair_bytes(a + at, b + at, pair);
          for (uint32_t q = 0; q < together; ++q) {
            const Tile weight = I::tile_splat_int(words_[value / kBlock][q][word]);
            for (uint32_t k = 0; k < 2; ++k)
              products[q][part][k] = I::tile_dot16(products[q][part][k], weight, pair[k]);
          }
        }
      }
      for (uint32_t q = 0; q < together; ++q)
        for (uint32_t part = 0; part < kParts; ++part) {
          I::in_order(products[q][part]);
          for (uint32_t k = 0; k < 2; ++k) {
            float* to = sums + q * size + i + part * kPart + k * kLanes;
            const Real older = I::tile_mul(I::tile_load_float(to), I::tile_splat_float(keep[q]));
            I::tile_store_float(
                to, I::tile_fma(I::tile_to_float(products[q][part][k]), I::tile_splat_float(factor[q]), older));
          }
        }
    }
  }

 private:
  using N = WordNumbers<I>;
  using W = WideOf<I>;
  using Tile = typename I::Tile;
  using Real = typename I::TileFloat;
  static constexpr uint32_t kLanes = I::kTileLanes, kBlock = 32, kTwo = 2 * kBlock, kMost = 256;
  // Two blocks are 17 words of 4 bytes, or 34 pairs of bytes: a scale, 16 of values, a scale, and 16 of values. So the
  // first block reaches into the first half of its ninth word, in whose second half the other scale lies.
  static constexpr uint32_t kWords = 17, kOfFirst = 9;
  static_assert(kWords * 4 == 2 * sizeof(BlockQ8_0));
  // Values of two positions that pair_bytes takes at a time, and how many of those are computed together.
  static constexpr uint32_t kPart = 2 * kLanes, kParts = 2;
  static_assert(kBlock % kPart == 0 && kTwo % (kParts * kPart) == 0);
  static constexpr uint32_t kMostBytes = kMost / kBlock * sizeof(BlockQ8_0);
  static constexpr float kLimit = 32767;  // sums of a tile stay below 2^31: 64 * 32767 * 128

  // A query as 16-bit integers, which a scale of it is returned for: for each word of two blocks those that its even
  // bytes meet and those that its odd ones meet, 0 for the bytes of a scale.
  static float round_query(float* q, uint32_t size) {
    const float most = N::largest(q, size), factor = N::inverse_of(most, kLimit);
    alignas(64) int32_t whole[kMost];
    for (uint32_t i = 0; i < size; i += kLanes)
      I::tile_store(whole + i, I::tile_round(I::tile_mul(W::load(q + i), I::tile_splat_float(factor))));
    for (uint32_t two = 0; two < size / kTwo; ++two)
      for (uint32_t word = 0; word < kWords; ++word)
        for (uint32_t odd = 0; odd < 2; ++odd) {
          int16_t pair[2];
          for (uint32_t half = 0; half < 2; ++half) {
            const uint32_t at = 2 * word + half, block = at / kWords, of_block = at % kWords;
            pair[half] = of_block == 0
                             ? int16_t{0}
                             : static_cast<int16_t>(whole[two * kTwo + block * kBlock + 2 * of_block - 2 + odd]);
          }
          __builtin_memcpy(q + 2 * (two * kWords + word) + odd, pair, sizeof(pair));
        }
    return N::scale_of(most, factor);
  }

  // A position that is seen in place of one that is not.
  static uint32_t within(Range range, uint32_t p) { return p < range.begin || p >= range.end ? range.begin : p; }
  // The rows of kLanes positions, copied where they do not lie one after another.
  template <class F>
  [[gnu::always_inline]] Place place(uint32_t size, size_t stride, uint32_t p, Range range, F&& row_at,
                                     std::byte (*copy)[kMostBytes]) {
    if (stride != 0) return {row_at(p), stride};
    for (uint32_t k = 0; k < kLanes; ++k)
      __builtin_memcpy(copy[k], row_at(within(range, p + k)), size / kBlock * sizeof(BlockQ8_0));
    return {copy[0], kMostBytes};
  }
  // Two blocks of kLanes positions, [word].
  [[gnu::always_inline]] static void turn_two(Place at, Tile* t) {
    Tile last[4];
    Turned<I>::turn32(at, t);
    Turned<I>::turn32(at + 32, t + 8);
    Turned<I>::turn(at + 4 * (kWords - 4), last);
    t[kWords - 1] = last[3];
    I::opaque(t[0]), I::opaque(t[kOfFirst - 1]);  // or their halves are taken from the cache again, one by one
  }

  // The weights of a query times the scales of each block of values, as 16-bit integers, two of positions kLanes apart
  // in a word; returns what products with them are to be multiplied by.
  float round_weights(const float* weights, uint32_t size, uint32_t query) {
    Tile most = I::tile_splat_int(0);
    for (uint32_t p = 0; p < kAttentionTile; p += kLanes)
      most = I::tile_max_magnitude(most, I::tile_mul(W::load(weights + p), I::tile_load_float(largest_ + p)));
    const float largest = I::tile_largest(most), factor = N::inverse_of(largest, kLimit);
    const Real f = I::tile_splat_float(factor);
    for (uint32_t p = 0; p < kAttentionTile; p += kPart) {
      const Real first = I::tile_mul(W::load(weights + p), f), second = I::tile_mul(W::load(weights + p + kLanes), f);
      for (uint32_t b = 0; b < size / kBlock; ++b)
        I::tile_store(words_[b][query] + p / 2, N::round_two(first, second, I::tile_load_float(scale_[b] + p),
                                                             I::tile_load_float(scale_[b] + p + kLanes)));
    }
    return N::scale_of(largest, factor);
  }

  alignas(
      64) int32_t words_[kMost / kBlock][kAttentionTogether][kAttentionTile / 2];  // weights, [block x query x word]
  alignas(64) float scale_[kMost / kBlock][kAttentionTile];                        // of values, [block x position]
  alignas(64) float largest_[kAttentionTile];                                      // of those of a position
  const std::byte* values_[kAttentionTile];                                        // [position]
  alignas(64) std::byte copy_[2][kLanes][kMostBytes];                              // of keys, [position x bytes]
  float query_scale_[kAttentionQueries];
};

}  // namespace
}  // namespace hearth::cpu
