// Where in an automaton a text may stand: sets of stacks, each made once and numbered.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "engine/decode/constraint/automaton.h"
#include "engine/decode/constraint/token_trie.h"

namespace hearth {

// A range of TokenTrie::tokens().
struct TokenRange {
  uint32_t first, last;
};

// The tokens that may come next: a bit for each of the vocabulary where both these and the others are many, else
// ranges, rising.
struct TokenMask {
  std::vector<TokenRange> ranges;
  std::vector<uint64_t> bits;
  uint32_t allowed = 0;
};

// A configuration is the set of all places where the text so far may stand: states that want a byte, each with the
// stack of what is to come after it, or the end. Configurations have numbers, so that what is found out about one - the
// next one for each byte, the tokens that may come - is found once. One thread at a time; the automaton must outlive
// it.
class Machine {
 public:
  static constexpr uint32_t kDead = 0;  // nowhere

  explicit Machine(const LanguageAutomaton& automaton);

  uint32_t start() const { return start_; }
  // Grants the work of another byte, or of another mask. What takes more throws Error (invalid_argument): so ambiguous
  // an automaton would hold up others.
  void rest() { work_ = 0; }
  // Whether a good part of that is done, so that more should wait for the next rest().
  bool tired() const { return work_ > kMostWork / 8; }
  // The configuration after a byte; kDead where it may not come.
  uint32_t step(uint32_t configuration, uint8_t byte);
  bool may_end(uint32_t configuration) const { return configurations_[configuration].may_end; }
  bool finished(uint32_t configuration) const;  // nothing but the end
  // The only byte that may come, where there is one and the text may not end: else -1.
  int only_byte(uint32_t configuration) const;

  // Lives until the next call that is not const.
  const TokenMask& tokens(uint32_t configuration, const TokenTrie& trie);

  // Lets go of all but one configuration once much is remembered; the number may change.
  uint32_t tidy(uint32_t configuration);
  size_t memory() const;  // bytes

 private:
  // A return to a state, or (with kLoopBit) an iteration of a loop after which `need` more must and `left` more may
  // follow.
  struct Frame {
    uint32_t parent, at, need, left;
    bool operator==(const Frame&) const = default;
  };
  struct FrameHash {
    size_t operator()(const Frame& frame) const;
  };
  // A state in the upper half, a frame in the lower.
  using Item = uint64_t;
  struct Configuration {
    uint32_t first, size;  // into items_
    uint32_t table;        // into tables_; kNone: not made
    uint32_t loops;        // classes of bytes that lead back here
    uint32_t capacity;     // how many characters may do so
    bool may_end;
    bool loops_known;
  };
  // The tokens after a configuration, with one trie.
  struct MaskKey {
    const TokenTrie* trie;
    uint32_t configuration;
    bool operator==(const MaskKey&) const = default;
  };
  struct MaskHash {
    size_t operator()(const MaskKey& key) const;
  };
  using Table = std::array<uint32_t, 256>;

  // A hash set that is emptied at no cost.
  class ItemSet {
   public:
    void clear();
    bool insert(Item item);  // false where it was there

   private:
    void grow();
    std::vector<Item> items_;
    std::vector<uint32_t> stamps_;  // an item counts where its stamp is now_
    uint32_t now_ = 0;
    size_t size_ = 0;
  };

  static constexpr uint32_t kNone = LanguageAutomaton::kNone;
  static constexpr uint32_t kUnbounded = LanguageAutomaton::kUnbounded;
  static constexpr uint32_t kLoopBit = 1u << 31;
  static constexpr uint32_t kEnd = UINT32_MAX;   // the state of an item that says: the text may end
  static constexpr uint32_t kBottom = 0;         // the frame below which there is nothing
  static constexpr size_t kMostItems = 1 << 16;  // of a configuration
  static constexpr size_t kMostWork = 500'000;   // items visited between two calls of rest()

  static Item item(uint32_t state, uint32_t frame) { return Item{state} << 32 | frame; }
  static uint32_t state_of(Item item) { return static_cast<uint32_t>(item >> 32); }
  static uint32_t frame_of(Item item) { return static_cast<uint32_t>(item); }

  void forget();
  void count(size_t work);
  uint32_t frame(const Frame& frame);
  // The configuration of all that can be reached from these without a byte.
  uint32_t close(const std::vector<Item>& seeds);
  void visit(Item item);
  void return_to(uint32_t frame);
  void iterate(uint32_t loop, uint32_t need, uint32_t left, uint32_t parent);
  uint32_t intern(std::vector<Item>& items);  // sorts them
  const Table& table(uint32_t configuration);
  void fill(uint32_t configuration, Table& table);
  // The configuration with counts past `bytes` taken for endless: the same to every text of so many bytes.
  uint32_t rounded(uint32_t configuration, uint32_t bytes);
  uint32_t rounded_frame(uint32_t frame, uint32_t bytes, int depth);
  void find_loops(uint32_t configuration);
  uint32_t after_one_more(uint32_t configuration, uint32_t& capacity);
  uint32_t high_bytes_that_lead_to(uint32_t from, uint32_t to);
  bool continuations_lead_to(uint32_t from, uint32_t to, uint32_t more, uint32_t low, uint32_t high);
  void walk(uint32_t configuration, const TokenTrie& trie, std::vector<TokenRange>& ranges);

  const LanguageAutomaton& automaton_;
  std::vector<Frame> frames_;
  std::unordered_map<Frame, uint32_t, FrameHash> frame_numbers_;
  std::vector<Item> items_;
  std::vector<Configuration> configurations_;
  std::unordered_multimap<uint64_t, uint32_t> configuration_numbers_;  // by hash
  std::deque<Table> tables_;                                           // they stay where they are
  std::unordered_map<MaskKey, TokenMask, MaskHash> masks_;
  size_t mask_words_ = 0;  // of 8 bytes
  uint32_t start_ = 0;
  size_t work_ = 0;
  // Of close(): what waits, what was seen, what wants a byte, which iterations began.
  std::vector<Item> waiting_, found_;
  ItemSet seen_;
  std::vector<uint32_t> begun_;
};

}  // namespace hearth
