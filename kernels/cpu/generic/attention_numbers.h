// The numbers that attention multiplies: floats, or where an instruction set multiplies pairs of 16-bit integers,
// those. Either lie in words of 32 bits. A tile holds kAttentionTile positions: the keys of it turned, [step x
// position], the values as they are, [step x value]; a step of the former is one or two values, one of the latter as
// many positions.
#pragma once

#include "kernels/cpu/generic/attention_cells.h"

namespace hearth::cpu {
namespace {

// Turns kTileLanes rows of `steps` words, `steps` being a multiple of 4, to words[step][lane] at `out`.
template <class I>
void turn_rows(const void* rows, uint32_t steps, uint32_t* out) {
  typename I::Tile four[4];
  for (uint32_t step = 0; step < steps; step += 4) {
    I::turn(static_cast<const std::byte*>(rows) + step * size_t{4}, steps * size_t{4}, four);
    for (uint32_t i = 0; i < 4; ++i) I::tile_store(out + (step + i) * kAttentionTile, four[i]);
  }
}

// Scales of what was rounded; unused by floats.
struct TileScales {
  alignas(64) float keys[kAttentionTile], values[kAttentionTile];
};

// Where a tile's keys or values come from: `at(position)` is the cell.
template <class F>
struct TileSource {
  F at;
  CacheType type;
  uint32_t first, size, padded;  // the head in a cell; with zeros
};

template <class I>
struct FloatNumbers {
  using Sum = typename I::TileFloat;
  static constexpr uint32_t kPerWord = 1;
  static constexpr bool kZeroHides = false;  // a value that is infinite shows where its weight is zero
  static Sum zero() { return I::tile_splat_float(0); }
  static Sum add_product(Sum sum, const uint32_t* splat, const uint32_t* vector) {
    float x;
    __builtin_memcpy(&x, splat, 4);
    return I::tile_fma(I::tile_splat_float(x), I::tile_load_float(reinterpret_cast<const float*>(vector)), sum);
  }
  static typename I::TileFloat to_float(Sum sum) { return sum; }

  // Returns what products with the query are to be multiplied by.
  static float load_query(const float* row, uint32_t padded, uint32_t* out) {
    __builtin_memcpy(out, row, padded * sizeof(float));
    return 1;
  }
  // `rows` has room for kTileLanes rows.
  template <class F>
  static void load_keys(const TileSource<F>& from, uint32_t count, float* rows, uint32_t* out, TileScales&) {
    for (uint32_t first = 0; first < count; first += I::kTileLanes) {
      for (uint32_t p = first; p < first + I::kTileLanes && p < count; ++p)
        load_cell<I>(from.at(p), from.type, from.first, from.size, from.padded, rows + (p - first) * from.padded);
      turn_rows<I>(rows, from.padded, out + first);
    }
  }
  template <class F>
  static void load_values(const TileSource<F>& from, uint32_t count, float*, uint32_t* out, TileScales&) {
    for (uint32_t p = 0; p < count; ++p)
      load_cell<I>(from.at(p), from.type, from.first, from.size, from.padded,
                   reinterpret_cast<float*>(out) + p * from.padded);
  }
  // Weights as they are to be multiplied with the values, in place; returns what the products are to be multiplied by.
  static float round_weights(float*, Range, const TileScales&) { return 1; }
};

// x = scale * n with |n| <= kLimit, one scale for a key or a value, and as much for a query and for the weights of a
// tile as keeps the sums of products below 2^31. Sums are exact, so that no order shows in them. Two values share a
// word, the second kTileLanes after the first.
template <class I>
struct WordNumbers {
  using W = WideOf<I>;
  using Sum = typename I::Tile;
  using Real = typename I::TileFloat;
  static constexpr uint32_t kPerWord = 2, kLanes = I::kTileLanes;
  static_assert(kLanes == W::kLanes);
  static constexpr bool kZeroHides = true;
  static constexpr float kLimit = 8191, kMostSum = 262170;  // their product: just below 2^31
  static Sum zero() { return I::tile_splat_int(0); }
  static Sum add_product(Sum sum, const uint32_t* splat, const uint32_t* vector) {
    int32_t x;
    __builtin_memcpy(&x, splat, 4);
    return I::tile_dot16(sum, I::tile_splat_int(x), I::tile_load(vector));
  }
  static Real to_float(Sum sum) { return I::tile_to_float(sum); }

