// Several patterns at once, by the subset construction.
#include <algorithm>
#include <map>
#include <set>

#include "engine/decode/constraint/pattern.h"

namespace hearth {
namespace {

constexpr size_t kMostPlaces = 40'000, kMostProductStates = 20'000, kMostProductCells = 1'000'000;
constexpr uint32_t kMostUnrolled = 10'000;

// Places between the characters of all patterns.
class PatternPlaces {
 public:
  struct Way {
    const CharacterSet* set;  // null: without a character
    uint32_t to;
  };

  uint32_t place() {
    if (ways.size() >= kMostPlaces) throw PatternError("is too large to be joined with others");
    ways.emplace_back();
    return static_cast<uint32_t>(ways.size() - 1);
  }

  // From one place to another by a node of a pattern; nesting is bounded by the reader.
  void expand(const Pattern& pattern, uint32_t number, uint32_t from, uint32_t to) {
    const Pattern::Node& node = pattern.nodes()[number];
    switch (node.kind) {
      case Pattern::Node::Kind::characters:
        ways[from].push_back({&node.set, to});
        return;
      case Pattern::Node::Kind::choice:
        for (const uint32_t child : node.children) {
          const uint32_t begin = place();
          ways[from].push_back({nullptr, begin});
          expand(pattern, child, begin, to);
        }
        return;
      case Pattern::Node::Kind::repeat:
        return expand_repeat(pattern, node, from, to);
      default: {
        for (const uint32_t child : node.children) {
          const uint32_t next = place();
          expand(pattern, child, from, next);
          from = next;
        }
        ways[from].push_back({nullptr, to});
      }
    }
  }

  std::vector<std::vector<Way>> ways;

