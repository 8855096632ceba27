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

Pattern Pattern::parse(std::string_view text) { return PatternReader(text).read(); }

}  // namespace hearth
