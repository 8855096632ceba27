// The vector of a codebook at the least cost, where each place adds a cost of its own. Private to quant.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>

#include "quant/fit.h"

namespace hearth {

// Vectors of `length` places with one of `levels` levels each. A search is exact: the cost of a vector is that of its
// two halves, vectors are kept by their first half, and where that alone costs as much as the best so far they are
// passed over. The first to be looked at are those with the cheapest half.
template <uint32_t levels, uint32_t length, size_t count>
class NearestVector {
 public:
  // What each level costs at each place; the least of a place is 0.
  using Costs = float[levels][length];

  // vectors: bytes as in codebooks.h; values: [levels], the bytes, rising.
  template <class Word>
  NearestVector(const std::array<Word, count>& vectors, const uint8_t* values) noexcept {
    std::array<uint32_t, count> halves;  // first half's number, second half's in the high byte
    std::array<uint16_t, kHalves + 1> begins{};
    for (size_t i = 0; i < count; ++i) {
      uint32_t numbers[2] = {};
      for (uint32_t place = length; place-- > 0;) {
        const auto byte = static_cast<uint8_t>(vectors[i] >> (8 * place));
        const auto level = static_cast<uint32_t>(std::find(values, values + levels, byte) - values);
        uint32_t& number = numbers[place >= length / 2];
        number = number * levels + level;
      }
      halves[i] = numbers[0] | numbers[1] << 8;
      ++begins[numbers[0] + 1];
    }
    for (uint32_t half = 0; half < kHalves; ++half) begins[half + 1] += begins[half];
    begins_ = begins;
    for (size_t i = 0; i < count; ++i)
      entries_[begins[halves[i] & 255]++] = {halves[i] >> 8u, static_cast<uint32_t>(i)};
  }

  // The number of the vector.
  uint32_t find(const Costs& costs) const noexcept {
    float first[kPadded], second[kPadded];
    std::fill(first + kHalves, first + kPadded, std::numeric_limits<float>::infinity());
    const uint32_t start = sum_half(costs, 0, first);
    sum_half(costs, length / 2, second);
    float least = std::numeric_limits<float>::infinity();
    uint32_t found = 0;
    const auto look_at = [&](uint32_t half) {
      for (uint32_t i = begins_[half]; i < begins_[half + 1]; ++i) {
        const float cost = first[half] + second[entries_[i].second];
        if (cost < least) least = cost, found = entries_[i].vector;
      }
    };
    look_at(start);
    for (uint32_t half = 0; half < kHalves; half += kLanes) {
      const auto below = lanes_at(first + half) < least;
      uint64_t any[2];
      std::memcpy(any, &below, sizeof any);
      if ((any[0] | any[1]) == 0) continue;
      for (uint32_t i = half; i < half + kLanes; ++i)
        if (first[i] < least) look_at(i);
    }
    return found;
  }

 private:
  static constexpr uint32_t power(uint32_t exponent) { return exponent == 0 ? 1 : levels * power(exponent - 1); }
  static constexpr uint32_t kHalves = power(length / 2);
  static constexpr uint32_t kPadded = (kHalves + kLanes - 1) / kLanes * kLanes;  // whole lanes
  static_assert(kHalves <= 256);
  struct Entry {
    uint32_t second : 8, vector : 24;
  };

  // The costs of all halves of the places from `place` on. The number of the half that costs nothing.
  static uint32_t sum_half(const Costs& costs, uint32_t place, float* sums) noexcept {
    uint32_t cheapest = 0;
    if constexpr (length == 4) {
      cheapest = sum_two(costs, place, sums);
    } else {
      float low[levels * levels], high[levels * levels];
      cheapest = sum_two(costs, place, low) + levels * levels * sum_two(costs, place + 2, high);
      for (const float cost : high)
        for (const float other : low) *sums++ = cost + other;
    }
    return cheapest;
  }
  static uint32_t sum_two(const Costs& costs, uint32_t place, float* sums) noexcept {
    uint32_t cheapest = 0;
    float low[levels];
    for (uint32_t level = 0; level < levels; ++level) {
      low[level] = costs[level][place];
      if (low[level] == 0) cheapest = level;
    }
    for (uint32_t level = 0; level < levels; ++level) {
      const float cost = costs[level][place + 1];
      if (cost == 0 && cheapest < levels) cheapest += level * levels;
      for (const float other : low) *sums++ = cost + other;
    }
    return cheapest;
  }

  std::array<uint16_t, kHalves + 1> begins_;
  std::array<Entry, count> entries_;
};

}  // namespace hearth