 private:
  void expand_repeat(const Pattern& pattern, const Pattern::Node& node, uint32_t from, uint32_t to) {
    const bool endless = node.most == GrammarBuilder::kUnbounded;
    const uint32_t copies = endless ? node.least : node.most;
    if (copies > kMostUnrolled) throw PatternError("repeats too often to be joined with others");
    for (uint32_t i = 0; i < copies; ++i) {
      if (i >= node.least) ways[from].push_back({nullptr, to});
      const uint32_t next = place();
      expand(pattern, node.children[0], from, next);
      from = next;
    }
    if (endless) {
      const uint32_t around = place();
      ways[from].push_back({nullptr, around});
      expand(pattern, node.children[0], around, around);
      from = around;
    }
    ways[from].push_back({nullptr, to});
  }
};

}  // namespace

PatternProduct::PatternProduct(const std::vector<const Pattern*>& patterns, size_t& work) {
  const auto spend = [&](size_t cost) {
    if (cost > work) throw PatternError("is too large to be joined with others");
    work -= cost;
  };
  if (patterns.size() > 31) throw PatternError("is one of too many to be joined");  // matches are bits
  PatternPlaces places;
  std::vector<uint32_t> starts, ends;
  for (const Pattern* pattern : patterns) {
    starts.push_back(places.place());
    ends.push_back(places.place());
    places.expand(*pattern, pattern->root(), starts.back(), ends.back());
    spend(places.ways.size() * 4);
  }
  std::set<uint32_t> borders{0};
  std::set<CharacterSet> sets;
  for (const auto& ways : places.ways)
    for (const auto& way : ways)
      if (way.set && sets.insert(*way.set).second)
        for (const CharacterRange& range : way.set->ranges()) {
          borders.insert(range.first);
          if (range.last < CharacterSet::kLast) borders.insert(range.last + 1);
        }
  borders_.assign(borders.begin(), borders.end());

  std::vector<uint32_t> stamps(places.ways.size(), 0);  // places of the set under way have the current stamp
  uint32_t stamp = 0;
  const auto closed = [&](std::vector<uint32_t> seen) {
    ++stamp;
    for (const uint32_t place : seen) stamps[place] = stamp;
    for (size_t i = 0; i < seen.size(); ++i)
      for (const auto& way : places.ways[seen[i]])
        if (!way.set && stamps[way.to] != stamp) {
          stamps[way.to] = stamp;
          seen.push_back(way.to);
        }
    spend(2 + seen.size() * 4);
    std::sort(seen.begin(), seen.end());
    return seen;
  };
  std::map<std::vector<uint32_t>, uint32_t> numbers;
  std::vector<std::vector<uint32_t>> states;
  const auto number = [&](std::vector<uint32_t> state) {
    if (state.empty()) return kDead;
    const auto [found, fresh] = numbers.emplace(state, static_cast<uint32_t>(states.size()));
    if (fresh) {
      if (states.size() >= kMostProductStates || (states.size() + 1) * borders_.size() > kMostProductCells)
        throw PatternError("is too large to be joined with others");
      uint32_t match = 0;
      for (size_t i = 0; i < ends.size(); ++i)
        if (std::binary_search(state.begin(), state.end(), ends[i])) match |= 1u << i;
      matches_.push_back(match);
      states.push_back(std::move(state));
    }
    return found->second;
  };
  number(closed(starts));
  for (size_t at = 0; at < states.size(); ++at) {
    const std::vector<uint32_t> state = states[at];
    std::vector<std::vector<uint32_t>> targets(borders_.size());
    for (const uint32_t place : state)
      for (const auto& way : places.ways[place]) {
        if (!way.set) continue;
        for (const CharacterRange& range : way.set->ranges()) {
          auto border =
              static_cast<size_t>(std::lower_bound(borders_.begin(), borders_.end(), range.first) - borders_.begin());
          for (; border < borders_.size() && borders_[border] <= range.last; ++border)
            targets[border].push_back(way.to);
          spend(4);
        }
      }
    size_t cost = 0;
    for (const auto& target : targets) cost += target.size();
    spend(cost);
    std::map<std::vector<uint32_t>, uint32_t> known;
    for (auto& target : targets) {
      std::sort(target.begin(), target.end());
      target.erase(std::unique(target.begin(), target.end()), target.end());
      const auto found = known.find(target);
      const uint32_t to = found != known.end() ? found->second : number(closed(target));
      if (found == known.end()) known.emplace(target, to);
      next_.push_back(to);
    }
  }
}

uint32_t PatternProduct::match(std::string_view text) const {
  const auto characters = decode_utf8(text);
  if (!characters) return 0;
  uint32_t state = 0;
  for (const uint32_t c : *characters) {
    const auto border = std::upper_bound(borders_.begin(), borders_.end(), c) - borders_.begin() - 1;
    state = next_[state * borders_.size() + static_cast<size_t>(border)];
    if (state == kDead) return 0;
  }
  return matches_[state];
}

std::vector<uint32_t> PatternProduct::outcomes() const {
  std::set<uint32_t> all(matches_.begin(), matches_.end());
  if (std::find(next_.begin(), next_.end(), kDead) != next_.end()) all.insert(0);
  return {all.begin(), all.end()};
}

GrammarPart PatternProduct::part(GrammarBuilder& builder, const std::function<bool(uint32_t)>& accepts,
                                 const std::function<GrammarPart(const CharacterSet&)>& character) const {
  const size_t classes = borders_.size();
  // State s is node s + 2, and what nothing matches any more is the last.
  const auto dead = static_cast<uint32_t>(matches_.size());
  std::vector<GrammarArc> arcs;
  const GrammarPart nothing = builder.nothing();
  arcs.push_back({0, 2, nothing});
  for (uint32_t state = 0; state < matches_.size(); ++state) {
    if (accepts(matches_[state])) arcs.push_back({state + 2, 1, nothing});
    std::map<uint32_t, std::vector<CharacterRange>> ways;
    for (size_t i = 0; i < classes; ++i) {
      const uint32_t to = next_[state * classes + i];
      const uint32_t last = i + 1 < classes ? borders_[i + 1] - 1 : CharacterSet::kLast;
      ways[to == kDead ? dead : to].push_back({borders_[i], last});
    }
    for (auto& [to, ranges] : ways)
      if (to != dead || accepts(0)) arcs.push_back({state + 2, to + 2, character(CharacterSet(std::move(ranges)))});
  }
  if (accepts(0)) {
    arcs.push_back({dead + 2, dead + 2, character(CharacterSet::all())});
    arcs.push_back({dead + 2, 1, nothing});
  }
  return builder.graph(dead + 3, std::move(arcs));
}

}  // namespace hearth
