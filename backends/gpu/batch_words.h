// A batch as kernels read it: see kernels/gpu/parameters.h.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "backends/backend.h"

namespace hearth::gpu {

// Words that the batch takes, its header included.
uint64_t words_of(const Batch& batch, const Program& program);
// words: [words_of(batch, program)]
void write_words(const Batch& batch, const Program& program, std::span<uint32_t> words);

}  // namespace hearth::gpu
