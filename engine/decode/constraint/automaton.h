// A pushdown automaton over bytes: what grammars and schemas are compiled into.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "engine/decode/constraint/grammar_builder.h"

namespace hearth {

class Machine;

// Immutable once built, but for the machines that wait in it for their next answer. Every state lies on a way to the
// end of the text, and no way leads around in a circle without a byte while it goes deeper.
class LanguageAutomaton {
 public:
  static constexpr uint32_t kNone = UINT32_MAX;
  static constexpr uint32_t kUnbounded = GrammarBuilder::kUnbounded;

  struct Edge {
    uint8_t low, high;  // both included
    uint32_t to;
  };
  // Go to `to`, and when that way ends, to `next`; kNone: it ends here too.
  struct Call {
    uint32_t to, next;
  };
  // `body` from least to most times, then go to `next`.
  struct Loop {
    uint32_t body, next, least, most;
    bool nullable;  // the body may be empty; least is 0 then
  };
  struct State {
    uint32_t edges = 0, edge_count = 0;  // into edges()
    uint32_t jumps = 0, jump_count = 0;  // into jumps(): ways without a byte
    uint32_t calls = 0, call_count = 0;
    uint32_t loop = kNone;
    bool final = false;  // a way that was called ends
  };

  std::vector<State> states;
  std::vector<Edge> edges;
  std::vector<uint32_t> jumps;
  std::vector<Call> calls;
  std::vector<Loop> loops;
  uint32_t start = 0;

  size_t memory() const;  // bytes

  // A machine that an answer has used is warm for the next one.
  std::unique_ptr<Machine> borrow_machine() const;
  void give_back(std::unique_ptr<Machine> machine) const;

  LanguageAutomaton();
  ~LanguageAutomaton();

 private:
  mutable std::mutex mutex_;
  mutable std::vector<std::unique_ptr<Machine>> idle_;
};

// Throws Error (invalid_argument), naming the rule where it has a name, for rules that are not defined, that call
// themselves before any byte, or where no text at all fits; also for what becomes too large.
std::shared_ptr<const LanguageAutomaton> build_automaton(const GrammarBuilder& builder, GrammarPart root);

}  // namespace hearth
