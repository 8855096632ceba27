// Searches for the scale of a group of values, or scale and offset, that codes it at the least weighted squared error.
// Private to quant. Values that are not finite do no harm, but give no useful result.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>

#include "quant/blocks.h"
#include "quant/half.h"

namespace hearth {

// Into [low, high]; NaN gives low.
inline float clamped(float value, float low, float high) noexcept {
  value = value > low ? value : low;
  return value < high ? value : high;
}

// The nearest integer, ties to even, of a value below 2^22: adding 1.5 * 2^23 leaves no bit for a fraction.
inline float nearest(float value) noexcept { return (value + 0x1.8p23f) - 0x1.8p23f; }

inline float inverse_of(float scale) noexcept { return scale != 0.0f ? 1.0f / scale : 0.0f; }

// Binary16 of a scale that must be finite, and not 0 unless it is.
inline uint16_t scale_to_f16(float scale) noexcept {
  const uint16_t half = f32_to_f16(clamped(scale, -65504.0f, 65504.0f));
  if ((half & 0x7fff) == 0 && scale != 0.0f) return static_cast<uint16_t>(half | 1u);
  return half;
}

// The levels of a format at scale 1. level(): the nearest one; code(): its number. kLowest is that of code 0, as large
// as any. kStep: how far apart the search puts an extreme value; kBothEnds: whether it also tries the highest level.
template <int Lowest, int Highest>
struct IntegerLevels {
  static constexpr float kLowest = Lowest, kHighest = Highest, kStep = 0.1f;
  static constexpr bool kBothEnds = Highest - Lowest < 16;
  static float level(float value) noexcept { return nearest(clamped(value, kLowest, kHighest)); }
  static uint32_t code(float value) noexcept { return static_cast<uint32_t>(static_cast<int>(level(value)) - Lowest); }
};

struct Iq4Levels {
  static constexpr float kLowest = kIq4Values[0], kHighest = kIq4Values[15], kStep = 3;
  static constexpr bool kBothEnds = true;
  static float level(float value) noexcept {
    float result = kLowest;
    for (int k = 1; k < 16; ++k)
      result += value > middle(k) ? static_cast<float>(kIq4Values[k] - kIq4Values[k - 1]) : 0;
    return result;
  }
  static uint32_t code(float value) noexcept {
    uint32_t result = 0;
    for (int k = 1; k < 16; ++k) result += value > middle(k) ? 1u : 0u;
    return result;
  }

 private:
  static constexpr float middle(int k) noexcept { return 0.5f * static_cast<float>(kIq4Values[k] + kIq4Values[k - 1]); }
};

constexpr size_t kLanes = 8;  // of sums, so that they fit vector registers

// The sum of term(i) over i < N, added up in lanes.
template <size_t N, class Term>
float sum_of(Term&& term) noexcept {
  float lanes[kLanes] = {};
  for (size_t i = 0; i < N; i += kLanes)
    for (size_t j = 0; j < kLanes; ++j) lanes[j] += term(i + j);
  float sum = 0;
  for (const float lane : lanes) sum += lane;
  return sum;
}

// The best scale for the codes that `inverse` gives; gain: how much smaller than with all zeros the error is.
struct ScaleFit {
  float scale, gain;
};
template <class Levels, size_t N>
ScaleFit fit_codes(const float* values, const float* worth, float inverse) noexcept {
  float with_values[kLanes] = {}, with_levels[kLanes] = {};
  for (size_t i = 0; i < N; i += kLanes)
    for (size_t j = 0; j < kLanes; ++j) {
      const float level = Levels::level(values[i + j] * inverse), weighted = worth[i + j] * level;
      with_values[j] += weighted * values[i + j];
      with_levels[j] += weighted * level;
    }
  float cross = 0, square = 0;
  for (size_t j = 0; j < kLanes; ++j) cross += with_values[j], square += with_levels[j];
  if (!(square > 0)) return {0, 0};
  return {cross / square, cross * cross / square};
}

// The scale (of either sign) of a group: those that put the extreme value near an end of the levels are tried, and the
// best of them is refined. values, worth: [N].
template <class Levels, size_t N>
float fit_scale(const float* values, const float* worth) noexcept {
  constexpr int kSteps = 9, kRefinements = 3;
  float extreme = 0;
  for (size_t i = 0; i < N; ++i)
    if (std::fabs(values[i]) > std::fabs(extreme)) extreme = values[i];
  if (extreme == 0) return 0;
  ScaleFit best{extreme / Levels::kLowest, 0};
  const auto try_inverse = [&](float inverse) {
    const ScaleFit fit = fit_codes<Levels, N>(values, worth, inverse);
    if (!(fit.gain > best.gain)) return false;
    best = fit;
    return true;
  };
  for (int k = -kSteps; k <= kSteps; ++k) {
    const float off = Levels::kStep * static_cast<float>(k);
    try_inverse((Levels::kLowest + off) / extreme);
    if constexpr (Levels::kBothEnds) try_inverse((Levels::kHighest + off) / extreme);
  }
  for (int k = 0; k < kRefinements && try_inverse(inverse_of(best.scale)); ++k) {
  }
  return best.scale;
}

// value = scale * code + offset, with codes 0 to Top.
struct Affine {
  float scale, offset;
};

// One group of a format with an offset. The values are held relative to a base, so that sums lose nothing to a large
// common part.
template <int Top, size_t N>
class AffineGroup {
 public:
  // not_positive: the offset must not be, as in the K-quants.
  AffineGroup(const float* values, const float* worth, bool not_positive) noexcept
      : worth_(worth), not_positive_(not_positive) {
    float low = values[0], high = values[0];
    for (size_t i = 1; i < N; ++i) {
      low = values[i] < low ? values[i] : low;
      high = values[i] > high ? values[i] : high;
    }
    base_ = not_positive && low > 0 ? 0 : low;
    range_ = high - base_;
    for (size_t i = 0; i < N; ++i) above_[i] = values[i] - base_;
    worths_ = sum_of<N>([&](size_t i) { return worth_[i]; });
    values_ = sum_of<N>([&](size_t i) { return worth_[i] * above_[i]; });
  }

