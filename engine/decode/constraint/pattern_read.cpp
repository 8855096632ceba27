// Reading regular expressions.
#include <algorithm>

#include "engine/decode/constraint/pattern.h"

namespace hearth {
namespace {

constexpr uint32_t kDeepestGroup = 200;
constexpr size_t kMostPatternNodes = 20'000;

CharacterSet digit_characters() { return CharacterSet({{'0', '9'}}); }
CharacterSet word_characters() { return CharacterSet({{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}}); }
CharacterSet space_characters() {
  return CharacterSet({{9, 13},
                       {' ', ' '},
                       {0xA0, 0xA0},
                       {0x1680, 0x1680},
                       {0x2000, 0x200A},
                       {0x2028, 0x2029},
                       {0x202F, 0x202F},
                       {0x205F, 0x205F},
                       {0x3000, 0x3000},
                       {0xFEFF, 0xFEFF}});
}
CharacterSet line_characters() { return CharacterSet({{'\n', '\n'}, {'\r', '\r'}, {0x2028, 0x2029}}).complement(); }

}  // namespace

class PatternReader {
 public:
  explicit PatternReader(std::string_view text) {
    if (const auto characters = decode_utf8(text))
      text_ = *characters;
    else
      fail("is no UTF-8");
  }

  Pattern read() {
    pattern_.root_ = choice(0);
    if (at_ < text_.size()) fail("has a ) too many");
    pattern_.resolve_anchors();
    return std::move(pattern_);
  }

 private:
  using Node = Pattern::Node;

