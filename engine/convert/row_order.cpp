// The orders.
#include "engine/convert/row_order.h"

namespace hearth {

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
  const uint32_t together = heads / kv_heads, group = together + 2;  // q heads of a group; all of its heads
  std::vector<uint32_t> order;
  order.reserve(uint64_t{heads + 2 * kv_heads} * head_size);
  const auto add = [&](uint32_t first, uint32_t count) {
    for (uint32_t g = 0; g < kv_heads; ++g)
      for (uint32_t i = 0; i < count * head_size; ++i) order.push_back((g * group + first) * head_size + i);
  };
  add(0, together);
  add(together, 1);
  add(together + 1, 1);
  return order;
}

}  // namespace hearth
