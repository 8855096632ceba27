// The pages of a KV cache, shared by sequences that begin alike.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <utility>
#include <vector>

namespace hearth {

// Trees of pages: a page holds the keys and values of up to page_size tokens, which follow the tokens of its parent.
// There is a tree for each setting of adapters (the scale of each, nothing for none), as they change keys and values.
// A full page may be used by any number of chains at once, one that is not full by one chain. Pages that no chain uses
// stay, so that a later prompt that begins with their tokens finds them, until their place is needed: the least
// recently used leaf goes first. Knows page numbers and tokens only, no memory. One thread at a time.
class PrefixCache {
 public:
  // The pages of one sequence from its beginning; the numbers are those that a Batch wants. Give it back with
  // release().
  struct Chain {
    std::vector<uint32_t> pages;
    uint32_t size = 0;             // tokens
    std::vector<float> setting{};  // what the first page is put under
  };
  // Where a prompt leaves the cached sequence that it has most in common with.
  struct Divergence {
    uint32_t position;  // in tokens
    int32_t cached, asked;
  };

  static constexpr uint32_t kNoPage = UINT32_MAX;
  // A page for whoever copies it elsewhere. `born` tells it from what may later have the same number.
  struct Held {
    uint32_t page;
    uint32_t parent;  // its place in the list; kNoPage: none
    uint64_t born;
    std::vector<int32_t> tokens;
    std::vector<float> setting;
  };
  struct Placed {
    uint32_t page;
    uint64_t born;
    bool fresh;  // its keys and values are to be written
  };

  PrefixCache(uint32_t pages, uint32_t page_size);

  // The longest cached beginning of `tokens` under a setting. A page that is not full, or of which only a beginning
  // fits, is taken over if no chain uses it and nothing follows it.
  Chain acquire(std::span<const int32_t> tokens, const std::vector<float>& setting = {});
  // How many tokens acquire() would find, pages in use by others included.
  uint32_t cached(std::span<const int32_t> tokens, const std::vector<float>& setting = {}) const;
  // nullopt where nothing was cached, or all that was cached fits.
  std::optional<Divergence> divergence(std::span<const int32_t> tokens, const std::vector<float>& setting = {}) const;

  // Appends a place for each token; false, with nothing changed, where there are not enough pages. The tokens become
  // visible to acquire() at once, so it must not be called before their keys and values are computed.
  bool extend(Chain& chain, std::span<const int32_t> tokens);
  // Takes back the last tokens that extend() appended since the chain was acquired or another one could be, so that
  // `size` are left.
  void shrink(Chain& chain, uint32_t size);
  void release(Chain& chain);  // leaves it empty
  void clear();                // forgets what no chain uses

  // All pages that hold something, each behind its parent, and what was used last first.
  std::vector<Held> all_held() const;
  // Those of the longest cached beginning of `tokens`, pages in use by others included.
  std::vector<Held> held_of(std::span<const int32_t> tokens, const std::vector<float>& setting = {}) const;
  // Whether the page still is the one that was born so, and begins with the tokens.
  bool holds(uint32_t page, uint64_t born, std::span<const int32_t> tokens) const;

  // For pages that come from elsewhere: the time now; `count` times behind it are given away, all before the next use.
  uint64_t reserve_times(uint32_t count);
  // A page that no chain uses, of at most page_size tokens that follow the full page `parent` (kNoPage: the first under
  // the setting), as if it was used at `time`; where it is there already, that one. Room is made of pages alone that no
  // chain uses and that were last used at `before` or earlier; nullopt where there is none. What is fresh is visible to
  // acquire() at once, so its keys and values must be written before.
  std::optional<Placed> place(uint32_t parent, const std::vector<float>& setting, std::span<const int32_t> tokens,
                              uint64_t time, uint64_t before);

  uint32_t pages() const { return static_cast<uint32_t>(nodes_.size()); }
  uint32_t page_size() const { return page_size_; }
  uint32_t available() const { return available_; }                                // pages that no chain uses
  uint32_t held() const { return pages() - static_cast<uint32_t>(free_.size()); }  // pages that hold something

 private:
  static constexpr uint32_t kRoot = kNoPage;
  using Tree = std::pair<const std::vector<float>, std::vector<uint32_t>>;  // a setting, and the first pages under it
  struct Node {
    uint32_t parent = kRoot, users = 0;
    Tree* tree = nullptr;  // of a page without a parent
    uint64_t released = 0, born = 0;
    std::vector<int32_t> tokens;
    std::vector<uint32_t> children;
  };
  // The one of these pages that has most in common with the tokens, and how much that is.
  struct Match {
    uint32_t node = kRoot, common = 0;
  };

  Match best_of(const std::vector<uint32_t>& pages, std::span<const int32_t> tokens) const;
  bool may_take_over(const Node& node) const { return node.users == 0 && node.children.empty(); }
  const std::vector<uint32_t>& roots(const std::vector<float>& setting) const;
  // Makes the page a child of `parent`, or where that is kRoot the first one under a setting.
  void put_under(uint32_t parent, const std::vector<float>& setting, uint32_t page);
  std::vector<uint32_t>& siblings(const Node& node);  // where it is listed
  void use(uint32_t node);
  uint32_t allocate();  // a free page, or the least recently used one; available() must not be 0
  void forget(uint32_t node);

  uint32_t page_size_;
  std::vector<Node> nodes_;                                    // by page
  std::map<std::vector<float>, std::vector<uint32_t>> roots_;  // by setting; none is empty
  std::vector<uint32_t> free_;                                 // pages that hold nothing
  std::set<std::pair<uint64_t, uint32_t>> unused_leaves_;      // by time of release
  uint32_t available_;
  uint64_t clock_ = 0;
};

}  // namespace hearth