  // The largest magnitude of a row of values; NaN where one is NaN.
  template <CacheType type>
  static float largest(const std::byte* row, uint32_t padded) {
    Sum most[2] = {zero(), zero()};
    for (uint32_t i = 0; i < padded; i += 2 * kLanes)
      for (uint32_t k = 0; k < 2; ++k)
        most[k] = I::tile_max_magnitude(most[k], load_lanes<I, type>(row, i + k * kLanes));
    return I::tile_largest(I::tile_max(most[0], most[1]));
  }
  static float largest(const float* row, uint32_t padded) {
    return largest<CacheType::f32>(reinterpret_cast<const std::byte*>(row), padded);
  }
  // What to multiply by so that the largest becomes `limit`: 0 where it is too small to divide by, infinite or NaN,
  // whose scale then says so.
  static float inverse_of(float largest, float limit) { return largest > 1e-30f ? limit / largest : 0; }
  static float scale_of(float largest, float factor) { return factor > 0 ? 1 / factor : largest; }
  // The factor for n numbers of which the largest and the sum of magnitudes are known; rounding adds n / 2 to that.
  static float factor_of(float largest, float sum, uint32_t n) {
    const float by_sum = (kMostSum - static_cast<float>(n / 2)) / sum, by_largest = inverse_of(largest, 32767);
    return by_sum < by_largest ? by_sum : by_largest;
  }
  static Sum round_two(Real first, Real second, Real factor, Real second_factor) {
    return I::template tile_pair<0>(I::tile_round(I::tile_mul(first, factor)),
                                    I::tile_round(I::tile_mul(second, second_factor)));
  }
  template <CacheType type>
  static void round_row(const std::byte* row, uint32_t padded, float factor, uint32_t* out) {
    const Real f = I::tile_splat_float(factor);
    for (uint32_t i = 0; i < padded; i += 2 * kLanes)
      I::tile_store(out + i / 2, round_two(load_lanes<I, type>(row, i), load_lanes<I, type>(row, i + kLanes), f, f));
  }

  // Rounds a row of floats. `out` may be where the row is.
  static float round_floats(const float* row, uint32_t padded, uint32_t* out) {
    Real sum = I::tile_splat_float(0);
    for (uint32_t i = 0; i < padded; i += kLanes) sum = W::add(sum, W::abs(W::load(row + i)));
    const float most = largest(row, padded), factor = factor_of(most, I::sum(W::fold(sum)), padded);
    round_row<CacheType::f32>(reinterpret_cast<const std::byte*>(row), padded, factor, out);
    return scale_of(most, factor);
  }
  static float load_query(const float* row, uint32_t padded, uint32_t* out) { return round_floats(row, padded, out); }

  // Calls g, as a function of the type of rows, with what gives the row of a position: in the cache, or as floats in
  // the k-th place at `spare` where a head is no whole number of blocks.
  template <class F, class G>
  static void with_rows(const TileSource<F>& from, float* spare, G&& g) {
    const auto in_cache = [&](uint32_t p, uint32_t) { return from.at(p) + bytes_before(from.type, from.first); };
    if (from.size == from.padded && from.first % 32 == 0) {
      if (from.type == CacheType::f16) return g.template operator()<CacheType::f16>(in_cache);
      return g.template operator()<CacheType::q8_0>(in_cache);
    }
    g.template operator()<CacheType::f32>([&](uint32_t p, uint32_t k) {
      float* row = spare + k * from.padded;
      load_cell<I>(from.at(p), from.type, from.first, from.size, from.padded, row);
      return reinterpret_cast<const std::byte*>(row);
    });
  }

  template <class F>
  static void load_keys(const TileSource<F>& from, uint32_t count, float* rows, uint32_t* out, TileScales& scales) {
    const uint32_t words = from.padded / 2;
    with_rows(from, rows + kLanes * words, [&]<CacheType type>(auto&& row_at) {
      for (uint32_t first = 0; first < count; first += kLanes) {
        for (uint32_t p = first; p < first + kLanes && p < count; ++p) {
          const std::byte* row = row_at(p, 0);
          const float most = largest<type>(row, from.padded);
          round_row<type>(row, from.padded, inverse_of(most, kLimit),
                          reinterpret_cast<uint32_t*>(rows) + (p - first) * words);
          scales.keys[p] = most / kLimit;
        }
        turn_rows<I>(rows, words, out + first);
      }
    });
    for (uint32_t p = count; p < kAttentionTile; ++p) scales.keys[p] = 0;
  }
  template <class F>
  static void load_values(const TileSource<F>& from, uint32_t count, float* rows, uint32_t* out, TileScales& scales) {
    with_rows(from, rows, [&]<CacheType type>(auto&& row_at) {
      for (uint32_t p = 0; p < count; p += p % kLanes == kLanes - 1 ? kLanes + 1 : 1) {
        const uint32_t second = p + kLanes < count ? p + kLanes : p;  // beyond the last its weight is 0
        const std::byte* row[2] = {row_at(p, 0), row_at(second, 1)};
        const float most[2] = {largest<type>(row[0], from.padded), largest<type>(row[1], from.padded)};
        scales.values[second] = most[1] / kLimit;
        scales.values[p] = most[0] / kLimit;
        const Real factor[2] = {I::tile_splat_float(inverse_of(most[0], kLimit)),
                                I::tile_splat_float(inverse_of(most[1], kLimit))};
        uint32_t* words = out + (p / (2 * kLanes) * kLanes + p % kLanes) * from.padded;
        for (uint32_t i = 0; i < from.padded; i += kLanes)
          I::tile_store(words + i, round_two(load_lanes<I, type>(row[0], i), load_lanes<I, type>(row[1], i), factor[0],
                                             factor[1]));
      }
    });
    for (uint32_t p = count; p < kAttentionTile; ++p) scales.values[p] = 0;
  }
  // Weights times the scales of their values, rounded. What is out of range may have a scale of NaN.
  static float round_weights(float* weights, Range range, const TileScales& scales) {
    for (uint32_t i = 0; i < kAttentionTile; i += kLanes)
      W::store(weights + i, W::mul(W::load(weights + i), W::load(scales.values + i)));
    fill_outside(weights, range, 0);
    return round_floats(weights, kAttentionTile, reinterpret_cast<uint32_t*>(weights));
  }
};

}  // namespace
}  // namespace hearth::cpu
