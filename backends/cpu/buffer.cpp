// Memory in the largest pages that the system has.
#include "backends/cpu/buffer.h"

#include <sys/mman.h>

namespace hearth::cpu {
namespace {

constexpr size_t kLine = 64;                    // bytes of a cache line, and of the widest vector
constexpr size_t kLargePage = size_t{2} << 20;  // bytes; of x86-64, and of 64-bit ARM with pages of 4 KiB

size_t up_to(size_t bytes, size_t alignment) { return (bytes + alignment - 1) / alignment * alignment; }

}  // namespace

void* allocate(size_t bytes) noexcept {
  // Rows of activations, and positions of a cache, lie so far apart that in small pages each read misses the TLB. A
  // cache takes up to a large page more for each layer's keys and values than it uses.
  if (bytes >= kLargePage) {
    void* const memory = std::aligned_alloc(kLargePage, up_to(bytes, kLargePage));
    // Refused where the system has none: then pages are small.
    if (memory != nullptr) madvise(memory, bytes / kLargePage * kLargePage, MADV_HUGEPAGE);
    return memory;
  }
  return std::aligned_alloc(kLine, up_to(bytes, kLine));
}

}  // namespace hearth::cpu
