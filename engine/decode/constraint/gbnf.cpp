// Reading GBNF.
#include "engine/decode/constraint/gbnf.h"

#include <algorithm>
#include <map>

#include "engine/include/hearth/hearth.h"

namespace hearth {
namespace {

constexpr size_t kMostGrammarBytes = 256 << 10;

bool is_name_character(uint32_t c) {
  return (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z') || c == '-' || c == '_';
}

class GbnfReader {
 public:
  GbnfReader(GrammarBuilder& builder, std::vector<uint32_t> text) : builder_(builder), text_(std::move(text)) {}

  GrammarPart read() {
    for (skip(true); !ended(); skip(true)) read_rule();
    for (const auto& [name, rule] : rules_)
      if (!rule.defined) fail_at(rule.line, "the rule " + name + " is used, but not defined");
    const auto root = rules_.find("root");
    if (root == rules_.end()) throw Error(ErrorCode::invalid_argument, "grammar: there is no rule named root");
    return root->second.part;
  }

 private:
  struct Rule {
    GrammarPart part;
    size_t line = 0;  // of its first use
    bool defined = false;
  };
  // What stands between two parentheses.
  struct Level {
    std::vector<GrammarPart> ways, parts;
  };

  [[noreturn]] static void fail_at(size_t line, const std::string& what) {
    throw Error(ErrorCode::invalid_argument, "grammar line " + std::to_string(line) + ": " + what);
  }
  [[noreturn]] void fail(const std::string& what) const { fail_at(line_, what); }

  bool ended() const { return at_ >= text_.size(); }
  uint32_t peek() const { return ended() ? 0 : text_[at_]; }
  bool accept(uint32_t c) {
    if (ended() || text_[at_] != c) return false;
    ++at_;
    return true;
  }

  // White space and comments; line ends only where `lines`.
  void skip(bool lines) {
    while (!ended()) {
      const uint32_t c = peek();
      if (c == '#')
        while (!ended() && peek() != '\n' && peek() != '\r') ++at_;
      else if (c == ' ' || c == '\t')
        ++at_;
      else if (lines && (c == '\n' || c == '\r'))
        line_ += text_[at_++] == '\n';
      else
        return;
    }
  }

  std::string name() {
    std::string result;
    while (!ended() && is_name_character(peek())) result += static_cast<char>(text_[at_++]);
    if (result.empty()) fail("a name is expected");
    if (result.size() > 200) fail("a name is too long");
    return result;
  }

  Rule& rule(const std::string& name) {
    const auto [found, fresh] = rules_.emplace(name, Rule{});
    if (fresh) found->second = {builder_.rule(name), line_, false};
    return found->second;
  }

  void read_rule() {
    const std::string own = name();
    skip(false);
    if (!accept(':') || !accept(':') || !accept('=')) fail("::= is expected behind the name " + own);
    skip(true);
    Rule& one = rule(own);
    if (one.defined) fail("the rule " + own + " is defined twice");
    one.defined = true;
    const GrammarPart body = alternatives();
    builder_.define(rule(own).part, body);
    if (!ended() && peek() != '\n' && peek() != '\r') fail("something is left behind the rule " + own);
  }

  // Without recursion: parentheses may be nested as deep as the text allows.
  GrammarPart alternatives() {
    std::vector<Level> levels(1);
    for (;;) {
      skip(levels.size() > 1);
      Level& level = levels.back();
      if (accept('(')) {
        levels.emplace_back();
        skip(true);
      } else if (accept('|')) {
        level.ways.push_back(builder_.sequence(std::move(level.parts)));
        level.parts.clear();
        skip(true);
      } else if (peek() == ')' && levels.size() > 1) {
        ++at_;
        const GrammarPart inner = close(level);
        levels.pop_back();
        levels.back().parts.push_back(repeated(inner));
      } else if (accept('"')) {
        level.parts.push_back(repeated(literal()));
      } else if (accept('[')) {
        level.parts.push_back(repeated(builder_.character(char_class())));
      } else if (accept('.')) {
        level.parts.push_back(repeated(builder_.character(CharacterSet::all())));
      } else if (!ended() && is_name_character(peek())) {
        level.parts.push_back(repeated(rule(name()).part));
      } else if (levels.size() > 1) {
        fail("a ) is missing");
      } else {
        return close(level);
      }
    }
  }

  GrammarPart close(Level& level) {
    level.ways.push_back(builder_.sequence(std::move(level.parts)));
    return builder_.choice(std::move(level.ways));
  }

  GrammarPart repeated(GrammarPart part) {
    for (;;) {
      if (accept('*')) {
        part = builder_.repeat(part, 0);
      } else if (accept('+')) {
        part = builder_.repeat(part, 1);
      } else if (accept('?')) {
        part = builder_.repeat(part, 0, 1);
      } else if (accept('{')) {
        skip(false);
        const uint32_t least = number();
        uint32_t most = least;
        skip(false);
        if (accept(',')) {
          skip(false);
          most = peek() >= '0' && peek() <= '9' ? number() : GrammarBuilder::kUnbounded;
          skip(false);
        }
        if (!accept('}')) fail("a } is missing");
        if (most < least) fail("a repetition has its most below its least");
        part = builder_.repeat(part, least, most);
      } else {
        return part;
      }
    }
  }

  uint32_t number() {
    if (peek() < '0' || peek() > '9') fail("a number is expected");
    uint64_t value = 0;
    for (; peek() >= '0' && peek() <= '9'; ++at_) value = std::min<uint64_t>(value * 10 + peek() - '0', 1u << 31);
    if (value > 1'000'000'000) fail("a repetition is too large");
    return static_cast<uint32_t>(value);
  }

  uint32_t hex(int digits) {
    uint32_t value = 0;
    for (int i = 0; i < digits; ++i, ++at_) {
      const uint32_t c = peek();
      const bool digit = c >= '0' && c <= '9', letter = (c | 32) >= 'a' && (c | 32) <= 'f';
      if (!digit && !letter) fail("an escape lacks digits");
      value = value << 4 | (digit ? c - '0' : (c | 32) - 'a' + 10);
    }
    if (value > CharacterSet::kLast || (value >= 0xD800 && value < 0xE000)) fail("an escape is no character");
    return value;
  }

  // One character of a literal or class; `end` closes it.
  uint32_t character(uint32_t end) {
    if (ended() || peek() == '\n') fail(std::string("a ") + static_cast<char>(end) + " is missing");
    const uint32_t c = text_[at_++];
    if (c != '\\') return c;
    if (ended()) fail("an escape is not finished");
    const uint32_t escape = text_[at_++];
    switch (escape) {
      case 'x':
        return hex(2);
      case 'u':
        return hex(4);
      case 'U':
        return hex(8);
      case 't':
        return '\t';
      case 'r':
        return '\r';
      case 'n':
        return '\n';
      case '\\':
      case '"':
      case '[':
      case ']':
      case '-':
      case '^':
        return escape;
      default:
        fail("an escape is not known");
    }
  }

  GrammarPart literal() {
    std::string bytes;
    while (!accept('"')) append_utf8(character('"'), bytes);
    return builder_.literal(bytes);
  }

  CharacterSet char_class() {
    const bool negated = accept('^');
    std::vector<CharacterRange> ranges;
    while (!accept(']')) {
      const uint32_t first = character(']');
      uint32_t last = first;
      if (peek() == '-' && at_ + 1 < text_.size() && text_[at_ + 1] != ']') {
        ++at_;
        last = character(']');
        if (last < first) fail("a range of characters falls");
      }
      ranges.push_back({first, last});
    }
    const CharacterSet set(std::move(ranges));
    return negated ? set.complement() : set;
  }

  GrammarBuilder& builder_;
  std::vector<uint32_t> text_;
  size_t at_ = 0, line_ = 1;
  std::map<std::string, Rule> rules_;
};

}  // namespace

GrammarPart read_gbnf(GrammarBuilder& builder, std::string_view text) {
  if (text.size() > kMostGrammarBytes)
    throw Error(ErrorCode::invalid_argument,
                "the grammar is larger than " + std::to_string(kMostGrammarBytes >> 10) + " KiB");
  auto characters = decode_utf8(text);
  if (!characters) throw Error(ErrorCode::invalid_argument, "the grammar is no UTF-8");
  return GbnfReader(builder, std::move(*characters)).read();
}

}  // namespace hearth
