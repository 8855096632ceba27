// Random weight blocks of any format with a wanted standard deviation, made as bits rather than by encoding floats.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "quant/format.h"

namespace hearth {

// SplitMix64 by its counter: the random words of a key, in any order and from any thread.
class RandomWords {
 public:
  RandomWords(uint64_t key, uint64_t position) : state_(key + position * kStep) {}
  uint64_t next() {
    state_ += kStep;
    uint64_t mixed = state_;
    mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9;
    mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111eb;
    return mixed ^ (mixed >> 31);
  }

 private:
  static constexpr uint64_t kStep = 0x9e3779b97f4a7c15;
  uint64_t state_;
};

// A value with mean 0 and standard deviation 1, roughly normal, within 3.47 of 0.
float roughly_normal(uint64_t random);

// The blocks of one tensor. Decoded, they have mean 0 and a standard deviation within 5 % of the wanted one (half a
// binary16 step is that much at the smallest scales), all finite. Quanta are uniform over their codes, scales over
// the upper part of their range. A block depends on key and index alone. Immutable, for any number of threads.
class RandomBlocks {
 public:
  RandomBlocks(Format format, double deviation, uint64_t key);
  // Makes blocks.size() / block_bytes blocks, from the tensor's block `first` on.
  void fill(uint64_t first, std::span<std::byte> blocks) const;

 private:
  Format format_;
  double scale_;  // d of the mean block
  uint64_t key_;
};

}  // namespace hearth
