// Matching, taking and giving back pages.
#include "engine/decode/prefix_cache.h"

#include <algorithm>

namespace hearth {
namespace {

uint32_t common_prefix(std::span<const int32_t> a, std::span<const int32_t> b) {
  const auto size = static_cast<ptrdiff_t>(std::min(a.size(), b.size()));
  return static_cast<uint32_t>(std::mismatch(a.begin(), a.begin() + size, b.begin()).first - a.begin());
}

}  // namespace

PrefixCache::PrefixCache(uint32_t pages, uint32_t page_size) : page_size_(page_size), nodes_(pages), available_(pages) {
  for (uint32_t page = pages; page > 0; --page) free_.push_back(page - 1);
}

PrefixCache::Match PrefixCache::best_of(const std::vector<uint32_t>& pages, std::span<const int32_t> tokens) const {
  Match best;
  for (const uint32_t page : pages) {
    const uint32_t common = common_prefix(nodes_[page].tokens, tokens);
    if (common > best.common) best = {page, common};
    if (common == page_size_) break;
  }
  return best;
}

const std::vector<uint32_t>& PrefixCache::roots(const std::vector<float>& setting) const {
  static const std::vector<uint32_t> kNone;
  const auto found = roots_.find(setting);
  return found == roots_.end() ? kNone : found->second;
}

std::vector<uint32_t>& PrefixCache::siblings(const Node& node) {
  return node.parent == kRoot ? node.tree->second : nodes_[node.parent].children;
}

void PrefixCache::put_under(uint32_t parent, const std::vector<float>& setting, uint32_t page) {
  Node& node = nodes_[page];
  node.parent = parent;
  if (parent == kRoot) node.tree = &*roots_.try_emplace(setting).first;
  siblings(node).push_back(page);
}

uint32_t PrefixCache::cached(std::span<const int32_t> tokens, const std::vector<float>& setting) const {
  uint32_t size = 0;
  for (const std::vector<uint32_t>* pages = &roots(setting);;) {
    const Match match = best_of(*pages, tokens.subspan(size));
    if (match.common == 0) return size;
    if (match.common < page_size_) return size + (may_take_over(nodes_[match.node]) ? match.common : 0);
    size += page_size_;
    pages = &nodes_[match.node].children;
  }
}

std::optional<PrefixCache::Divergence> PrefixCache::divergence(std::span<const int32_t> tokens,
                                                               const std::vector<float>& setting) const {
  uint32_t size = 0;
  for (const std::vector<uint32_t>* pages = &roots(setting);;) {
    const Match match = best_of(*pages, tokens.subspan(size));
    if (match.node == kRoot) {
      if (pages->empty() || size == tokens.size()) return std::nullopt;
      return Divergence{size, nodes_[pages->back()].tokens.front(), tokens[size]};
    }
    size += match.common;
    const std::vector<int32_t>& held = nodes_[match.node].tokens;
    if (size == tokens.size() || (match.common == held.size() && held.size() < page_size_)) return std::nullopt;
    if (match.common < held.size()) return Divergence{size, held[match.common], tokens[size]};
    pages = &nodes_[match.node].children;
  }
}

PrefixCache::Chain PrefixCache::acquire(std::span<const int32_t> tokens, const std::vector<float>& setting) {
  Chain chain{.pages = {}, .setting = setting};
  for (const std::vector<uint32_t>* pages = &roots(setting);;) {
    const Match match = best_of(*pages, tokens.subspan(chain.size));
    if (match.common == 0) return chain;
    Node& found = nodes_[match.node];
    const bool whole = match.common == page_size_;
    if (!whole && !may_take_over(found)) return chain;
    use(match.node);
    found.tokens.resize(match.common);
    chain.pages.push_back(match.node);
    chain.size += match.common;
    if (!whole) return chain;
    pages = &found.children;
  }
}

bool PrefixCache::extend(Chain& chain, std::span<const int32_t> tokens) {
  const uint32_t room = static_cast<uint32_t>(chain.pages.size()) * page_size_ - chain.size;
  const uint64_t missing = tokens.size() > room ? (tokens.size() - room + page_size_ - 1) / page_size_ : 0;
  if (missing > available_) return false;
  for (const int32_t token : tokens) {
    if (chain.size == chain.pages.size() * page_size_) {
      const uint32_t page = allocate();
      put_under(chain.pages.empty() ? kRoot : chain.pages.back(), chain.setting, page);
      nodes_[page].tokens.reserve(page_size_);
      chain.pages.push_back(page);
    }
    nodes_[chain.pages.back()].tokens.push_back(token);
    ++chain.size;
  }
  return true;
}

void PrefixCache::shrink(Chain& chain, uint32_t size) {
  const uint32_t pages = (size + page_size_ - 1) / page_size_;
  for (; chain.pages.size() > pages; chain.pages.pop_back()) {
    nodes_[chain.pages.back()].users = 0;
    ++available_;
    forget(chain.pages.back());
  }
  if (pages > 0) nodes_[chain.pages.back()].tokens.resize(size - (pages - 1) * page_size_);
  chain.size = size;
}

void PrefixCache::release(Chain& chain) {
  // From the end, so that a page is older than those that it follows.
  for (size_t i = chain.pages.size(); i-- > 0;) {
    Node& node = nodes_[chain.pages[i]];
    if (--node.users > 0) continue;
    ++available_;
    node.released = ++clock_;
    if (node.children.empty()) unused_leaves_.emplace(node.released, chain.pages[i]);
  }
  chain = {};
}

void PrefixCache::clear() {
  while (!unused_leaves_.empty()) forget(unused_leaves_.begin()->second);
}

void PrefixCache::use(uint32_t page) {
  Node& node = nodes_[page];
  if (node.users++ > 0) return;
  --available_;
  unused_leaves_.erase({node.released, page});
}

uint32_t PrefixCache::allocate() {
  if (free_.empty()) forget(unused_leaves_.begin()->second);
  const uint32_t page = free_.back();
  free_.pop_back();
  nodes_[page].users = 1;
  nodes_[page].born = ++clock_;
  --available_;
  return page;
}

void PrefixCache::forget(uint32_t page) {
  Node& node = nodes_[page];
  unused_leaves_.erase({node.released, page});
  std::erase(siblings(node), page);
  if (node.parent == kRoot && node.tree->second.empty()) roots_.erase(node.tree->first);
  if (node.parent != kRoot && may_take_over(nodes_[node.parent]))
    unused_leaves_.emplace(nodes_[node.parent].released, node.parent);
  node = {};
  free_.push_back(page);
}

}  // namespace hearth
