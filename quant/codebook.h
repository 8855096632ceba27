// A codebook as an encoder needs it: the vector nearest to values, by what their errors count. Private to quant.
#pragma once

#include <array>
#include <cstring>
#include <limits>

#include "quant/codebooks.h"
#include "quant/fit.h"
#include "quant/nearest_vector.h"

namespace hearth {

// Of the levels that stand for values at scale 1: their weighted products with the values, and with themselves.
struct LevelSums {
  float cross = 0, square = 0;
  float scale() const noexcept { return square > 0 ? cross / square : 0; }  // the best one
  float gain() const noexcept { return cross * scale(); }  // how much smaller than with all zeros the error is, at that
  float loss(float at) const noexcept { return at * (at * square - 2 * cross); }  // how much larger it is, at any scale
};

template <uint32_t levels, uint32_t length, size_t count>
class Codebook {
 public:
  static constexpr uint32_t kLength = length;

  // vectors: as in codebooks.h; bytes: the levels in them, rising.
  template <class Word>
  Codebook(const std::array<Word, count>& vectors, const std::array<uint8_t, levels>& bytes) noexcept
      : search_(vectors, bytes.data()) {
    for (size_t i = 0; i < count; ++i)
      for (uint32_t place = 0; place < length; ++place)
        vectors_[i][place] = static_cast<float>(static_cast<uint8_t>(vectors[i] >> (8 * place)));
    for (uint32_t level = 0; level < levels; ++level) levels_[level] = static_cast<float>(bytes[level]);
  }

  float highest() const noexcept { return levels_[levels - 1]; }

  // The number of the vector that is nearest to values / scale once `shift` is added to each of its levels.
  // values, worth: [kLength]. The sums of these levels are added to `sums`.
  uint16_t nearest(const float* values, const float* worth, float scale, float shift, LevelSums& sums) const noexcept {
    typename NearestVector<levels, length, count>::Costs costs;
    for (uint32_t place = 0; place < length; place += kLanes) {
      const Lanes value = lanes_at(values + place), weight = lanes_at(worth + place);
      Lanes each[levels], least = Lanes{} + std::numeric_limits<float>::max();
      for (uint32_t level = 0; level < levels; ++level) {
        const Lanes off = value - scale * (levels_[level] + shift);
        each[level] = weight * off * off;
        least = each[level] < least ? each[level] : least;
      }
      for (uint32_t level = 0; level < levels; ++level) {
        const Lanes above = each[level] - least;
        std::memcpy(&costs[level][place], &above, sizeof above);
      }
    }
    const uint32_t found = search_.find(costs);
    Lanes with_values{}, with_levels{};
    for (uint32_t place = 0; place < length; place += kLanes) {
      const Lanes level = lanes_at(&vectors_[found][place]) + shift, weighted = lanes_at(worth + place) * level;
      with_values += weighted * lanes_at(values + place);
      with_levels += weighted * level;
    }
    sums.cross += sum_of(with_values);
    sums.square += sum_of(with_levels);
    return static_cast<uint16_t>(found);
  }

 private:
  NearestVector<levels, length, count> search_;
  std::array<std::array<float, length>, count> vectors_;
  std::array<float, levels> levels_;
};

}  // namespace hearth
