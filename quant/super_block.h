// Fits for blocks of 256 values whose groups have small integers as scales, in units that the whole block shares.
// Private to quant.
#pragma once

#include <algorithm>
#include <limits>

#include "quant/fit.h"

namespace hearth {

constexpr size_t kSuperBlock = 256;
constexpr int kRounds = 3;  // of choosing group scales and units in turn, at most

// Group scales from -Half to Half - 1 times d; the levels of a group are those of Levels times its scale.
template <class Levels, int Half, size_t N>
struct ScaledGroups {
  static constexpr size_t kGroups = kSuperBlock / N;
  uint16_t d = 0;
  int scales[kGroups] = {};

  float scale(size_t group) const noexcept { return f16_to_f32(d) * static_cast<float>(scales[group]); }

  // values, worth: [256]
  void fit(const float* values, const float* worth) noexcept {
    float wanted[kGroups], extreme = 0;
    for (size_t g = 0; g < kGroups; ++g) {
      wanted[g] = fit_scale<Levels, N>(values + g * N, worth + g * N);
      if (std::fabs(wanted[g]) > std::fabs(extreme)) extreme = wanted[g];
    }
    ScaledGroups next = *this;
    next.d = scale_to_f16(extreme / -Half);
    for (size_t g = 0; g < kGroups; ++g)
      next.scales[g] = static_cast<int>(nearest(clamped(wanted[g] * inverse_of(f16_to_f32(next.d)), -Half, Half - 1)));
    float least = std::numeric_limits<float>::infinity();
    for (int round = 0; round < kRounds; ++round) {
      const float error = next.choose_scales(values, worth);
      if (!(error < least)) break;
      least = error;
      *this = next;
      if (!next.choose_unit(values, worth)) break;
    }
  }

 private:
  static float error_of(const float* values, const float* worth, float scale) noexcept {
    const float inverse = inverse_of(scale);
    Lanes sum{};
    for (size_t i = 0; i < N; i += kLanes) {
      const Lanes value = lanes_at(values + i), off = value - scale * Levels::level(value * inverse);
      sum += lanes_at(worth + i) * off * off;
    }
    return sum_of(sum);
  }

  // Moves each group's scale by one where that is better. The error of the block.
  float choose_scales(const float* values, const float* worth) noexcept {
    float total = 0;
    for (size_t g = 0; g < kGroups; ++g) {
      const int middle = scales[g];
      float least = error_of(values + g * N, worth + g * N, scale(g));
      for (const int other : {middle - 1, middle + 1}) {
        if (other < -Half || other >= Half) continue;
        const float error = error_of(values + g * N, worth + g * N, f16_to_f32(d) * static_cast<float>(other));
        if (error < least) least = error, scales[g] = other;
      }
      total += least;
    }
    return total;
  }

  // The best d for these scales and the codes that they give; false where it is the one they have.
  bool choose_unit(const float* values, const float* worth) noexcept {
    float cross = 0, square = 0;
    for (size_t g = 0; g < kGroups; ++g) {
      Lanes with_values{}, with_levels{};
      const float inverse = inverse_of(scale(g));
      for (size_t i = g * N; i < (g + 1) * N; i += kLanes) {
        const Lanes value = lanes_at(values + i), level = Levels::level(value * inverse);
        const Lanes weighted = lanes_at(worth + i) * level;
        with_values += weighted * value;
        with_levels += weighted * level;
      }
      const auto unit = static_cast<float>(scales[g]);
      cross += unit * sum_of(with_values);
      square += unit * unit * sum_of(with_levels);
    }
    if (!(square > 0)) return false;
    const uint16_t before = d;
    d = scale_to_f16(cross / square);
    return d != before;
  }
};

// Group scales and offsets from 0 to Most, times d and times -m; codes from 0 to Top.
template <int Top, int Most, size_t N>
struct OffsetGroups {
  static constexpr size_t kGroups = kSuperBlock / N;
  uint16_t d = 0, m = 0;
  int scales[kGroups] = {}, offsets[kGroups] = {};

  float scale(size_t group) const noexcept { return f16_to_f32(d) * static_cast<float>(scales[group]); }
  float offset(size_t group) const noexcept {
    return f16_to_f32(m) * static_cast<float>(offsets[group]);
  }  // to subtract

  uint32_t code(size_t group, float value) const noexcept {
    return static_cast<uint32_t>(code_of(value, inverse_of(scale(group)), offset(group)));
  }

