// Rows of many scales as they are, their scales (and minima) as 16-bit integers times one float of a unit: one
// instruction multiplies two sums by their factors and adds them, where floats take a multiplication for each.
#pragma once

#include <type_traits>

#include "kernels/cpu/generic/turned.h"
#include "kernels/cpu/generic/wide.h"

namespace hearth::cpu {
namespace {

// How a tile holds such rows. For each group of 32 values a pair is multiplied by the factors of the two scales that
// the group has: the sums of products of its halves; or, where rows have minima, the sum of products and that of the
// column.
template <class U>
struct InPairs : U {
  using Stored = U;
  static constexpr int kOffset = U::kMin ? 16 : U::kOffset;  // sums around 0 lose least
};
template <class U>
constexpr bool kPairs = false;
template <class U>
constexpr bool kPairs<InPairs<U>> = true;
template <class U>
constexpr bool kPairsOfHalves = kPairs<U>&& U::kGroups == 16;

// Formats of 5 and 6 bits whose units have 16 scales and no minima, or 8 of both. Those of 8 bits may have weights so
// small that the bits which pairs leave out of a sum would be missed.
template <class I, class U>
constexpr bool kMakesPairs = I::chain(TileKind::u8) == 0 && (U::kTile == TileKind::u5 || U::kTile == TileKind::u6) &&
                             (U::kGroups == 16) != U::kMin&& requires {
  I::kPairVectors;
};

// Bits that are left out of a sum of products, so that 16 hold the rest: a thousandth of what sums usually are.
template <class U>
constexpr int kPairShift = [] {
  constexpr int kMost = (U::kTile == TileKind::u5 ? 31 : 63) - U::kOffset;
  static_assert(kMost <= U::kOffset);
  int shift = 0;
  for (int sum = U::kOffset * 127 * int{kUnit / U::kGroups}; sum > 0x7fff; sum >>= 1) ++shift;
  return shift;
}();

// What every second sum has more, so that as many are rounded up as down: the bit that is left out is half of a step,
// and always rounded to one side would add up over a row.
template <class U>
constexpr int32_t kPairRounding = 0;
template <class U>
constexpr int32_t kPairRounding<InPairs<U>> = 1 << kPairShift<InPairs<U>> >> 1;

// The factors of a unit of as many rows as a tile vector has lanes, [group of 32][row], `stride` rows apart, and the
// float that they are multiples of, [row].
template <class I, class U, class P>
[[gnu::always_inline]] inline void find_factors(P at, uint32_t groups, int16_t (*factors)[2], size_t stride,
                                                float* scale) {
  constexpr uint32_t kLanes = I::kTileLanes;
  static_assert(kPairShift<InPairs<U>> == 1);  // of more bits, half as many up and down are not even
  alignas(64) float s[U::kGroups][kLanes], m[U::kGroups][kLanes], inverse[kLanes];
  turned_scales<I, U>(at, groups, s[0], m[0], kLanes);
  if constexpr (U::kMin)
    for (uint32_t g = 0; g < U::kGroups; ++g)
      I::tile_store_float(m[g], I::tile_fnma(I::tile_load_float(s[g]), I::tile_splat_float(InPairs<U>::kOffset),
                                             I::tile_load_float(m[g])));
  constexpr auto kStep = static_cast<float>(1 << kPairShift<InPairs<U>>);
  auto largest = I::tile_splat_int(0);
  for (uint32_t g = 0; g < U::kGroups; ++g) {
    largest = I::tile_max_magnitude(largest, I::tile_mul(I::tile_load_float(s[g]), I::tile_splat_float(kStep)));
    if constexpr (U::kMin) largest = I::tile_max_magnitude(largest, I::tile_load_float(m[g]));
  }
  scale_to_steps<I>(largest, 32767, 1, scale, inverse);
  const auto of_scale = I::tile_mul(I::tile_load_float(inverse), I::tile_splat_float(kStep));
  const auto factor = [&](const float* values, typename I::TileFloat times) __attribute__((always_inline)) {
    return I::tile_round(I::tile_mul(I::tile_load_float(values), times));
  };
  for (uint32_t j = 0; j < 8; ++j) {
    const auto second = [&]() __attribute__((always_inline)) {
      if constexpr (kPairsOfHalves<InPairs<U>>)
        return factor(s[2 * j + 1], of_scale);
      else
        return factor(m[j], I::tile_mul(I::tile_load_float(inverse), I::tile_splat_float(-1)));
    };
    const auto first = factor(s[kPairsOfHalves<InPairs<U>> ? 2 * j : j], of_scale);
    I::tile_store(factors + j * stride, I::template tile_pair<0>(first, second()));
  }
}

}  // namespace
}  // namespace hearth::cpu
