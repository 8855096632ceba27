// What the lanes of a warp do together, for the interpreter.
#pragma once

#include <cstring>

#include "tests/simt/interpreter/arithmetic.h"
#include "tests/simt/interpreter/threads.h"

namespace hearth::cuda {

// What lane `from` gave to an operation of that kind.
template <class T>
T value_of_lane(simt::Together what, T value, uint32_t from) {
  static_assert(std::is_arithmetic_v<T> && (sizeof(T) == 4 || sizeof(T) == 8));
  uint64_t word = 0;
  std::memcpy(&word, &value, sizeof value);
  word = simt::current->block->together(what, word)[from];
  std::memcpy(&value, &word, sizeof value);
  return value;
}

template <class T>
T shuffle(T value, uint32_t from) {
  return value_of_lane(simt::Together::shuffle, value, from % kWarp);
}
template <class T>
T shuffle_xor(T value, uint32_t mask) {
  return value_of_lane(simt::Together::shuffle_xor, value, (lane() ^ mask) % kWarp);
}
template <class T>
T shuffle_down(T value, uint32_t by) {
  return value_of_lane(simt::Together::shuffle_down, value, lane() + by < kWarp ? lane() + by : lane());
}

template <class T>
T shuffle_up(T value, uint32_t by) {
  return value_of_lane(simt::Together::shuffle_up, value, by <= lane() ? lane() - by : lane());
}

inline uint32_t bits_of_lanes(simt::Together what, bool value) {
  const simt::LaneValues& values = simt::current->block->together(what, value ? 1 : 0);
  uint32_t bits = 0;
  for (uint32_t i = 0; i < kWarp; ++i) bits |= static_cast<uint32_t>(values[i]) << i;
  return bits;
}
inline uint32_t ballot(bool value) { return bits_of_lanes(simt::Together::ballot, value); }
inline bool any(bool value) { return bits_of_lanes(simt::Together::any, value) != 0; }
inline bool all(bool value) { return bits_of_lanes(simt::Together::all, value) == 0xffffffff; }

// One operation, not one for each turn of the butterfly: it is what kernels do most.
template <class T, uint32_t lanes, class Combine>
T combine_lanes(simt::Together what, T value, Combine) {
  static_assert(std::is_arithmetic_v<T> && (sizeof(T) == 4 || sizeof(T) == 8));
  uint64_t word = 0;
  std::memcpy(&word, &value, sizeof value);
  const auto work = [](simt::Block&, simt::LaneValues& words) {
    T values[kWarp];
    for (uint32_t i = 0; i < kWarp; ++i) std::memcpy(&values[i], &words[i], sizeof(T));
    for (uint32_t mask = lanes / 2; mask != 0; mask /= 2) {
      T before[kWarp];
      std::memcpy(before, values, sizeof before);
      for (uint32_t i = 0; i < kWarp; ++i) values[i] = Combine()(before[i], before[i ^ mask]);
    }
    for (uint32_t i = 0; i < kWarp; ++i) std::memcpy(&words[i], &values[i], sizeof(T));
  };
  word = simt::current->block->together(what, word, work)[lane()];
  std::memcpy(&value, &word, sizeof value);
  return value;
}
template <uint32_t lanes = kWarp, class T>
T warp_sum(T value) {
  const auto add = [](T a, T b) { return a + b; };
  return combine_lanes<T, lanes>(simt::Together::warp_sum, value, add);
}
template <uint32_t lanes = kWarp, class T>
T warp_max(T value) {
  const auto greater = [](T a, T b) { return max(a, b); };
  return combine_lanes<T, lanes>(simt::Together::warp_max, value, greater);
}

}  // namespace hearth::cuda
