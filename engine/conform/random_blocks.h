// Random weights of any format, drawn from a pool of blocks that is made once.
#pragma once

#include <map>
#include <random>
#include <vector>

#include "quant/format.h"

namespace hearth::conform {

// A value near normal, of standard deviation `size` and at most 3.47 times that; the same on every machine.
float draw_normal(std::mt19937& random, float size);

// Half of the blocks of a format are encoded normal values, where it has an encoder of its own; the others have random
// bytes wherever that leaves their values moderate, so that packed fields take all their values.
class BlockPool {
 public:
  explicit BlockPool(uint32_t seed) : seed_(seed) {}
  // Blocks of `values` values of a root mean square near `size`.
  std::vector<std::byte> draw(Format format, size_t values, float size, std::mt19937& random);

 private:
  struct Key {
    Format format;
    int exponent;  // sizes are powers of two here
    auto operator<=>(const Key&) const = default;
  };
  const std::vector<std::byte>& pool(Key key);

  const uint32_t seed_;
  std::map<Key, std::vector<std::byte>> pools_;
};

}  // namespace hearth::conform
