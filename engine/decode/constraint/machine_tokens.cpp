// Trying the tokens of a vocabulary on a machine, many at once.
#include <algorithm>

#include "engine/decode/constraint/machine.h"

namespace hearth {

const TokenMask& Machine::tokens(uint32_t configuration, const TokenTrie& trie) {
  constexpr uint32_t kMany = 4096;
  const uint32_t rounded_one = rounded(configuration, trie.longest());
  if (const auto known = masks_.find({&trie, rounded_one}); known != masks_.end()) return known->second;
  TokenMask mask;
  walk(rounded_one, trie, mask.ranges);
  for (const TokenRange& range : mask.ranges) mask.allowed += range.last - range.first;
  if (mask.allowed > kMany && mask.allowed + kMany < trie.tokens().size()) {
    mask.bits.assign((trie.size() + 63) / 64, 0);
    for (const TokenRange& range : mask.ranges)
      for (uint32_t i = range.first; i < range.last; ++i) {
        const auto token = static_cast<uint32_t>(trie.tokens()[i]);
        mask.bits[token / 64] |= uint64_t{1} << token % 64;
      }
    mask.ranges = {};
  }
  mask.ranges.shrink_to_fit();
  mask_words_ += mask.ranges.size() + mask.bits.size() + 16;
  return masks_.emplace(MaskKey{&trie, rounded_one}, std::move(mask)).first->second;
}

// Only what is near the top is looked at: a count further below that is left exact costs a walk, not a mistake.
uint32_t Machine::rounded_frame(uint32_t number, uint32_t bytes, int depth) {
  if (number == kBottom || depth == 0) return number;
  Frame one = frames_[number];
  one.parent = rounded_frame(one.parent, bytes, depth - 1);
  if ((one.at & kLoopBit) != 0 && one.left != kUnbounded && one.left > bytes) one.left = kUnbounded;
  if ((one.at & kLoopBit) != 0 && one.need > bytes) one.need = kUnbounded;
  return one == frames_[number] ? number : frame(one);
}

uint32_t Machine::rounded(uint32_t configuration, uint32_t bytes) {
  constexpr int kDepth = 8;
  const Configuration at = configurations_[configuration];
  std::vector<Item> items;
  bool changed = false;
  for (uint32_t i = 0; i < at.size; ++i) {
    const Item one = items_[at.first + i];
    items.push_back(item(state_of(one), rounded_frame(frame_of(one), bytes, kDepth)));
    changed = changed || items.back() != one;
  }
  return changed ? intern(items) : configuration;
}

// The configuration after one more iteration of the one loop that all counted items are in, where the iteration leads
// back to the same states; kDead where there is no such loop.
uint32_t Machine::after_one_more(uint32_t configuration, uint32_t& capacity) {
  const Configuration at = configurations_[configuration];
  uint32_t loop = kNone;
  for (uint32_t i = 0; i < at.size; ++i) {
    const uint32_t number = frame_of(items_[at.first + i]);
    if (number == kBottom || (frames_[number].at & kLoopBit) == 0) continue;
    if (loop != kNone && loop != number) return kDead;
    loop = number;
  }
  if (loop == kNone || frames_[loop].left == 0 || frames_[loop].left == kUnbounded) return kDead;
  Frame next = frames_[loop];
  capacity = next.left--;
  if (next.need != kUnbounded && next.need > 0) --next.need;
  const uint32_t moved = frame(next);
  std::vector<Item> items;
  for (uint32_t i = 0; i < at.size; ++i) {
    const Item one = items_[at.first + i];
    items.push_back(frame_of(one) == loop ? item(state_of(one), moved) : one);
  }
  return intern(items);
}

bool Machine::continuations_lead_to(uint32_t from, uint32_t to, uint32_t more, uint32_t low, uint32_t high) {
  uint32_t before = kDead;
  for (uint32_t byte = low; byte <= high; ++byte) {
    const uint32_t next = table(from)[byte];
    if (next == kDead || (more == 1 && next != to)) return false;
    if (more > 1 && next != before && !continuations_lead_to(next, to, more - 1, 0x80, 0xBF)) return false;
    before = next;
  }
  return true;
}

// The classes of bytes past ASCII all of whose characters lead to one configuration.
uint32_t Machine::high_bytes_that_lead_to(uint32_t from, uint32_t to) {
  struct Lead {
    uint32_t first, last, more, low, high;
  };
  const auto leads = [&](const Lead& lead) {
    uint32_t before = kDead;
    for (uint32_t byte = lead.first; byte <= lead.last; ++byte) {
      const uint32_t next = table(from)[byte];
      if (next == kDead) return false;
      if (next != before && !continuations_lead_to(next, to, lead.more, lead.low, lead.high)) return false;
      before = next;
    }
    return true;
  };
  for (const Lead& lead :
       {Lead{0xC2, 0xDF, 1, 0x80, 0xBF}, Lead{0xE0, 0xE0, 2, 0xA0, 0xBF}, Lead{0xE1, 0xE1, 2, 0x80, 0xBF},
        Lead{0xE3, 0xEC, 2, 0x80, 0xBF}, Lead{0xED, 0xED, 2, 0x80, 0x9F}, Lead{0xEE, 0xEF, 2, 0x80, 0xBF},
        Lead{0xF0, 0xF0, 3, 0x90, 0xBF}, Lead{0xF1, 0xF3, 3, 0x80, 0xBF}, Lead{0xF4, 0xF4, 3, 0x80, 0x8F}})
    if (!leads(lead)) return 0;
  return kHighBytes | (leads({0xE2, 0xE2, 2, 0x80, 0xBF}) ? kByteE2 : 0);
}

void Machine::find_loops(uint32_t configuration) {
  if (configurations_[configuration].loops_known) return;
  uint32_t capacity = UINT16_MAX;
  const uint32_t counted = after_one_more(configuration, capacity);
  const uint32_t back = counted == kDead ? configuration : counted;
  uint32_t loops = 0, leaves = 0;
  const Table& ways = table(configuration);
  for (uint32_t byte = 0; byte < 0x80; ++byte)
    (ways[byte] == back ? loops : leaves) |= byte_class(static_cast<uint8_t>(byte));
  loops &= ~leaves;
  if (loops != 0) loops |= high_bytes_that_lead_to(configuration, back);
  Configuration& at = configurations_[configuration];
  at.loops = loops;
  at.capacity = capacity;
  at.loops_known = true;
}

void Machine::walk(uint32_t configuration, const TokenTrie& trie, std::vector<TokenRange>& ranges) {
  const auto allow = [&](uint32_t first, uint32_t last) {
    if (!ranges.empty() && ranges.back().last == first)
      ranges.back().last = last;
    else if (first < last)
      ranges.push_back({first, last});
  };
  std::vector<const Table*> path(trie.longest() + 1, &table(configuration));  // by depth
  const std::vector<TokenTrie::Node>& nodes = trie.nodes();
  for (size_t i = 0; i < nodes.size();) {
    const TokenTrie::Node& node = nodes[i];
    const uint32_t next = (*path[node.depth - 1u])[node.byte];
    if (next == kDead) {
      i = node.skip;
      continue;
    }
    if (node.own > 0) allow(node.first, node.first + node.own);
    if (node.skip == ++i) continue;
    find_loops(next);
    const Configuration& at = configurations_[next];
    if ((node.below & ~at.loops) == 0 && node.characters <= at.capacity &&
        ((node.below & (kHighBytes | kByteE2)) == 0 || node.well_formed)) {
      allow(node.first + node.own, node.last);
      i = node.skip;
      continue;
    }
    path[node.depth] = &tables_[at.table];
  }
}

}  // namespace hearth