  Affine fit() const noexcept {
    constexpr int kSteps = 10, kRefinements = 4;
    if (!(range_ > 0)) return {0, base_};
    Fit best{range_ / Top, 0, -1};
    const auto try_codes = [&](float inverse, float offset) {
      const Fit fit = fit_codes(inverse, offset);
      if (!(fit.gain > best.gain)) return false;
      best = fit;
      return true;
    };
    for (int k = -kSteps; k <= kSteps; ++k) {
      const float inverse = (Top + 0.09f * static_cast<float>(k)) / range_;
      try_codes(inverse, 0);
      // The same scale, with the excess cut from both ends.
      if constexpr (Top <= 3) try_codes(inverse, 0.5f * (range_ - Top / inverse));
    }
    for (int k = 0; k < kRefinements && try_codes(inverse_of(best.scale), best.offset); ++k) {
    }
    return {best.scale, best.offset + base_};
  }

 private:
  struct Fit {
    float scale, offset;  // the offset from the base
    float gain;           // how much smaller than with all at the base the error is
  };

  // The best scale and offset for the codes of a scale and offset.
  Fit fit_codes(float inverse, float offset) const noexcept {
    float with_values[kLanes] = {}, with_codes[kLanes] = {}, alone[kLanes] = {};
    for (size_t i = 0; i < N; i += kLanes)
      for (size_t j = 0; j < kLanes; ++j) {
        const float code = nearest(clamped((above_[i + j] - offset) * inverse, 0, Top));
        const float weighted = worth_[i + j] * code;
        alone[j] += weighted;
        with_values[j] += weighted * above_[i + j];
        with_codes[j] += weighted * code;
      }
    float codes = 0, cross = 0, square = 0;
    for (size_t j = 0; j < kLanes; ++j) codes += alone[j], cross += with_values[j], square += with_codes[j];
    Fit fit{0, 0, -1};
    const float determinant = worths_ * square - codes * codes;
    if (!(determinant > 0)) return fit;
    fit.scale = (worths_ * cross - codes * values_) / determinant;
    fit.offset = (values_ - fit.scale * codes) / worths_;
    if (not_positive_ && fit.offset + base_ > 0) {  // then the best is a line through 0
      fit.offset = -base_;
      fit.scale = (cross + base_ * codes) / square;
    }
    fit.gain = 2 * (fit.scale * (cross - fit.offset * codes) + fit.offset * values_) - fit.scale * fit.scale * square -
               fit.offset * fit.offset * worths_;
    return fit;
  }

  const float* worth_;
  bool not_positive_;
  float base_, range_, worths_, values_;
  float above_[N];
};

}  // namespace hearth
