// Searches for the scale of a group of values, or scale and offset, that codes it at the least weighted squared error.
// Private to quant. Values that are not finite do no harm, but give no useful result.
#pragma once

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "quant/blocks.h"
#include "quant/half.h"

namespace hearth {

// Four values side by side: the searches pass over a group some fifty times.
using Lanes = float __attribute__((vector_size(16)));
constexpr size_t kLanes = 4;

inline Lanes lanes_at(const float* values) noexcept {
  Lanes result;
  std::memcpy(&result, values, sizeof result);
  return result;
}
inline float sum_of(Lanes lanes) noexcept { return (lanes[0] + lanes[2]) + (lanes[1] + lanes[3]); }

// Into [low, high]; NaN gives low. Of a float or of lanes.
template <class T>
T clamped(T value, float lowest, float highest) noexcept {
  const T low = T{} + lowest, high = T{} + highest;
  value = value > low ? value : low;
  return value < high ? value : high;
}

// The nearest integer, ties to even, of a value below 2^22: adding 1.5 * 2^23 leaves no bit for a fraction.
template <class T>
T nearest(T value) noexcept {
  return (value + 0x1.8p23f) - 0x1.8p23f;
}

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
  template <class T>
  static T level(T value) noexcept {
    return nearest(clamped(value, kLowest, kHighest));
  }
  static uint32_t code(float value) noexcept { return static_cast<uint32_t>(static_cast<int>(level(value)) - Lowest); }
};

struct Iq4Levels {
  static constexpr float kLowest = kIq4Values[0], kHighest = kIq4Values[15], kStep = 4;
  static constexpr bool kBothEnds = true;
  static float level(float value) noexcept { return static_cast<float>(kIq4Values[code(value)]); }
  static Lanes level(Lanes value) noexcept {
    return Lanes{level(value[0]), level(value[1]), level(value[2]), level(value[3])};
  }
  static uint32_t code(float value) noexcept {
    return kCodes[static_cast<size_t>(2 * clamped(value, kLowest, kHighest) - 2 * kLowest)];
  }

 private:
  // The code of the level nearest to each half step above the lowest level; what lies between two levels is a multiple
  // of a half, so that none of these steps has two.
  static constexpr auto kCodes = [] {
    std::array<uint8_t, 2 * (kIq4Values[15] - kIq4Values[0]) + 1> codes{};
    for (int i = 0, code = 0; i < static_cast<int>(codes.size()); ++i) {
      while (code < 15 && i + 2 * kIq4Values[0] >= kIq4Values[code] + kIq4Values[code + 1]) ++code;
      codes[static_cast<size_t>(i)] = static_cast<uint8_t>(code);
    }
    return codes;
  }();
};

// The best scale for the codes that `inverse` gives; gain: how much smaller than with all zeros the error is.
struct ScaleFit {
  float scale, gain;
};
template <class Levels, size_t N>
ScaleFit fit_codes(const float* values, const float* worth, float inverse) noexcept {
  Lanes with_values{}, with_levels{};
  for (size_t i = 0; i < N; i += kLanes) {
    const Lanes value = lanes_at(values + i), level = Levels::level(value * inverse);
    const Lanes weighted = lanes_at(worth + i) * level;
    with_values += weighted * value;
    with_levels += weighted * level;
  }
  const float cross = sum_of(with_values), square = sum_of(with_levels);
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
    Lanes worths{}, weighted{};
    for (size_t i = 0; i < N; i += kLanes) {
      worths += lanes_at(worth + i);
      weighted += lanes_at(worth + i) * lanes_at(above_ + i);
    }
    worths_ = sum_of(worths);
    values_ = sum_of(weighted);
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
    Lanes with_values{}, with_codes{}, alone{};
    for (size_t i = 0; i < N; i += kLanes) {
      const Lanes above = lanes_at(above_ + i), code = nearest(clamped((above - offset) * inverse, 0, Top));
      const Lanes weighted = lanes_at(worth_ + i) * code;
      alone += weighted;
      with_values += weighted * above;
      with_codes += weighted * code;
    }
    const float codes = sum_of(alone), cross = sum_of(with_values), square = sum_of(with_codes);
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
