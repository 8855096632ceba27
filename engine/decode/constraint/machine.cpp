// Steps of a machine: what a byte leads to.
#include "engine/decode/constraint/machine.h"

#include <algorithm>
#include <bitset>

#include "engine/include/hearth/hearth.h"

namespace hearth {
namespace {

// The finisher of SplitMix64 (Steele, Lea and Flood 2014).
uint64_t mixed(uint64_t z) {
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

uint32_t one_less(uint32_t count) { return count == UINT32_MAX || count == 0 ? count : count - 1; }

}  // namespace

size_t Machine::FrameHash::operator()(const Frame& frame) const {
  return mixed(mixed(uint64_t{frame.parent} << 32 | frame.at) + (uint64_t{frame.need} << 32 | frame.left));
}
size_t Machine::MaskHash::operator()(const MaskKey& key) const {
  return mixed(reinterpret_cast<uintptr_t>(key.trie) + (uint64_t{key.configuration} << 48) + key.configuration);
}

void Machine::ItemSet::clear() {
  size_ = 0;
  if (items_.empty()) grow();
  if (++now_ == 0) {
    std::fill(stamps_.begin(), stamps_.end(), 0);
    now_ = 1;
  }
}

void Machine::ItemSet::grow() {
  const std::vector<Item> items = std::move(items_);
  const std::vector<uint32_t> stamps = std::move(stamps_);
  items_.assign(std::max<size_t>(64, items.size() * 2), 0);
  stamps_.assign(items_.size(), 0);
  size_ = 0;
  const uint32_t then = std::exchange(now_, 1);
  for (size_t i = 0; i < items.size(); ++i)
    if (stamps[i] == then) insert(items[i]);
}

bool Machine::ItemSet::insert(Item item) {
  if (size_ * 2 >= items_.size()) grow();
  for (size_t at = mixed(item) & (items_.size() - 1);; at = (at + 1) & (items_.size() - 1)) {
    if (stamps_[at] == now_ && items_[at] == item) return false;
    if (stamps_[at] == now_) continue;
    stamps_[at] = now_;
    items_[at] = item;
    ++size_;
    return true;
  }
}

Machine::Machine(const LanguageAutomaton& automaton) : automaton_(automaton) {
  forget();
  start_ = close({item(automaton.start, kBottom)});
}

void Machine::count(size_t work) {
  if ((work_ += work) > kMostWork)
    throw Error(ErrorCode::invalid_argument, "the constraint leaves too many ways open to be followed");
}

void Machine::forget() {
  frames_.assign(1, {kNone, kNone, 0, 0});
  frame_numbers_.clear();
  items_.clear();
  configurations_.assign(1, {0, 0, kNone, 0, 0, false, true});
  configuration_numbers_.clear();
  tables_.clear();
  masks_.clear();
  mask_words_ = 0;
}

// Roughly, with what the hash tables take.
size_t Machine::memory() const {
  return frames_.size() * 80 + items_.size() * sizeof(Item) + configurations_.size() * 80 +
         tables_.size() * sizeof(Table) + mask_words_ * 8;
}

uint32_t Machine::tidy(uint32_t configuration) {
  constexpr size_t kMostMemory = 48 << 20;
  if (memory() < kMostMemory) return configuration;
  const Configuration kept = configurations_[configuration];
  const std::vector<Item> old(items_.begin() + kept.first, items_.begin() + kept.first + kept.size);
  const std::vector<Frame> old_frames = std::move(frames_);
  forget();
  // Parents come before their children, so rising order rebuilds each stack from its bottom.
  std::vector<bool> wanted(old_frames.size(), false);
  for (const Item one : old)
    for (uint32_t f = frame_of(one); f != kBottom && !wanted[f]; f = old_frames[f].parent) wanted[f] = true;
  std::vector<uint32_t> now(old_frames.size(), kBottom);
  for (uint32_t f = 1; f < old_frames.size(); ++f) {
    if (!wanted[f]) continue;
    Frame moved = old_frames[f];
    moved.parent = now[moved.parent];
    now[f] = frame(moved);
  }
  start_ = close({item(automaton_.start, kBottom)});
  std::vector<Item> items;
  for (const Item one : old) items.push_back(item(state_of(one), now[frame_of(one)]));
  return intern(items);
}

uint32_t Machine::frame(const Frame& frame) {
  const auto [found, fresh] = frame_numbers_.emplace(frame, static_cast<uint32_t>(frames_.size()));
  if (fresh) frames_.push_back(frame);
  return found->second;
}

// Two waiting lists in one: what is found there is visited once.
void Machine::visit(Item one) {
  if (seen_.insert(one)) waiting_.push_back(one);
}

void Machine::iterate(uint32_t loop, uint32_t need, uint32_t left, uint32_t parent) {
  const LanguageAutomaton::Loop& one = automaton_.loops[loop];
  if (need == 0) visit(item(one.next, parent));
  if (left == 0) return;
  const uint32_t begun = frame({parent, loop | kLoopBit, one_less(need), one_less(left)});
  if (one.nullable) begun_.push_back(begun);
  visit(item(one.body, begun));
}

void Machine::return_to(uint32_t number) {
  if (number == kBottom) {
    found_.push_back(item(kEnd, kBottom));
    return;
  }
  const Frame to = frames_[number];
  if ((to.at & kLoopBit) == 0) return visit(item(to.at, to.parent));
  // An iteration that began without a byte since and ends empty leads nowhere new.
  count(begun_.size() / 16);
  if (std::find(begun_.begin(), begun_.end(), number) != begun_.end()) return;
  iterate(to.at & ~kLoopBit, to.need, to.left, to.parent);
}

uint32_t Machine::close(const std::vector<Item>& seeds) {
  waiting_.clear();
  found_.clear();
  begun_.clear();
  seen_.clear();
  for (const Item seed : seeds) visit(seed);
  while (!waiting_.empty()) {
    count(1);
    const Item one = waiting_.back();
    waiting_.pop_back();
    const LanguageAutomaton::State& state = automaton_.states[state_of(one)];
    const uint32_t below = frame_of(one);
    if (state.edge_count > 0) found_.push_back(one);
    for (uint32_t i = 0; i < state.jump_count; ++i) visit(item(automaton_.jumps[state.jumps + i], below));
    for (uint32_t i = 0; i < state.call_count; ++i) {
      const auto& call = automaton_.calls[state.calls + i];
      visit(item(call.to, call.next == kNone ? below : frame({below, call.next, 0, 0})));
    }
    if (state.loop != kNone) {
      const auto& loop = automaton_.loops[state.loop];
      iterate(state.loop, loop.least, loop.most, below);
    }
    if (state.final) return_to(below);
  }
  if (found_.size() > kMostItems) count(kMostWork);
  return intern(found_);
}

uint32_t Machine::intern(std::vector<Item>& items) {
  std::sort(items.begin(), items.end());
  items.erase(std::unique(items.begin(), items.end()), items.end());
  if (items.empty()) return kDead;
  uint64_t hash = items.size();
  for (const Item one : items) hash = mixed(hash + one);
  const auto [begin, end] = configuration_numbers_.equal_range(hash);
  for (auto found = begin; found != end; ++found) {
    const Configuration& one = configurations_[found->second];
    if (std::equal(items.begin(), items.end(), items_.begin() + one.first, items_.begin() + one.first + one.size))
      return found->second;
  }
  const auto number = static_cast<uint32_t>(configurations_.size());
  configurations_.push_back({static_cast<uint32_t>(items_.size()), static_cast<uint32_t>(items.size()), kNone, 0, 0,
                             items.back() == item(kEnd, kBottom), false});
  items_.insert(items_.end(), items.begin(), items.end());
  configuration_numbers_.emplace(hash, number);
  return number;
}

bool Machine::finished(uint32_t configuration) const {
  return configurations_[configuration].may_end && configurations_[configuration].size == 1;
}

int Machine::only_byte(uint32_t configuration) const {
  const Configuration& at = configurations_[configuration];
  if (at.may_end) return -1;
  int only = -1;
  for (uint32_t i = 0; i < at.size; ++i) {
    const LanguageAutomaton::State& state = automaton_.states[state_of(items_[at.first + i])];
    for (uint32_t e = 0; e < state.edge_count; ++e) {
      const auto& edge = automaton_.edges[state.edges + e];
      if (edge.low != edge.high || (only >= 0 && only != edge.low)) return -1;
      only = edge.low;
    }
  }
  return only;
}

uint32_t Machine::step(uint32_t configuration, uint8_t byte) {
  const Configuration at = configurations_[configuration];
  if (at.table != kNone) return tables_[at.table][byte];
  std::vector<Item> seeds;
  for (uint32_t i = 0; i < at.size; ++i) {
    const Item one = items_[at.first + i];
    if (state_of(one) == kEnd) continue;
    const LanguageAutomaton::State& state = automaton_.states[state_of(one)];
    for (uint32_t e = 0; e < state.edge_count; ++e) {
      const auto& edge = automaton_.edges[state.edges + e];
      if (edge.low <= byte && byte <= edge.high) seeds.push_back(item(edge.to, frame_of(one)));
    }
  }
  return close(seeds);
}

const Machine::Table& Machine::table(uint32_t configuration) {
  if (configurations_[configuration].table == kNone) {
    Table made{};
    fill(configuration, made);
    configurations_[configuration].table = static_cast<uint32_t>(tables_.size());
    tables_.push_back(made);
  }
  return tables_[configurations_[configuration].table];
}

// Bytes that no edge tells apart have the same way.
void Machine::fill(uint32_t configuration, Table& made) {
  const Configuration at = configurations_[configuration];
  struct Way {
    uint8_t low, high;
    Item to;
  };
  std::vector<Way> ways;
  std::bitset<257> borders;
  for (uint32_t i = 0; i < at.size; ++i) {
    const Item one = items_[at.first + i];
    if (state_of(one) == kEnd) continue;
    const LanguageAutomaton::State& state = automaton_.states[state_of(one)];
    for (uint32_t e = 0; e < state.edge_count; ++e) {
      const auto& edge = automaton_.edges[state.edges + e];
      ways.push_back({edge.low, edge.high, item(edge.to, frame_of(one))});
      borders.set(edge.low);
      borders.set(edge.high + 1u);
    }
  }
  std::vector<std::pair<std::vector<Item>, uint32_t>> known;
  std::vector<Item> seeds;
  uint32_t to = kDead;
  for (uint32_t byte = 0; byte < 256; ++byte) {
    if (borders[byte]) {
      seeds.clear();
      count(ways.size() / 8);
      for (const Way& way : ways)
        if (way.low <= byte && byte <= way.high) seeds.push_back(way.to);
      std::sort(seeds.begin(), seeds.end());
      const auto found = std::find_if(known.begin(), known.end(), [&](const auto& one) { return one.first == seeds; });
      if (found != known.end()) {
        to = found->second;
      } else {
        to = seeds.empty() ? kDead : close(seeds);
        known.emplace_back(seeds, to);
      }
    }
    made[byte] = to;
  }
}

}  // namespace hearth
