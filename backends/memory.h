// How much memory a plan of a device with memory of its own takes, before it is made.
#pragma once

#include <cstdint>

#include "backends/backend.h"

namespace hearth {

// Bytes.
struct MemoryNeed {
  uint64_t weights = 0;      // with those of adapters
  uint64_t cache = 0;        // keys, values and states
  uint64_t activations = 0;  // about, of a full batch and a few outputs
  uint64_t total() const { return weights + cache + activations; }
};

// Attention on GPUs cuts positions into parts for so few rows that there are no more workgroups than these, which keep
// one busy without; and the most that it keeps of parts.
inline constexpr uint32_t kEnoughWorkgroups = 128;
inline constexpr uint64_t kMostPartBytes = 64 << 20;

MemoryNeed memory_of(const Program& program, const Limits& limits);

}  // namespace hearth
