// States as they come out of a grammar, before they are known to be sound.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "engine/decode/constraint/automaton.h"

namespace hearth {

struct DraftState {
  std::vector<LanguageAutomaton::Edge> edges;
  std::vector<uint32_t> jumps;
  std::vector<LanguageAutomaton::Call> calls;
  uint32_t loop = LanguageAutomaton::kNone;
  bool final = false;
};

struct AutomatonDraft {
  std::vector<DraftState> states;
  std::vector<LanguageAutomaton::Loop> loops;
  std::map<uint32_t, std::string> names;  // of rules, by their first state
  uint32_t start = 0;
};

// Takes away what leads to no end, refuses what could go round without a byte, and packs the rest.
std::shared_ptr<const LanguageAutomaton> finish_automaton(AutomatonDraft draft);

}  // namespace hearth
