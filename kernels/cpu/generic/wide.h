// The widest vectors of floats of an instruction set.
#pragma once

#include <cstdint>

namespace hearth::cpu {
namespace {

// Of 8 floats, unless the set names a wider vocabulary.
template <class I>
struct WideOf : I {
  static constexpr uint32_t kLanes = 8;
  using Vector = typename I::F8;
  static Vector fold(Vector a) { return a; }  // to 8 sums
};
template <class I>
requires requires { typename I::Wide; }
struct WideOf<I> : I::Wide {};

// The scale of each row of a tile vector, whose largest magnitude (its bits) becomes `steps` steps, and `times` /
// scale.
template <class I>
[[gnu::always_inline]] inline void scale_to_steps(typename I::Tile largest, float steps, float times, float* scale,
                                                  float* inverse) {
  using W = WideOf<I>;
  static_assert(W::kLanes == I::kTileLanes);
  I::tile_store(scale, largest);
  const auto most = W::load(scale);
  W::store(inverse, W::div(W::splat(times * steps), W::max(most, W::splat(1e-30f))));
  W::store(scale, W::mul(most, W::splat(1 / steps)));
}

}  // namespace
}  // namespace hearth::cpu
