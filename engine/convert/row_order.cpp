// The orders.
#include "engine/convert/row_order.h"

#include <numeric>

namespace hearth {
namespace {

// Rows `first` to `first` + `count` of each of some groups of `together` rows.
void add_from_groups(uint32_t groups, uint32_t together, uint32_t first, uint32_t count, std::vector<uint32_t>& order) {
  for (uint32_t g = 0; g < groups; ++g)
    for (uint32_t i = 0; i < count; ++i) order.push_back(g * together + first + i);
}

}  // namespace

std::vector<uint32_t> paired_rows(uint64_t rows, uint32_t heads) {
  std::vector<uint32_t> order;
  order.reserve(rows);
  const auto size = static_cast<uint32_t>(rows / heads), half = size / 2;
  for (uint32_t head = 0; head < heads; ++head)
    for (uint32_t i = 0; i < half; ++i)
      for (uint32_t side = 0; side < 2; ++side) order.push_back(head * size + side * half + i);
  return order;
}

std::vector<uint32_t> ungrouped_rows(uint32_t heads, uint32_t kv_heads, uint32_t head_size) {
  const uint32_t queries = heads / kv_heads * head_size, group = queries + 2 * head_size;
  std::vector<uint32_t> order;
  order.reserve(uint64_t{heads + 2 * kv_heads} * head_size);
  add_from_groups(kv_heads, group, 0, queries, order);
  add_from_groups(kv_heads, group, queries, head_size, order);
  add_from_groups(kv_heads, group, queries + head_size, head_size, order);
  return order;
}

std::vector<uint32_t> cyclic_rows(uint32_t before, uint32_t heads, uint32_t key_heads, uint32_t head_size) {
  std::vector<uint32_t> order(before);
  std::iota(order.begin(), order.end(), 0);
  const uint32_t share = heads / key_heads;
  for (uint32_t head = 0; head < heads; ++head) {
    const uint32_t stored = head % key_heads * share + head / key_heads;
    for (uint32_t i = 0; i < head_size; ++i) order.push_back(before + stored * head_size + i);
  }
  return order;
}

std::vector<uint32_t> mixed_rows_of_groups(uint32_t heads, uint32_t key_heads, uint32_t head_size) {
  const uint32_t values = heads / key_heads * head_size, group = 2 * head_size + 2 * values;
  std::vector<uint32_t> order;
  add_from_groups(key_heads, group, 0, head_size, order);
  add_from_groups(key_heads, group, head_size, head_size, order);
  add_from_groups(key_heads, group, 2 * head_size, values, order);
  return order;
}

std::vector<uint32_t> gate_rows_of_groups(uint32_t heads, uint32_t key_heads, uint32_t head_size) {
  const uint32_t values = heads / key_heads * head_size;
  std::vector<uint32_t> order;
  add_from_groups(key_heads, 2 * head_size + 2 * values, 2 * head_size + values, values, order);
  return order;
}

}  // namespace hearth
