// Orders of rows in which GGUF has matrices that transformers stores otherwise. order[y] is the stored row of row y.
#pragma once

#include <cstdint>
#include <vector>

namespace hearth {

// Heads whose first half turns with their second half, as pairs of neighbours.
std::vector<uint32_t> paired_rows(uint64_t rows, uint32_t heads);
// q of all heads, then k, then v, from groups of q heads with the k and v that they share.
std::vector<uint32_t> ungrouped_rows(uint32_t heads, uint32_t kv_heads, uint32_t head_size);

}  // namespace hearth
