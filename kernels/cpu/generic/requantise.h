// Rows of few bits as bytes with one scale for a unit, so that sums of products need no scale of the weights before the
// unit's end. The largest weight that a unit's scales allow becomes 127 or -127.
#pragma once

#include <type_traits>

#include "kernels/cpu/generic/turned.h"
#include "kernels/cpu/generic/wide.h"

namespace hearth::cpu {
namespace {

// How a tile holds requantised rows, as the members of an Unpack say it.
struct Requantised {
  static constexpr TileKind kTile = TileKind::u8;
  static constexpr uint32_t kGroups = 8;
  static constexpr int kOffset = 128;
  static constexpr bool kMin = false;
};
// Whether a unit of a row has one scale, scale[0].
template <class U>
constexpr bool kOneScale = std::is_same_v<U, Requantised>;

// Formats whose own steps are so large that another rounding is lost in them (the table in bench/README.md), and whose
// bytes are the numbers of those steps, not what a table says.
template <class I, class U>
constexpr bool kRequantises = I::kUnsigned&& I::chain(TileKind::u8) == 0 && U::kTile == TileKind::u4;

template <class U>
constexpr int kLargestOf = 15;
template <class U>
requires requires { U::kLargest; }
constexpr int kLargestOf<U> = U::kLargest;

// What makes bytes of the q of a unit of as many rows as a tile vector has lanes: a weight, divided by the new scale,
// is q * factor + plus in 256ths, of which the upper byte remains.
template <class I, class U>
class Requantiser {
 public:
  using Tile = typename I::Tile;

  // Writes the new scale of each row to `scale`.
  template <class P>
  [[gnu::always_inline]] Requantiser(P at, uint32_t groups, float* scale) {
    constexpr uint32_t kLanes = I::kTileLanes;
    alignas(64) float s[U::kGroups][kLanes], least[U::kGroups][kLanes];
    turned_scales<I, U>(at, groups, s[0], least[0], kLanes);
    Tile largest = I::tile_splat_int(0);
    for (uint32_t g = 0; g < U::kGroups; ++g) {
      const auto step = I::tile_load_float(s[g]);
      auto low = I::tile_mul(step, I::tile_splat_float(-U::kOffset));
      if constexpr (U::kMin) low = I::tile_fnma(I::tile_load_float(least[g]), I::tile_splat_float(1), low);
      I::tile_store_float(least[g], low);
      largest = I::tile_max_magnitude(largest, low);
      largest = I::tile_max_magnitude(largest, I::tile_fma(step, I::tile_splat_float(kLargestOf<U>), low));
    }
    alignas(64) float inverse[kLanes];
    scale_to_steps<I>(largest, 127, 256, scale, inverse);
    const auto in_words = [&](const float* values, uint32_t more) __attribute__((always_inline)) {
      const auto scaled = I::tile_mul(I::tile_load_float(values), I::tile_load_float(inverse));
      const Tile words = I::tile_round(scaled);
      return I::tile_add_words(I::template tile_pair<0>(words, words),
                               I::tile_splat_int(static_cast<int32_t>(more << 16 | more)));
    };
    constexpr uint32_t kHalf = 128, kFlip = 128 * 256;
    for (uint32_t g = 0; g < U::kGroups; ++g) {
      factor_[g] = in_words(s[g], 0);
      plus_[g] = in_words(least[g], kFlip + kHalf);
    }
  }

  [[gnu::always_inline]] Tile operator()(uint32_t j, uint32_t step, Tile q) const {
    const uint32_t g = scale_of<U>(j, step);
    const auto scaled = [&](Tile words) __attribute__((always_inline)) {
      return I::tile_add_words(I::tile_multiply_words(words, factor_[g]), plus_[g]);
    };
    const Tile even = scaled(I::tile_and(q, I::tile_splat_int(0x00ff00ff)));
    const Tile odd = scaled(I::template tile_shift_right<8>(q));
    return I::tile_or(I::template tile_shift_right<8>(even),
                      I::tile_and(odd, I::tile_splat_int(static_cast<int>(0xff00ff00))));
  }

 private:
  Tile factor_[U::kGroups], plus_[U::kGroups];
};

}  // namespace
}  // namespace hearth::cpu
