// Orders of rows in which GGUF has matrices that transformers stores otherwise. order[y] is the stored row of row y.
#pragma once

#include <cstdint>
#include <vector>

namespace hearth {

// Heads whose first half turns with their second half, as pairs of neighbours.
std::vector<uint32_t> paired_rows(uint64_t rows, uint32_t heads);
// q of all heads, then k, then v, from groups of q heads with the k and v that they share.
std::vector<uint32_t> ungrouped_rows(uint32_t heads, uint32_t kv_heads, uint32_t head_size);

// Of linear attention, where the heads of values that share a key head are neighbours.

// `before` rows as they are, then heads of values in cyclic order: head h shares key head h % key_heads.
std::vector<uint32_t> cyclic_rows(uint32_t before, uint32_t heads, uint32_t key_heads, uint32_t head_size);
// From groups of a q, its k, the values that share them, and the gates of those: all q, all k, then all values.
std::vector<uint32_t> mixed_rows_of_groups(uint32_t heads, uint32_t key_heads, uint32_t head_size);
// From the same groups: all gates.
std::vector<uint32_t> gate_rows_of_groups(uint32_t heads, uint32_t key_heads, uint32_t head_size);

}  // namespace hearth
