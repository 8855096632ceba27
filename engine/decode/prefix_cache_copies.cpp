// What is asked of the prefix cache by whoever copies pages out and in.
#include <algorithm>

#include "engine/decode/prefix_cache.h"

namespace hearth {
namespace {

bool begins_with(std::span<const int32_t> whole, std::span<const int32_t> beginning) {
  return beginning.size() <= whole.size() && std::equal(beginning.begin(), beginning.end(), whole.begin());
}

}  // namespace

std::vector<PrefixCache::Held> PrefixCache::all_held() const {
  std::vector<Held> found;
  std::vector<std::pair<uint32_t, uint32_t>> next;  // page, and place of its parent; the last one comes first
  const auto last_use = [this](uint32_t page) { return nodes_[page].users > 0 ? UINT64_MAX : nodes_[page].released; };
  const auto add_children = [&](std::vector<uint32_t> sorted, uint32_t place) {
    std::stable_sort(sorted.begin(), sorted.end(), [&](uint32_t a, uint32_t b) { return last_use(a) < last_use(b); });
    for (const uint32_t child : sorted) next.emplace_back(child, place);
  };
  std::vector<uint32_t> first;
  for (const auto& [setting, pages] : roots_) first.insert(first.end(), pages.begin(), pages.end());
  add_children(std::move(first), kNoPage);
  while (!next.empty()) {
    const auto [page, parent] = next.back();
    next.pop_back();
    const Node& node = nodes_[page];
    found.push_back(
        {page, parent, node.born, node.tokens, parent == kNoPage ? node.tree->first : found[parent].setting});
    add_children(nodes_[page].children, static_cast<uint32_t>(found.size()) - 1);
  }
  return found;
}

std::vector<PrefixCache::Held> PrefixCache::held_of(std::span<const int32_t> tokens,
                                                    const std::vector<float>& setting) const {
  std::vector<Held> found;
  for (const std::vector<uint32_t>* pages = &roots(setting);;) {
    const Match match = best_of(*pages, tokens);
    if (match.common == 0) return found;
    const auto parent = found.empty() ? kNoPage : static_cast<uint32_t>(found.size()) - 1;
    const auto common = tokens.first(match.common);
    found.push_back({match.node, parent, nodes_[match.node].born, {common.begin(), common.end()}, setting});
    if (match.common < page_size_) return found;
    tokens = tokens.subspan(match.common);
    pages = &nodes_[match.node].children;
  }
}

bool PrefixCache::holds(uint32_t page, uint64_t born, std::span<const int32_t> tokens) const {
  return nodes_[page].born == born && begins_with(nodes_[page].tokens, tokens);
}

uint64_t PrefixCache::reserve_times(uint32_t count) {
  clock_ += count;
  return clock_ - count;
}

std::optional<PrefixCache::Placed> PrefixCache::place(uint32_t parent, const std::vector<float>& setting,
                                                      std::span<const int32_t> tokens, uint64_t time, uint64_t before) {
  for (const uint32_t child : parent == kRoot ? roots(setting) : nodes_[parent].children) {
    Node& node = nodes_[child];
    if (!begins_with(node.tokens, tokens)) continue;
    if (unused_leaves_.erase({node.released, child}) > 0) unused_leaves_.emplace(std::max(node.released, time), child);
    if (node.users == 0) node.released = std::max(node.released, time);
    return Placed{child, node.born, false};
  }
  const bool has_room = !free_.empty() || (!unused_leaves_.empty() && unused_leaves_.begin()->first <= before);
  if (!has_room) return std::nullopt;
  const uint32_t page = allocate();
  Node& node = nodes_[page];
  node.tokens.assign(tokens.begin(), tokens.end());
  node.users = 0;
  node.released = time;
  ++available_;
  if (parent != kRoot) unused_leaves_.erase({nodes_[parent].released, parent});
  put_under(parent, setting, page);
  unused_leaves_.emplace(time, page);
  return Placed{page, node.born, true};
}

}  // namespace hearth
