// Where a plan keeps the states of sequences, and copies of them to go on from.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "backends/batch.h"

namespace hearth {

// What recurrent layers keep of a sequence cannot be shortened, as its keys and values can: a prompt that begins like
// an earlier one goes on from a copy made at a position that both share, or starts anew. Each place of the plan holds
// the state of a running sequence, a copy, or nothing; copies stay until their place is needed, the least recently used
// one goes first. States under one setting of adapters (see PrefixCache) are none under another. Knows numbers of
// places and tokens only. One thread at a time.
class StateCache {
 public:
  // 0 places: the program keeps no states, and nothing but places() may be called.
  explicit StateCache(uint32_t places) : places_(places) {}

  uint32_t places() const { return static_cast<uint32_t>(places_.size()); }

  // A place for one more running sequence, of which there must be fewer than places.
  uint32_t take();
  void give_back(uint32_t place);
  // Gives a running sequence's place back; its state, which is that after `tokens`, stays as a copy.
  void keep(uint32_t place, std::span<const int32_t> tokens, const std::vector<float>& setting = {});
  // Makes a copy of a running sequence's state after `tokens`, if there is a place that no running one has.
  void copy(uint32_t place, std::span<const int32_t> tokens, const std::vector<float>& setting = {});
  // Copies the longest state that some beginning of `tokens` ends in and `usable(its length)` allows to a running
  // sequence's place. How long that beginning is; 0: there is none.
  uint32_t restore(uint32_t place, std::span<const int32_t> tokens, const std::function<bool(uint32_t)>& usable,
                   const std::vector<float>& setting = {});
  // Makes that state the last used one.
  void touch(std::span<const int32_t> tokens, const std::function<bool(uint32_t)>& usable,
             const std::vector<float>& setting = {});
  // That length alone.
  uint32_t longest(std::span<const int32_t> tokens, const std::function<bool(uint32_t)>& usable,
                   const std::vector<float>& setting = {}) const;
  void forget_copies();  // but for what running sequences go on from
  void clear();          // after a failure: no sequence runs, and no copy is what it should be

  // For who copies states out and in, between two steps: the tokens of copies under no adapters, the last used first;
  // where `whole` is given those that are beginnings of it.
  std::vector<std::vector<int32_t>> held(std::optional<std::span<const int32_t>> whole) const;
  // Where the copy of the state after these tokens lies; nullopt where there is none, or it is not made yet.
  std::optional<uint32_t> place_of(std::span<const int32_t> tokens) const;
  // A place that held nothing, for such a copy, which the caller writes at once. Places that hold something stay.
  std::optional<uint32_t> adopt(std::span<const int32_t> tokens);

  // The copies that the next batch must make, in this order; they are asked for once.
  std::vector<Batch::Copy> take_copies();

 private:
  enum class Holds : uint8_t { nothing, running, copy };
  struct Place {
    Holds holds = Holds::nothing;
    uint64_t used = 0;                 // the clock, of a copy
    std::vector<int32_t> tokens = {};  // of a copy
    std::vector<float> setting = {};
  };
  std::optional<uint32_t> free_place() const;
  std::optional<uint32_t> find(std::span<const int32_t> tokens, const std::function<bool(uint32_t)>& usable,
                               const std::vector<float>& setting) const;
  bool is_pending(uint32_t place) const;
  void forget_same(std::span<const int32_t> tokens, const std::vector<float>& setting);

  std::vector<Place> places_;
  std::vector<Batch::Copy> pending_;
  uint64_t clock_ = 0;
};

}  // namespace hearth
