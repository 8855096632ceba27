// Sorting the tokens of a vocabulary into a trie.
#include "engine/decode/constraint/token_trie.h"

#include <algorithm>
#include <array>
#include <limits>

namespace hearth {
namespace {

// Classes that languages tell apart often.
constexpr std::array<uint8_t, 256> make_classes() {
  std::array<uint8_t, 256> classes{};
  for (size_t b = 0; b < 256; ++b) classes[b] = b < 0x20 ? 0 : 1;
  const auto range = [&](uint8_t first, uint8_t last, uint8_t number) {
    for (size_t b = first; b <= last; ++b) classes[b] = number;
  };
  range('a', 'f', 2);
  range('g', 'z', 3);
  range('A', 'F', 4);
  range('G', 'Z', 5);
  range('0', '9', 6);
  uint8_t next = 7;
  for (const char c : {' ', '"', '\\', '\n', '\r', '\t', '_', '-', '.', ',', ':', '/', '\'', '@', '+', '<', '>'})
    classes[static_cast<uint8_t>(c)] = next++;
  for (const char c : {'(', ')', '[', ']', '{', '}'}) classes[static_cast<uint8_t>(c)] = next;
  range(0x80, 0xFF, 31);
  range(0xE2, 0xE2, 30);
  return classes;
}
constexpr auto kClasses = make_classes();

// Reading UTF-8: a state is what has to come next. 0: a character begins; 1 to 3: that many bytes of any value; 4 to 7:
// the second byte after E0, ED, F0, F4.
constexpr uint8_t kBroken = 255, kUtf8States = 8;
uint8_t after_utf8_byte(uint8_t state, uint8_t byte) {
  constexpr uint8_t kLow[] = {0, 0x80, 0x80, 0x80, 0xA0, 0x80, 0x90, 0x80};
  constexpr uint8_t kHigh[] = {0, 0xBF, 0xBF, 0xBF, 0xBF, 0x9F, 0xBF, 0x8F};
  constexpr uint8_t kThen[] = {0, 0, 1, 2, 1, 1, 2, 2};
  if (state != 0) return byte >= kLow[state] && byte <= kHigh[state] ? kThen[state] : kBroken;
  if (byte < 0x80) return 0;
  if (byte < 0xC2 || byte > 0xF4) return kBroken;
  if (byte < 0xE0) return 1;
  if (byte < 0xF0) return byte == 0xE0 ? 4 : byte == 0xED ? 5 : 2;
  return byte == 0xF0 ? 6 : byte == 0xF4 ? 7 : 3;
}

}  // namespace

uint32_t byte_class(uint8_t byte) { return 1u << kClasses[byte]; }

TokenTrie::TokenTrie(const std::vector<std::string>& texts, std::vector<int32_t> ends) : ends_(std::move(ends)) {
  offsets_.push_back(0);
  for (const std::string& text : texts) {
    // A longer one would be no word of any language; it costs every walk.
    const bool fits = text.size() < std::numeric_limits<uint16_t>::max();
    if (fits) bytes_.insert(bytes_.end(), text.begin(), text.end());
    offsets_.push_back(bytes_.size());
    (fits && !text.empty() ? tokens_ : without_text_).push_back(static_cast<int32_t>(offsets_.size() - 2));
    if (fits) longest_ = std::max(longest_, static_cast<uint32_t>(text.size()));
  }
  std::sort(tokens_.begin(), tokens_.end(), [&](int32_t a, int32_t b) {
    const int order = bytes(a).compare(bytes(b));
    return order != 0 ? order < 0 : a < b;
  });
  make_nodes();
  describe_nodes();
}

std::string_view TokenTrie::bytes(int32_t token) const {
  const auto i = static_cast<size_t>(token);
  return {bytes_.data() + offsets_[i], offsets_[i + 1] - offsets_[i]};
}

TokenTrie::Match TokenTrie::longest_match(std::string_view text) const {
  Match match{-1, 0, false};
  uint32_t at = 0, end = static_cast<uint32_t>(nodes_.size());
  for (size_t i = 0; i < text.size(); ++i) {
    while (at < end && nodes_[at].byte != static_cast<uint8_t>(text[i])) at = nodes_[at].skip;
    if (at >= end) return match;
    if (nodes_[at].own > 0) match = {tokens_[nodes_[at].first], i + 1, false};
    end = nodes_[at].skip;
    ++at;
  }
  match.open = at < end;
  return match;
}

void TokenTrie::make_nodes() {
  std::vector<uint32_t> path;  // the nodes above, one for each byte
  const auto close = [&](size_t depth, uint32_t token) {
    for (; path.size() > depth; path.pop_back()) {
      nodes_[path.back()].skip = static_cast<uint32_t>(nodes_.size());
      nodes_[path.back()].last = token;
    }
  };
  std::string_view before;
  for (uint32_t i = 0; i < tokens_.size(); ++i) {
    const std::string_view text = bytes(tokens_[i]);
    const auto common = static_cast<size_t>(
        std::mismatch(before.begin(), before.end(), text.begin(), text.end()).first - before.begin());
    close(common, i);
    for (size_t depth = common; depth < text.size(); ++depth) {
      path.push_back(static_cast<uint32_t>(nodes_.size()));
      nodes_.push_back({.skip = 0,
                        .first = i,
                        .last = 0,
                        .below = 0,
                        .depth = static_cast<uint16_t>(depth + 1),
                        .own = 0,
                        .characters = 0,
                        .byte = static_cast<uint8_t>(text[depth]),
                        .well_formed = true});
    }
    ++nodes_[path.back()].own;
    before = text;
  }
  close(0, static_cast<uint32_t>(tokens_.size()));
}

void TokenTrie::describe_nodes() {
  std::vector<uint8_t> fits(nodes_.size(), 255);  // [node] bit s: what is below can be read in state s
  for (size_t i = nodes_.size(); i-- > 0;) {
    Node& node = nodes_[i];
    for (uint32_t child = static_cast<uint32_t>(i) + 1; child < node.skip; child = nodes_[child].skip) {
      const Node& one = nodes_[child];
      node.below |= one.below | byte_class(one.byte);
      const bool begins = (one.byte & 0xC0) != 0x80;
      node.characters = std::max(node.characters, static_cast<uint16_t>(one.characters + (begins ? 1 : 0)));
      for (uint8_t state = 0; state < kUtf8States; ++state) {
        const uint8_t then = after_utf8_byte(state, one.byte);
        if (then == kBroken || (fits[child] >> then & 1) == 0) fits[i] &= static_cast<uint8_t>(~(1u << state));
      }
    }
    node.well_formed = (fits[i] & 1) != 0;
  }
}

std::shared_ptr<const TokenTrie> TokenTrie::make(const Tokenizer& tokenizer) {
  const Vocabulary& vocabulary = tokenizer.vocabulary();
  const auto texts = [&](bool at_start) {
    std::vector<std::string> result(static_cast<size_t>(vocabulary.size()));
    for (int32_t id = 0; id < vocabulary.size(); ++id) {
      const TokenType type = vocabulary.type(id);
      if (type == TokenType::unknown || type == TokenType::control || type == TokenType::unused) continue;
      if (vocabulary.is_end_of_generation(id) || id == vocabulary.special().bos) continue;
      bool start = at_start;
      tokenizer.append_bytes(id, false, start, result[static_cast<size_t>(id)]);
    }
    return result;
  };
  const std::vector<std::string> plain = texts(false), first = texts(true);
  auto trie = std::make_shared<TokenTrie>(plain, vocabulary.end_of_generation());
  if (first != plain) trie->start_ = std::make_unique<TokenTrie>(first, vocabulary.end_of_generation());
  return trie;
}

}  // namespace hearth
