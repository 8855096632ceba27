// Fits for blocks of 256 values whose groups have odd multiples of a unit as scales, and vectors of a codebook as
// codes. Private to quant.
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "quant/codebook.h"
#include "quant/super_block.h"

namespace hearth {

// A group whose vectors are magnitudes, with signs beside them: a byte for 8 values, of which an even number is set if
// so said.
template <class Book, uint32_t N, bool even_signs>
class SignedGroup {
 public:
  static constexpr uint32_t kSize = N, kLength = Book::kLength;
  struct Code {
    uint16_t vectors[N / kLength];
    uint8_t signs[N / 8];
  };

  SignedGroup(const float* values, const float* worth) noexcept : worth_(worth) {
    for (uint32_t run = 0; run < N; run += 8) {
      uint32_t signs = 0, cheapest = run;
      for (uint32_t i = run; i < run + 8; ++i) {
        sizes_[i] = std::fabs(values[i]);
        signs |= (values[i] < 0 ? 1u : 0u) << (i - run);
        if (worth[i] * sizes_[i] < worth[cheapest] * sizes_[cheapest]) cheapest = i;
      }
      if (even_signs && std::popcount(signs) % 2 != 0) {  // then that value gets the wrong sign
        signs ^= 1u << (cheapest - run);
        sizes_[cheapest] = -sizes_[cheapest];
      }
      signs_[run / 8] = static_cast<uint8_t>(signs);
    }
  }

  float largest_level() const noexcept { return book_.highest(); }

  // The code that is nearest at a scale.
  LevelSums code_at(float scale, Code& code) const noexcept {
    LevelSums sums;
    for (uint32_t v = 0; v < N / kLength; ++v)
      code.vectors[v] = book_.nearest(sizes_ + v * kLength, worth_ + v * kLength, scale, 0, sums);
    std::copy(signs_, signs_ + N / 8, code.signs);
    return sums;
  }

 private:
  const Book& book_ = Book::shared();
  const float* worth_;
  float sizes_[N];  // negative where the sign is the wrong one
  uint8_t signs_[N / 8];
};

// A group whose vectors are levels around 0, all moved up or down by an eighth of a step for each run of values.
template <class Book, uint32_t N, uint32_t run>
class ShiftedGroup {
 public:
  static constexpr uint32_t kSize = N, kLength = Book::kLength, kVectors = run / kLength;
  struct Code {
    uint16_t vectors[N / kLength];
    bool down[N / run];
  };

  ShiftedGroup(const float* values, const float* worth) noexcept : values_(values), worth_(worth) {}

  float largest_level() const noexcept { return 8; }

  LevelSums code_at(float scale, Code& code) const noexcept {
    LevelSums sums;
    for (uint32_t r = 0; r < N / run; ++r) {
      uint16_t vectors[2][kVectors];
      LevelSums both[2];
      for (const bool down : {false, true})
        for (uint32_t v = 0; v < kVectors; ++v) {
          const uint32_t at = r * run + v * kLength;
          vectors[down][v] = book_.nearest(values_ + at, worth_ + at, scale, down ? -9 : -7, both[down]);
        }
      const bool down = both[1].loss(scale) < both[0].loss(scale);
      code.down[r] = down;
      std::copy(vectors[down], vectors[down] + kVectors, code.vectors + r * kVectors);
      sums.cross += both[down].cross;
      sums.square += both[down].square;
    }
    return sums;
  }

 private:
  const Book& book_ = Book::shared();
  const float *values_, *worth_;
};

// The scale of a group is d * (2 * step + 1) / divisor, with steps from 0 to `most`.
template <class Group, int most, int divisor>
struct OddScales {
  static constexpr uint32_t kGroups = kSuperBlock / Group::kSize;
  uint16_t d = 0;
  int steps[kGroups] = {};
  typename Group::Code codes[kGroups] = {};

