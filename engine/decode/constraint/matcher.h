// Follows an answer through an automaton, and says which tokens may come next.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/decode/constraint/automaton.h"
#include "engine/decode/constraint/token_trie.h"

namespace hearth {

class Machine;

// Begins where the automaton does, at any place of an answer. One thread at a time. mask(), accept() and forced() throw
// Error (invalid_argument) for automata so ambiguous that a token would take too long.
class Matcher {
 public:
  // at_start: the first token begins a text of its own, so that a SentencePiece space in front of it is no text.
  Matcher(std::shared_ptr<const LanguageAutomaton> automaton, std::shared_ptr<const TokenTrie> tokens,
          bool at_start = false);
  Matcher(Matcher&&) noexcept;
  Matcher& operator=(Matcher&&) noexcept;
  ~Matcher();

  // Sets the logits [at least vocabulary] of all tokens that may not come next to -infinity. Tokens that end the answer
  // stay only where may_end() and `may_stop`. False where that leaves none.
  bool mask(std::span<float> logits, bool may_stop = true);
  // Follows a token, or bytes; false, without a change, where they may not come.
  bool accept(int32_t token);
  bool accept_bytes(std::string_view bytes);
  // The tokens that make up what has to come next, as far as they are certain; they are not yet accepted. Empty where
  // there is a choice.
  std::vector<int32_t> forced();
  // The bytes that have to come next, at most `most` of them.
  std::string forced_bytes(size_t most = kMostForced);
  bool may_end() const;   // the text so far is whole
  bool finished() const;  // and nothing may follow

 private:
  static constexpr size_t kMostForced = 4096;
  // Adds the bytes that have to come next; the configuration behind them.
  uint32_t follow_forced(size_t most, std::string& bytes);

  std::shared_ptr<const LanguageAutomaton> automaton_;
  std::shared_ptr<const TokenTrie> tokens_;
  std::unique_ptr<Machine> machine_;
  uint32_t now_ = 0;  // configuration of the machine
  bool at_start_ = false;
  std::vector<std::pair<int32_t, float>> kept_;  // of mask()
};

}  // namespace hearth
