// How threads share a range of which nobody knows who will be faster.
#pragma once

#include <algorithm>
#include <cstdint>

namespace hearth::cpu {

// [begin, end)
struct Range {
  uint32_t begin, end;
};

// The index-th piece of [0, count), which threads take in turn: half of it in a piece for each thread, half of the
// rest, and so on, down to pieces of `least`, all but the last of them multiples of `whole`. Empty from the first index
// that finds nothing left. Large pieces read memory best; the small ones at the end let a thread that was held up be
// waited for no longer than one of them takes.
inline Range piece_of(uint32_t index, uint32_t count, uint32_t threads, uint32_t least, uint32_t whole = 1) {
  uint32_t begin = 0;
  for (;; index -= threads) {
    uint32_t size = (count - begin) / (2 * threads);
    if (size > 0) size = (size + whole / 2) / whole * whole;
    size = std::max(least, size);
    if (index < threads || size == least) {
      const uint64_t from = begin + uint64_t{index} * size;
      return {static_cast<uint32_t>(std::min<uint64_t>(from, count)),
              static_cast<uint32_t>(std::min<uint64_t>(from + size, count))};
    }
    begin += threads * size;
  }
}

}  // namespace hearth::cpu
