// A batch as kernels read it: see kernels/gpu/parameters.h.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "backends/backend.h"

namespace hearth::gpu {

// The rows that Logits has, by what the host gets of them: all logits, or candidates, and how many in all.
struct Wanted {
  uint32_t whole = 0, chosen = 0;
  uint64_t candidates = 0;
};
Wanted wanted_of(const Batch& batch, const Program& program);

// Words that the batch takes, its header included.
uint64_t words_of(const Batch& batch, const Program& program);
// words: [words_of(batch, program)]
void write_words(const Batch& batch, const Program& program, std::span<uint32_t> words);

}  // namespace hearth::gpu
