// The merge loop that both kinds of tokenizer share: the best pair of neighbours is joined until no pair can be.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <limits>
#include <vector>

namespace hearth {

constexpr int32_t kNoToken = -1;

// What two neighbours would become; the lowest rank is merged first.
struct Merge {
  static constexpr uint32_t kNone = std::numeric_limits<uint32_t>::max();
  uint32_t rank = kNone;
  int32_t id = kNoToken;
};

// A run of bytes of the text, and its token where it has one.
struct Symbol {
  uint32_t begin, size;
  int32_t id;
};

// Merges symbols in place. Buffers are kept from one call to the next, so one Merger serves many words; one thread at a
// time. Takes O(n log n) for n symbols, if the lookup takes constant time.
class Merger {
 public:
  // lookup(const Symbol& left, const Symbol& right) -> Merge. Of merges with the same rank the leftmost comes first.
  template <typename Lookup>
  void merge(std::vector<Symbol>& symbols, Lookup lookup);

 private:
  struct Link {
    uint32_t previous, next;
    Merge merge;  // with the next one
  };
  // A merge that was possible when it was entered: rank in the high half, index of the left symbol in the low half.
  using Entry = uint64_t;

  std::vector<Link> links_;
  std::vector<Entry> heap_;  // the lowest entry on top
};

template <typename Lookup>
void Merger::merge(std::vector<Symbol>& symbols, Lookup lookup) {
  constexpr uint32_t kEnd = std::numeric_limits<uint32_t>::max();
  const auto count = static_cast<uint32_t>(symbols.size());
  if (count < 2) return;
  links_.resize(count);
  heap_.clear();
  for (uint32_t i = 0; i < count; ++i) {
    const bool last = i + 1 == count;
    links_[i] = {i == 0 ? kEnd : i - 1, last ? kEnd : i + 1, last ? Merge{} : lookup(symbols[i], symbols[i + 1])};
    if (links_[i].merge.rank != Merge::kNone) heap_.push_back(Entry{links_[i].merge.rank} << 32 | i);
  }
  std::make_heap(heap_.begin(), heap_.end(), std::greater<>());
  const auto renew = [&](uint32_t i) {
    const uint32_t next = links_[i].next;
    links_[i].merge = next == kEnd ? Merge{} : lookup(symbols[i], symbols[next]);
    if (links_[i].merge.rank == Merge::kNone) return;
    heap_.push_back(Entry{links_[i].merge.rank} << 32 | i);
    std::push_heap(heap_.begin(), heap_.end(), std::greater<>());
  };
  while (!heap_.empty()) {
    const Entry entry = heap_.front();
    std::pop_heap(heap_.begin(), heap_.end(), std::greater<>());
    heap_.pop_back();
    const auto left = static_cast<uint32_t>(entry);
    Link& link = links_[left];
    // A neighbour was merged since: what can be merged now has an entry of its own.
    if (link.merge.rank != entry >> 32) continue;
    const uint32_t right = link.next;
    symbols[left].size += symbols[right].size;
    symbols[left].id = link.merge.id;
    symbols[right].size = 0;
    links_[right].merge = {};
    link.next = links_[right].next;
    if (link.next != kEnd) links_[link.next].previous = left;
    renew(left);
    if (link.previous != kEnd) renew(link.previous);
  }
  std::erase_if(symbols, [](const Symbol& symbol) { return symbol.size == 0; });
}

}  // namespace hearth