  [[noreturn]] void fail(const std::string& what) const {
    throw PatternError(what + " (at " + std::to_string(at_) + ")");
  }
  bool ended() const { return at_ >= text_.size(); }
  uint32_t peek() const { return ended() ? 0 : text_[at_]; }
  bool accept(uint32_t c) {
    if (ended() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  bool accept(std::string_view word) {
    if (text_.size() - at_ < word.size() ||
        !std::equal(word.begin(), word.end(), text_.begin() + static_cast<ptrdiff_t>(at_)))
      return false;
    at_ += word.size();
    return true;
  }
  uint32_t add(Node node) {
    if (pattern_.nodes_.size() > kMostPatternNodes) fail("is too long");
    return pattern_.add(std::move(node));
  }
  uint32_t characters(CharacterSet set) {
    return add({.kind = Node::Kind::characters, .set = std::move(set), .children = {}});
  }

  uint32_t choice(uint32_t depth) {
    if (depth > kDeepestGroup) fail("is nested too deeply");
    std::vector<uint32_t> ways{sequence(depth)};
    while (accept('|')) ways.push_back(sequence(depth));
    if (ways.size() == 1) return ways[0];
    return add({.kind = Node::Kind::choice, .set = {}, .children = std::move(ways)});
  }

  uint32_t sequence(uint32_t depth) {
    std::vector<uint32_t> parts;
    while (!ended() && peek() != '|' && peek() != ')') parts.push_back(repeated(atom(depth)));
    if (parts.size() == 1) return parts[0];
    return add({.kind = Node::Kind::sequence, .set = {}, .children = std::move(parts)});
  }

  uint32_t atom(uint32_t depth) {
    if (accept('^')) return add({.kind = Node::Kind::start, .set = {}, .children = {}});
    if (accept('$')) return add({.kind = Node::Kind::end, .set = {}, .children = {}});
    if (accept('.')) return characters(line_characters());
    if (accept('[')) return characters(char_class());
    if (accept('(')) {
      if (accept("?:") || accept("?<")) {
        if (text_[at_ - 1] == '<') group_name();
      } else if (peek() == '?') {
        fail("looks ahead or has flags");
      }
      const uint32_t inner = choice(depth + 1);
      if (!accept(')')) fail("lacks a )");
      return inner;
    }
    if (accept('\\')) return characters(escape(false));
    if (peek() == '*' || peek() == '+' || peek() == '?') fail("repeats nothing");
    return characters(one(text_[at_++]));
  }

  void group_name() {
    if (peek() == '=' || peek() == '!') fail("looks behind");
    while (!ended() && peek() != '>') ++at_;
    if (!accept('>')) fail("lacks a >");
  }

  static CharacterSet one(uint32_t c) { return CharacterSet({{c, c}}); }

  uint32_t repeated(uint32_t node) {
    uint32_t least = 0, most = GrammarBuilder::kUnbounded;
    if (accept('+')) {
      least = 1;
    } else if (accept('?')) {
      most = 1;
    } else if (!accept('*') && !counts(least, most)) {
      return node;
    }
    accept('?');
    if (peek() == '*' || peek() == '+' || peek() == '?') fail("repeats a repetition");
    const Node::Kind kind = pattern_.nodes_[node].kind;
    if (kind == Node::Kind::start || kind == Node::Kind::end) fail("repeats an anchor");
    return add({.kind = Node::Kind::repeat, .least = least, .most = most, .set = {}, .children = {node}});
  }

  // {n}, {n,} or {n,m}; anything else in braces is text.
  bool counts(uint32_t& least, uint32_t& most) {
    const size_t before = at_;
    if (!accept('{')) return false;
    const auto number = [&](uint32_t& value) {
      const size_t begin = at_;
      uint64_t sum = 0;
      for (; peek() >= '0' && peek() <= '9'; ++at_) sum = std::min<uint64_t>(sum * 10 + peek() - '0', UINT32_MAX);
      value = static_cast<uint32_t>(std::min<uint64_t>(sum, 1'000'000'000));
      return at_ > begin;
    };
    if (number(least)) {
      most = least;
      if (accept(',') && !number(most)) most = GrammarBuilder::kUnbounded;
      if (accept('}')) {
        if (least > most) fail("repeats at least more often than at most");
        return true;
      }
    }
    at_ = before;
    return false;
  }

  uint32_t hex(uint32_t digits) {
    uint32_t value = 0;
    for (uint32_t i = 0; i < digits; ++i, ++at_) {
      const uint32_t c = peek();
      const bool digit = c >= '0' && c <= '9', letter = (c | 32) >= 'a' && (c | 32) <= 'f';
      if (ended() || !(digit || letter)) fail("has an unfinished escape");
      value = value * 16 + (digit ? c - '0' : (c | 32) - 'a' + 10);
    }
    return value;
  }

  uint32_t unicode_escape() {
    if (accept('{')) {
      uint32_t value = 0;
      while (!ended() && peek() != '}' && value <= CharacterSet::kLast) value = value * 16 + hex(1);
      if (!accept('}') || value > CharacterSet::kLast) fail("has an escape that is no character");
      return value;
    }
    const uint32_t high = hex(4);
    if (high < 0xD800 || high > 0xDBFF) return high;
    if (!accept("\\u")) fail("has half a surrogate pair");
    const uint32_t low = hex(4);
    if (low < 0xDC00 || low > 0xDFFF) fail("has half a surrogate pair");
    return 0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00);
  }

  CharacterSet escape(bool in_class) {
    if (ended()) fail("ends with a \\");
    const uint32_t c = text_[at_++];
    switch (c) {
      case 'd':
        return digit_characters();
      case 'D':
        return digit_characters().complement();
      case 'w':
        return word_characters();
      case 'W':
        return word_characters().complement();
      case 's':
        return space_characters();
      case 'S':
        return space_characters().complement();
      case 't':
        return one('\t');
      case 'n':
        return one('\n');
      case 'r':
        return one('\r');
      case 'f':
        return one('\f');
      case 'v':
        return one('\v');
      case '0':
        return one(0);
      case 'x':
        return one(hex(2));
      case 'u':
        return one(unicode_escape());
      case 'c':
        if (ended() || (peek() | 32) < 'a' || (peek() | 32) > 'z') fail("has an unfinished escape");
        return one(text_[at_++] & 31);
      case 'b':
        if (in_class) return one('\b');
        fail("asks for the edge of a word");
      default:
        if (c >= '1' && c <= '9') fail("refers back to a group");
        if ((c | 32) >= 'a' && (c | 32) <= 'z') fail("has an escape that is not supported");
        return one(c);
    }
  }

  CharacterSet char_class() {
    const bool negated = accept('^');
    std::vector<CharacterRange> ranges;
    const auto member = [&](bool& single) {
      if (ended()) fail("lacks a ]");
      if (!accept('\\')) {
        single = true;
        return one(text_[at_++]);
      }
      const uint32_t kind = peek();
      single = std::string_view("dDwWsS").find(static_cast<char>(kind < 0x80 ? kind : 0)) == std::string_view::npos;
      return escape(true);
    };
    while (!accept(']')) {
      bool single = false;
      const CharacterSet first = member(single);
      ranges.insert(ranges.end(), first.ranges().begin(), first.ranges().end());
      if (!single || peek() != '-' || at_ + 1 >= text_.size() || text_[at_ + 1] == ']' || first.empty()) continue;
      ++at_;
      const CharacterSet last = member(single);
      if (!single || last.empty()) fail("has a range of classes");
      if (last.ranges()[0].first < first.ranges()[0].first) fail("has a range that falls");
      ranges.push_back({first.ranges()[0].first, last.ranges()[0].first});
    }
    const CharacterSet set(std::move(ranges));
    return negated ? set.complement() : set;
  }

  std::vector<uint32_t> text_;
  size_t at_ = 0;
  Pattern pattern_;
};

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

Pattern Pattern::parse(std::string_view text) { return PatternReader(text).read(); }

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
