// Regular expressions as JSON Schema uses them (ECMA-262), in the subset that needs no backtracking.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "engine/decode/constraint/characters.h"
#include "engine/decode/constraint/grammar_builder.h"

namespace hearth {

// Why a text is no pattern of the subset: one line.
class PatternError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Literals, classes, groups, alternatives, repetitions (lazy ones count as greedy: they match the same texts), and
// anchors where a match must begin or end. Not: references back, looking around, \b, \p. Immutable.
class Pattern {
 public:
  // What matches somewhere in a text, as JSON Schema has it. Throws PatternError.
  static Pattern parse(std::string_view text);
  static Pattern lengths(uint32_t least, uint32_t most);  // any texts of so many characters
  static Pattern texts(
      const std::vector<std::string>& texts);  // exactly one of these; ones that are no UTF-8 are left out

  // The whole texts in which the pattern matches; `character` makes the part of one character of a set.
  GrammarPart part(GrammarBuilder& builder, const std::function<GrammarPart(const CharacterSet&)>& character) const;

  struct Node {
    enum class Kind : uint8_t { characters, sequence, choice, repeat, start, end };
    Kind kind;
    uint32_t least = 0, most = 0;  // of a repeat
    CharacterSet set;
    std::vector<uint32_t> children;
  };
  const std::vector<Node>& nodes() const { return nodes_; }
  uint32_t root() const { return root_; }

 private:
  friend class PatternReader;
  uint32_t add(Node node);
  std::pair<uint32_t, uint32_t> split_at_anchor(uint32_t node, bool start, int depth);
  void resolve_anchors();

  std::vector<Node> nodes_;
  uint32_t root_ = 0;
};

// A deterministic automaton of several patterns at once.
class PatternProduct {
 public:
  // Takes from `work` what it costs; throws PatternError where that is not enough, or the product becomes too large. At
  // most 32 patterns.
  PatternProduct(const std::vector<const Pattern*>& patterns, size_t& work);

  // Which patterns match a text: bit i for pattern i.
  uint32_t match(std::string_view text) const;
  // All sets of patterns, as bits, that some text matches exactly.
  std::vector<uint32_t> outcomes() const;
  // The texts of which `accepts` says yes to what they match; impossible() where there are none.
  GrammarPart part(GrammarBuilder& builder, const std::function<bool(uint32_t)>& accepts,
                   const std::function<GrammarPart(const CharacterSet&)>& character) const;

 private:
  static constexpr uint32_t kDead = UINT32_MAX;

  std::vector<uint32_t> borders_;  // first characters of the classes that are told apart
  std::vector<uint32_t> next_;     // [states x classes]
  std::vector<uint32_t> matches_;  // [states]
};

}  // namespace hearth
