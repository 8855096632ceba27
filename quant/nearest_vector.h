// The vector of a codebook at the least cost, where each place adds a cost of its own. Private to quant.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>

namespace hearth {

// Vectors of `length` places with one of `levels` levels each. A search is exact: the cost of a vector is the sum of its
// halves' costs, so vectors are kept by their first half, and what shares a half that alone costs as much as the best
// so far is passed over.
template <uint32_t levels, uint32_t length, size_t count>
class NearestVector {
 public:
  static constexpr uint32_t kLevels = levels, kLength = length;
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
    for (size_t i = 0; i < count; ++i) entries_[begins[halves[i] & 255]++] = {halves[i] >> 8u, static_cast<uint32_t>(i)};
    for (uint32_t half = 0; half < kHalves; ++half) order_by_distance(half);
  }

  // The number of the vector.
  uint32_t find(const Costs& costs) const noexcept {
    float first[kHalves], second[kHalves];
    const uint32_t start = sum_half(costs, 0, first);
    sum_half(costs, length / 2, second);
    float least = std::numeric_limits<float>::infinity();
    uint32_t found = 0;
    for (const uint8_t half : nearest_[start]) {
      if (!(first[half] < least)) continue;
      for (uint32_t i = begins_[half]; i < begins_[half + 1u]; ++i) {
        const float cost = first[half] + second[entries_[i].second];
        if (cost < least) least = cost, found = entries_[i].vector;
      }
    }
    return found;
  }

 private:
  static constexpr uint32_t power(uint32_t exponent) { return exponent == 0 ? 1 : levels * power(exponent - 1); }
  static constexpr uint32_t kHalves = power(length / 2);
  static_assert(kHalves <= 256);
  struct Entry {
    uint32_t second : 8, vector : 24;
  };

  // All halves, those near to one first: so the search soon has a good vector to compare with.
  void order_by_distance(uint32_t to) noexcept {
    uint32_t distances[kHalves];
    for (uint32_t half = 0; half < kHalves; ++half) {
      distances[half] = 0;
      for (uint32_t a = to, b = half, place = 0; place < length / 2; ++place, a /= levels, b /= levels) {
        const uint32_t apart = a % levels > b % levels ? a % levels - b % levels : b % levels - a % levels;
        distances[half] += apart * apart;
      }
      nearest_[to][half] = static_cast<uint8_t>(half);
    }
    std::stable_sort(nearest_[to].begin(), nearest_[to].end(),
                     [&](uint8_t a, uint8_t b) { return distances[a] < distances[b]; });
  }

  // The costs of all halves of the places from `place` on. The number of the half that costs nothing.
  static uint32_t sum_half(const Costs& costs, uint32_t place, float* sums) noexcept {
    uint32_t size = 1, cheapest = 0;
    sums[0] = 0;
    for (uint32_t end = place + length / 2; place < end; ++place) {
      for (uint32_t level = levels; level-- > 0;) {  // downwards, for the sums so far are at the beginning
        const float cost = costs[level][place];
        if (cost == 0 && cheapest < size) cheapest += level * size;
        for (uint32_t i = 0; i < size; ++i) sums[level * size + i] = sums[i] + cost;
      }
      size *= levels;
    }
    return cheapest;
  }

  std::array<uint16_t, kHalves + 1> begins_;
  std::array<Entry, count> entries_;
  std::array<std::array<uint8_t, kHalves>, kHalves> nearest_;
};

}  // namespace hearth