  // values, worth: [256]
  void fit(const float* values, const float* worth) noexcept {
    Affine wanted[kGroups];
    float largest = 0, lowest = 0;
    for (size_t g = 0; g < kGroups; ++g) {
      wanted[g] = AffineGroup<Top, N>(values + g * N, worth + g * N, true).fit();
      largest = std::max(largest, wanted[g].scale);
      lowest = std::min(lowest, wanted[g].offset);
    }
    OffsetGroups next = *this;
    next.d = scale_to_f16(largest / Most);
    next.m = scale_to_f16(-lowest / Most);
    for (size_t g = 0; g < kGroups; ++g) {
      next.scales[g] = step_of(wanted[g].scale, next.d);
      next.offsets[g] = step_of(-wanted[g].offset, next.m);
    }
    float least = std::numeric_limits<float>::infinity();
    for (int round = 0; round < kRounds; ++round) {
      const float error = next.choose_steps(values, worth);
      if (!(error < least)) break;
      least = error;
      *this = next;
      if (!next.choose_units(values, worth)) break;
    }
  }

 private:
  static int step_of(float wanted, uint16_t unit) noexcept {
    return static_cast<int>(nearest(clamped(wanted * inverse_of(f16_to_f32(unit)), 0, Most)));
  }
  template <class T>
  static T code_of(T value, float inverse, float off) noexcept {
    return nearest(clamped((value + off) * inverse, 0, Top));
  }
  static float error_of(const float* values, const float* worth, float step, float off) noexcept {
    const float inverse = inverse_of(step);
    Lanes sum{};
    for (size_t i = 0; i < N; i += kLanes) {
      const Lanes value = lanes_at(values + i), error = value - (step * code_of(value, inverse, off) - off);
      sum += lanes_at(worth + i) * error * error;
    }
    return sum_of(sum);
  }

  // Moves each group's scale and offset by one where that is better. The error of the block.
  float choose_steps(const float* values, const float* worth) noexcept {
    const float unit = f16_to_f32(d), offset_unit = f16_to_f32(m);
    float total = 0;
    for (size_t g = 0; g < kGroups; ++g) {
      const int middle = scales[g], middle_offset = offsets[g];
      float least = std::numeric_limits<float>::infinity();
      for (int s = std::max(middle - 1, 0); s <= std::min(middle + 1, Most); ++s)
        for (int o = std::max(middle_offset - 1, 0); o <= std::min(middle_offset + 1, Most); ++o) {
          const float error = error_of(values + g * N, worth + g * N, unit * static_cast<float>(s),
                                       offset_unit * static_cast<float>(o));
          if (error < least) least = error, scales[g] = s, offsets[g] = o;
        }
      total += least;
    }
    return total;
  }

  // The best d and m for these steps and the codes that they give; false where they are those it has.
  bool choose_units(const float* values, const float* worth) noexcept {
    // Of a, the level of a value at d = 1, b, its offset at m = 1, and the value: the sums of products.
    float aa = 0, ab = 0, bb = 0, av = 0, bv = 0;
    for (size_t g = 0; g < kGroups; ++g) {
      const float inverse = inverse_of(scale(g)), off = offset(g);
      Lanes worths{}, codes{}, squares{}, weighted_values{}, products{};
      for (size_t i = g * N; i < (g + 1) * N; i += kLanes) {
        const Lanes value = lanes_at(values + i), weight = lanes_at(worth + i), code = code_of(value, inverse, off);
        worths += weight;
        codes += weight * code;
        squares += weight * code * code;
        weighted_values += weight * value;
        products += weight * code * value;
      }
      const auto a = static_cast<float>(scales[g]), b = -static_cast<float>(offsets[g]);
      aa += a * a * sum_of(squares);
      ab += a * b * sum_of(codes);
      bb += b * b * sum_of(worths);
      av += a * sum_of(products);
      bv += b * sum_of(weighted_values);
    }
    const uint16_t before = d, before_m = m;
    const float determinant = aa * bb - ab * ab;
    if (determinant > 1e-6f * aa * bb) {
      const float new_d = (av * bb - bv * ab) / determinant, new_m = (bv * aa - av * ab) / determinant;
      if (!(new_d > 0) || !(new_m >= 0)) return false;
      d = scale_to_f16(new_d);
      m = scale_to_f16(new_m);
    } else if (bb == 0 && aa > 0 && av > 0) {
      d = scale_to_f16(av / aa);
    } else {
      return false;
    }
    return d != before || m != before_m;
  }
};

}  // namespace hearth
