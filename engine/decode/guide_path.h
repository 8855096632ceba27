// One way that an answer may go: fixed tokens, then texts that automata follow.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <variant>
#include <vector>

#include "engine/decode/constraint/automaton.h"
#include "engine/decode/constraint/matcher.h"
#include "engine/decode/constraint/token_trie.h"
#include "engine/text/answer/format.h"

namespace hearth {

// The arguments of the call under way; which automaton follows them is known only then.
struct GuideArguments {
  const CallFormat* format;
};
using GuideStep = std::variant<std::vector<int32_t>, std::shared_ptr<const LanguageAutomaton>, GuideArguments>;

// One thread at a time.
class GuidePath {
 public:
  // What an answer becomes on this way.
  enum class Kind : uint8_t { reasoning, call, text };

  GuidePath(Kind kind, std::vector<GuideStep> steps, std::shared_ptr<const TokenTrie> trie, bool at_start);

  Kind kind() const { return kind_; }
  // Adds to `allowed` the logits of tokens that may come next: all others there stay as they are. `may_stop`: tokens
  // that end the answer may come where the last step may end.
  void allow(std::span<const float> logits, std::span<float> allowed, bool may_stop);
  // Sets the logits of all other tokens to -infinity. False where that leaves none.
  bool mask(std::span<float> logits, bool may_stop);
  // Follows a token; false where it may not come.
  bool accept(int32_t token);
  // The tokens that have to come next, as far as they are certain.
  std::vector<int32_t> forced();

  bool finished() const { return at_ == steps_.size(); }
  // Where the arguments of the call under way come next: in which format. Null elsewhere.
  const CallFormat* wants_arguments() const;
  // What they must be; null: anything, and the way ends.
  void give_arguments(std::shared_ptr<const LanguageAutomaton> automaton);

 private:
  void enter(size_t step);

  Kind kind_;
  std::vector<GuideStep> steps_;
  std::shared_ptr<const TokenTrie> trie_;
  bool at_start_;
  size_t at_ = 0;                   // step
  size_t token_ = 0;                // of a step of tokens
  std::optional<Matcher> matcher_;  // of a step that an automaton follows
};

}  // namespace hearth
