// Patterns without their anchors, and as parts of a grammar.
#include "engine/decode/constraint/pattern.h"

namespace hearth {

uint32_t Pattern::add(Node node) {
  nodes_.push_back(std::move(node));
  return static_cast<uint32_t>(nodes_.size() - 1);
}

// Two patterns for one: what needs the anchor at this side, and what does not; UINT32_MAX where there is none.
std::pair<uint32_t, uint32_t> Pattern::split_at_anchor(uint32_t number, bool start, int depth) {
  constexpr uint32_t kNone = UINT32_MAX;
  const Node node = nodes_[number];
  const auto empty = [&] { return add({.kind = Node::Kind::sequence, .set = {}, .children = {}}); };
  if (depth > 400) throw PatternError("is nested too deeply");
  if (node.kind == (start ? Node::Kind::start : Node::Kind::end)) return {empty(), kNone};
  if (node.kind == Node::Kind::choice) {
    std::vector<uint32_t> with, without;
    for (const uint32_t child : node.children) {
      const auto [a, b] = split_at_anchor(child, start, depth + 1);
      if (a != kNone) with.push_back(a);
      if (b != kNone) without.push_back(b);
    }
    const auto join = [&](std::vector<uint32_t> ways) {
      if (ways.empty()) return kNone;
      if (ways.size() == 1) return ways[0];
      return add({.kind = Node::Kind::choice, .set = {}, .children = std::move(ways)});
    };
    const uint32_t anchored = join(std::move(with));
    return {anchored, join(std::move(without))};
  }
  if (node.kind != Node::Kind::sequence || node.children.empty()) return {kNone, number};
  const size_t edge = start ? 0 : node.children.size() - 1;
  const auto [a, b] = split_at_anchor(node.children[edge], start, depth + 1);
  const auto with_edge = [&](uint32_t child) {
    if (child == kNone || child == node.children[edge]) return child == kNone ? kNone : number;
    Node changed = node;
    changed.children[edge] = child;
    return add(std::move(changed));
  };
  const uint32_t anchored = with_edge(a);
  return {anchored, with_edge(b)};
}

// Any text may stand where there is no anchor; after that no anchor may be left.
void Pattern::resolve_anchors() {
  constexpr uint32_t kNone = UINT32_MAX;
  const uint32_t any_one = add({.kind = Node::Kind::characters, .set = CharacterSet::all(), .children = {}});
  const uint32_t any = add(
      {.kind = Node::Kind::repeat, .least = 0, .most = GrammarBuilder::kUnbounded, .set = {}, .children = {any_one}});
  for (const bool start : {true, false}) {
    const auto [anchored, open] = split_at_anchor(root_, start, 0);
    std::vector<uint32_t> ways;
    if (anchored != kNone) ways.push_back(anchored);
    if (open != kNone)
      ways.push_back(add({.kind = Node::Kind::sequence,
                          .set = {},
                          .children = start ? std::vector{any, open} : std::vector{open, any}}));
    root_ = ways.size() == 1 ? ways[0] : add({.kind = Node::Kind::choice, .set = {}, .children = ways});
  }
  std::vector<uint32_t> waiting{root_};
  std::vector<bool> seen(nodes_.size(), false);
  while (!waiting.empty()) {
    const Node& node = nodes_[waiting.back()];
    waiting.pop_back();
    if (node.kind == Node::Kind::start || node.kind == Node::Kind::end)
      throw PatternError("has an anchor in the middle");
    for (const uint32_t child : node.children)
      if (!seen[child]) {
        seen[child] = true;
        waiting.push_back(child);
      }
  }
}

Pattern Pattern::lengths(uint32_t least, uint32_t most) {
  Pattern pattern;
  const uint32_t any = pattern.add({.kind = Node::Kind::characters, .set = CharacterSet::all(), .children = {}});
  pattern.root_ = pattern.add({.kind = Node::Kind::repeat, .least = least, .most = most, .set = {}, .children = {any}});
  return pattern;
}

Pattern Pattern::texts(const std::vector<std::string>& texts) {
  Pattern pattern;
  std::vector<uint32_t> ways;
  for (const std::string& text : texts) {
    const auto characters = decode_utf8(text);
    if (!characters) continue;
    std::vector<uint32_t> parts;
    for (const uint32_t c : *characters)
      parts.push_back(pattern.add({.kind = Node::Kind::characters, .set = CharacterSet({{c, c}}), .children = {}}));
    ways.push_back(pattern.add({.kind = Node::Kind::sequence, .set = {}, .children = std::move(parts)}));
  }
  pattern.root_ = pattern.add({.kind = Node::Kind::choice, .set = {}, .children = std::move(ways)});
  return pattern;
}

// Nodes come after their children.
GrammarPart Pattern::part(GrammarBuilder& builder,
                          const std::function<GrammarPart(const CharacterSet&)>& character) const {
  std::vector<GrammarPart> parts(nodes_.size());
  std::vector<bool> wanted(nodes_.size(), false);
  wanted[root_] = true;
  for (size_t i = nodes_.size(); i-- > 0;)
    if (wanted[i])
      for (const uint32_t child : nodes_[i].children) wanted[child] = true;
  for (size_t i = 0; i < nodes_.size(); ++i) {
    if (!wanted[i]) continue;
    const Node& node = nodes_[i];
    std::vector<GrammarPart> children;
    for (const uint32_t child : node.children) children.push_back(parts[child]);
    if (node.kind == Node::Kind::characters)
      parts[i] = character(node.set);
    else if (node.kind == Node::Kind::choice)
      parts[i] = builder.choice(std::move(children));
    else if (node.kind == Node::Kind::repeat)
      parts[i] = builder.repeat(children[0], node.least, node.most);
    else
      parts[i] = builder.sequence(std::move(children));
  }
  return parts[root_];
}

}  // namespace hearth
