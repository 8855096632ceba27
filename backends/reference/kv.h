// The reference cache: doubles, rounded as the cache's type would round them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "backends/backend.h"

namespace hearth::reference {

class KvCache {
 public:
  KvCache(const Program& program, const Limits& limits);

  // Stores the key (or the value, of which the program keeps some) of a position, rounded.
  void store(uint32_t layer, bool value, uint64_t cell, const double* row);
  // Its key, or its value: where the program keeps none, that is the key.
  const double* load(uint32_t layer, bool value, uint64_t cell) const;

  // A position as Plan::read_page and write_page have it.
  void copy_out(uint64_t cell, std::byte* bytes) const;
  void copy_in(uint64_t cell, const std::byte* bytes);

 private:
  uint64_t index(uint32_t layer, bool value, uint64_t cell) const;

  uint32_t layers_, key_width_, value_width_;
  uint64_t cells_;
  KvType type_;
  std::vector<double> data_;  // [layers x (cells x key_width, cells x value_width)]
};

}  // namespace hearth::reference