  // values, worth: [256]
  void fit(const float* values, const float* worth) noexcept {
    float extreme = 0;
    for (uint32_t i = 0; i < kSuperBlock; ++i) extreme = std::max(extreme, std::fabs(values[i]));
    if (!(extreme > 0) || !std::isfinite(extreme)) return;
    // Near 1, so that no square is too large or too small.
    const float size = std::ldexp(1.0f, std::clamp(std::ilogb(extreme), -120, 120));
    float scaled[kSuperBlock];
    for (uint32_t i = 0; i < kSuperBlock; ++i) scaled[i] = values[i] / size;
    LevelSums wanted[kGroups];
    for (uint32_t g = 0; g < kGroups; ++g) wanted[g] = best_code(scaled + g * Group::kSize, worth + g * Group::kSize);
    OddScales next = *this;
    next.d = scale_to_f16(best_unit(wanted) * divisor * size);
    for (uint32_t g = 0; g < kGroups; ++g) next.steps[g] = nearest_step(wanted[g].scale(), next.unit(size));
    float least = std::numeric_limits<float>::infinity();
    for (int round = 0; round < kRounds; ++round) {
      LevelSums sums[kGroups];
      const float loss = next.choose_steps(scaled, worth, size, round == 0 ? 1 : 0, sums);
      if (!(loss < least)) break;
      least = loss;
      *this = next;
      if (!next.choose_unit(sums, size)) break;
    }
  }

 private:
  // The scale of step 0, of the values over `size`.
  float unit(float size) const noexcept { return f16_to_f32(d) / divisor / size; }

  static int nearest_step(float scale, float unit) noexcept {
    return static_cast<int>(nearest(clamped(0.5f * (scale * inverse_of(unit) - 1), 0, most)));
  }

  // The sums of the best code of a group alone, of which follows the best scale: those that put the extreme value near
  // the highest level or above are tried.
  static LevelSums best_code(const float* values, const float* worth) noexcept {
    constexpr int kTrials = 6;
    constexpr float kFirst = 1.05f, kRatio = 0.86f;
    const Group group(values, worth);
    float extreme = 0;
    for (uint32_t i = 0; i < Group::kSize; ++i) extreme = std::max(extreme, std::fabs(values[i]));
    float scale = kFirst * extreme / group.largest_level();
    LevelSums best;
    if (!(scale > 0)) return best;
    for (int trial = 0; trial < kTrials; ++trial, scale *= kRatio) {
      typename Group::Code code;
      const LevelSums sums = group.code_at(scale, code);
      if (sums.cross > 0 && sums.gain() > best.gain()) best = sums;
    }
    return best;
  }

  // The unit whose odd multiples come nearest to the scales that groups want: those are tried that give the largest
  // scale any of the higher steps.
  static float best_unit(const LevelSums* wanted) noexcept {
    constexpr float kBetween = 0.5f;
    float largest = 0;
    for (uint32_t g = 0; g < kGroups; ++g) largest = std::max(largest, wanted[g].scale());
    float best = 0, least = std::numeric_limits<float>::infinity();
    for (float multiple = 2 * most + 1; multiple > most; multiple -= kBetween) {
      const float unit = largest / multiple;
      float loss = 0;
      for (uint32_t g = 0; g < kGroups; ++g)
        loss += wanted[g].loss(unit * static_cast<float>(2 * nearest_step(wanted[g].scale(), unit) + 1));
      if (loss < least) least = loss, best = unit;
    }
    return best;
  }

  // Moves each step by one where that is better, and finds the codes. The loss of the block.
  float choose_steps(const float* values, const float* worth, float size, int reach, LevelSums* sums) noexcept {
    const float one = unit(size);
    float total = 0;
    for (uint32_t g = 0; g < kGroups; ++g) {
      const Group group(values + g * Group::kSize, worth + g * Group::kSize);
      const int middle = steps[g];
      float least = std::numeric_limits<float>::infinity();
      for (int step = std::max(middle - reach, 0); step <= std::min(middle + reach, most); ++step) {
        typename Group::Code code;
        const float scale = one * static_cast<float>(2 * step + 1);
        const LevelSums found = group.code_at(scale, code);
        if (!(found.loss(scale) < least)) continue;
        least = found.loss(scale);
        steps[g] = step;
        codes[g] = code;
        sums[g] = found;
      }
      total += least;
    }
    return total;
  }

  // The best d for these steps and codes; false where it is the one they have.
  bool choose_unit(const LevelSums* sums, float size) noexcept {
    LevelSums all;
    for (uint32_t g = 0; g < kGroups; ++g) {
      const auto odd = static_cast<float>(2 * steps[g] + 1);
      all.cross += odd * sums[g].cross;
      all.square += odd * odd * sums[g].square;
    }
    if (!(all.cross > 0)) return false;
    const uint16_t before = d;
    d = scale_to_f16(all.scale() * divisor * size);
    return d != before;
  }
};

}  // namespace hearth
