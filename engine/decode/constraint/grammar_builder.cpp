// Collecting the parts of a grammar.
#include "engine/decode/constraint/grammar_builder.h"

#include <algorithm>
#include <deque>

#include "engine/include/hearth/hearth.h"

namespace hearth {

GrammarPart GrammarBuilder::add(Node node) {
  bytes_ += node.bytes.size() + 8 * node.parts.size() + 16 * node.arcs.size() + 8 * node.characters.ranges().size();
  if (nodes_.size() >= kMostParts || bytes_ > kMostBytes)
    throw Error(ErrorCode::invalid_argument, "the grammar is too large");
  nodes_.push_back(std::move(node));
  return {static_cast<uint32_t>(nodes_.size() - 1)};
}

// Equal beginnings share their way.
GrammarPart GrammarBuilder::one_of(const std::vector<std::string>& literals) {
  if (literals.size() <= 1) return literals.empty() ? impossible() : literal(literals[0]);
  std::vector<std::string_view> sorted(literals.begin(), literals.end());
  std::sort(sorted.begin(), sorted.end());
  std::vector<GrammarArc> arcs;
  uint32_t nodes = 2;
  const GrammarPart end = nothing();
  std::vector<uint32_t> path{0};  // nodes of the text before, one for each byte that it has in common with the next
  for (size_t i = 0; i < sorted.size(); ++i) {
    const std::string_view text = sorted[i];
    if (i > 0 && text == sorted[i - 1]) continue;
    const auto common = [&](size_t other) {
      if (other >= sorted.size()) return size_t{0};
      return static_cast<size_t>(
          std::mismatch(text.begin(), text.end(), sorted[other].begin(), sorted[other].end()).first - text.begin());
    };
    const size_t shared = i > 0 ? common(i - 1) : 0, next = common(i + 1);
    path.resize(shared + 1);
    for (size_t at = shared; at < next; ++at) {
      path.push_back(nodes++);
      arcs.push_back({path[at], path[at + 1], literal(text.substr(at, 1))});
    }
    const size_t alone = std::max(shared, next);  // what no other text says from here on is one part
    if (alone == text.size())
      arcs.push_back({path[alone], 1, end});
    else
      arcs.push_back({path[alone], 1, literal(text.substr(alone))});
  }
  return graph(nodes, std::move(arcs));
}

GrammarPart GrammarBuilder::nothing() { return sequence({}); }
GrammarPart GrammarBuilder::impossible() { return choice({}); }

GrammarPart GrammarBuilder::literal(std::string_view bytes) {
  Node node{.kind = Kind::literal, .bytes = std::string(bytes), .parts = {}, .arcs = {}, .characters = {}};
  return add(std::move(node));
}

GrammarPart GrammarBuilder::character(const CharacterSet& any_of) {
  return add({.kind = Kind::character, .bytes = {}, .parts = {}, .arcs = {}, .characters = any_of});
}

GrammarPart GrammarBuilder::sequence(std::vector<GrammarPart> parts) {
  if (parts.size() == 1) return parts.front();
  return add({.kind = Kind::sequence, .bytes = {}, .parts = std::move(parts), .arcs = {}, .characters = {}});
}

GrammarPart GrammarBuilder::choice(std::vector<GrammarPart> parts) {
  if (parts.size() == 1) return parts.front();
  return add({.kind = Kind::choice, .bytes = {}, .parts = std::move(parts), .arcs = {}, .characters = {}});
}

GrammarPart GrammarBuilder::repeat(GrammarPart part, uint32_t least, uint32_t most) {
  if (least > most) throw Error(ErrorCode::invalid_argument, "a repetition has its most below its least");
  if (least == 1 && most == 1) return part;
  return add(
      {.kind = Kind::repeat, .least = least, .most = most, .bytes = {}, .parts = {part}, .arcs = {}, .characters = {}});
}

GrammarPart GrammarBuilder::graph(uint32_t nodes, std::vector<GrammarArc> arcs) {
  bytes_ += nodes;
  return add({.kind = Kind::graph,
              .most = std::max(nodes, 2u),
              .bytes = {},
              .parts = {},
              .arcs = std::move(arcs),
              .characters = {}});
}

GrammarPart GrammarBuilder::rule(std::string name) {
  return add({.kind = Kind::rule, .bytes = std::move(name), .parts = {}, .arcs = {}, .characters = {}});
}

void GrammarBuilder::define(GrammarPart rule, GrammarPart body) {
  Node& node = nodes_[rule.id];
  node.most = 1;
  node.parts = {body};
}

GrammarPart GrammarBuilder::any_text() { return repeat(character(CharacterSet::all()), 0); }

// The automaton of Aho and Corasick (1975) over characters.
GrammarPart GrammarBuilder::text_until(std::span<const std::string> ends) {
  struct Place {
    std::map<uint32_t, uint32_t> next;
    uint32_t shorter = 0;  // the longest other beginning that the text ends with here
    bool end = false;
  };
  std::vector<Place> places(1);
  for (const std::string& end : ends) {
    const auto characters = decode_utf8(end);
    if (!characters || characters->empty())
      throw Error(ErrorCode::invalid_argument, "a text that ends another is empty or no UTF-8");
    uint32_t at = 0;
    for (const uint32_t c : *characters) {
      const auto [found, fresh] = places[at].next.emplace(c, places.size());
      at = found->second;
      if (fresh) places.emplace_back();
    }
    places[at].end = true;
    if (places.size() > 10'000) throw Error(ErrorCode::invalid_argument, "the texts that end another are too long");
  }
  const auto step = [&](uint32_t at, uint32_t c) {
    for (;; at = places[at].shorter) {
      if (const auto found = places[at].next.find(c); found != places[at].next.end()) return found->second;
      if (at == 0) return 0u;
    }
  };
  std::deque<uint32_t> order{0};
  for (; !order.empty(); order.pop_front()) {
    const uint32_t at = order.front();
    for (const auto& [c, to] : places[at].next) {
      places[to].shorter = at == 0 ? 0 : step(places[at].shorter, c);
      places[to].end = places[to].end || places[places[to].shorter].end;
      order.push_back(to);
    }
  }
  // Node 0 is place 0, node 1 the end, place p node p + 1.
  const auto node = [&](uint32_t place) { return places[place].end ? 1 : place == 0 ? 0 : place + 1; };
  std::vector<GrammarArc> arcs;
  for (uint32_t at = 0; at < places.size(); ++at) {
    if (places[at].end) continue;
    std::vector<CharacterRange> named;
    std::map<uint32_t, std::vector<CharacterRange>> ways;
    for (uint32_t from = at;; from = places[from].shorter) {
      for (const auto& [c, to] : places[from].next) named.push_back({c, c});
      if (from == 0) break;
    }
    for (const CharacterRange& c : named) ways[node(step(at, c.first))].push_back(c);
    const CharacterSet others = CharacterSet(std::move(named)).complement();
    ways[0].insert(ways[0].end(), others.ranges().begin(), others.ranges().end());
    for (auto& [to, set] : ways) arcs.push_back({node(at), to, character(CharacterSet(std::move(set)))});
  }
  return graph(static_cast<uint32_t>(places.size()) + 1, std::move(arcs));
}

}  // namespace hearth
