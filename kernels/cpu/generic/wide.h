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

}  // namespace
}  // namespace hearth::cpu
