// The reference cache: doubles, rounded as the cache's type would round them.
#pragma once

#include <cstdint>
#include <vector>

#include "backends/backend.h"

namespace hearth::reference {

class KvCache {
 public:
  KvCache(const Program& program, const Limits& limits);

  // Stores row[kv_width] of a position, rounded. `value`: false for keys, true for values.
  void store(uint32_t layer, bool value, uint64_t cell, const double* row);
  const double* load(uint32_t layer, bool value, uint64_t cell) const;

 private:
  uint64_t index(uint32_t layer, bool value, uint64_t cell) const;

  uint32_t width_;
  uint64_t cells_;
  KvType type_;
  std::vector<double> data_;  // [layers x 2 x cells x width]
};

}  // namespace hearth::reference
