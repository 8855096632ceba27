// Copies of pages of the cache.
#include <cstring>

#include "backends/cpu/plan.h"

namespace hearth::cpu {

void CpuPlan::read_page(uint32_t page, uint32_t positions, std::span<std::byte> bytes) const {
  check_page(page, positions, bytes.size(), program_, limits_);
  each_row(page, positions, [to = bytes.data()](const std::byte* row, uint64_t size) mutable {
    std::memcpy(to, row, size);
    to += size;
  });
}

void CpuPlan::write_page(uint32_t page, uint32_t positions, std::span<const std::byte> bytes) {
  check_page(page, positions, bytes.size(), program_, limits_);
  each_row(page, positions, [from = bytes.data()](std::byte* row, uint64_t size) mutable {
    std::memcpy(row, from, size);
    from += size;
  });
}

}  // namespace hearth::cpu
