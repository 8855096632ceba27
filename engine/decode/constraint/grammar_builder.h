// A language of byte strings, put together from parts; a LanguageAutomaton is made of it.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/decode/constraint/characters.h"

namespace hearth {

// A part of a grammar that is being built: an index that only its builder understands.
struct GrammarPart {
  uint32_t id = 0;
  auto operator<=>(const GrammarPart&) const = default;
};

// A way through a graph of parts: from one node to another by a text of `part`.
struct GrammarArc {
  uint32_t from = 0, to = 0;
  GrammarPart part;
};

// How a schema is followed.
struct SchemaOptions {
  // Keywords that cannot be followed are left out and listed instead of refused, as are formats and patterns outside
  // the subset. For schemas of tools, which clients write for other ends.
  bool lenient = false;
  // Objects that name properties, but say nothing of others, have no others.
  bool closed = false;
  std::string_view comma = ",", colon = ":";    // what stands between members and behind a key
  std::vector<std::string>* ignored = nullptr;  // gets the path of each keyword that was left out, with `lenient`
};

// Parts may be used any number of times, also within each other through rule() and define(). Nothing is checked until
// build_automaton(), but the size: every function throws Error (invalid_argument) once the grammar is too large.
class GrammarBuilder {
 public:
  static constexpr uint32_t kUnbounded = UINT32_MAX;
  static constexpr size_t kMostParts = 40'000, kMostBytes = 4 << 20;

  GrammarPart nothing();                              // the empty text
  GrammarPart impossible();                           // no text at all
  GrammarPart literal(std::string_view bytes);        // exactly these
  GrammarPart character(const CharacterSet& any_of);  // one character, in UTF-8
  GrammarPart one_of(const std::vector<std::string>& literals);
  GrammarPart sequence(std::vector<GrammarPart> parts);
  GrammarPart choice(std::vector<GrammarPart> parts);  // of none: impossible()
  GrammarPart optional(GrammarPart part) { return repeat(part, 0, 1); }
  GrammarPart repeat(GrammarPart part, uint32_t least, uint32_t most = kUnbounded);
  // The texts of all ways from node 0 to node 1.
  GrammarPart graph(uint32_t nodes, std::vector<GrammarArc> arcs);
  // A part that can be used before it is defined, and so within itself.
  GrammarPart rule(std::string name = {});
  void define(GrammarPart rule, GrammarPart body);

  // Any text up to and with the first place where one of these (none empty) stands.
  GrammarPart text_until(std::span<const std::string> ends);
  GrammarPart any_text();  // any UTF-8

  // JSON text of any value, or of what a schema (its JSON text) allows. Throws Error (invalid_argument) for what is no
  // schema or, unless lenient, cannot be followed; it names the keyword and its path.
  GrammarPart json_value(const SchemaOptions& options = {});
  GrammarPart json_schema(std::string_view schema, const SchemaOptions& options = {});

 private:
  friend class Assembler;
  enum class Kind : uint8_t { literal, character, sequence, choice, repeat, graph, rule };
  struct Node {
    Kind kind;
    uint32_t least = 0, most = 0;  // of a repeat; of a graph `most` is its nodes; of a rule whether it is defined
    std::string bytes;             // of a literal; a rule's name
    std::vector<GrammarPart> parts;
    std::vector<GrammarArc> arcs;
    CharacterSet characters;
  };
  GrammarPart add(Node node);

  std::vector<Node> nodes_;
  size_t bytes_ = 0;
};

}  // namespace hearth
