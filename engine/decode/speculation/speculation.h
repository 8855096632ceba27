// Which guesses are worth a place in a step.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "engine/decode/speculation/draft_model.h"
#include "engine/decode/speculation/guess.h"
#include "engine/decode/step_budget.h"

namespace hearth {

struct SpeculationOptions {
  bool lookup = false;          // guess from the text
  DraftModel* draft = nullptr;  // and with this model, where that promises more; must outlive it
};

// A step that computes guessed tokens behind the last one of a sequence knows what follows each of them, so that those
// which come true have cost no step of their own. What is drawn is drawn from the model's own logits; a guess changes
// none. Guesses are tried as far as the tokens expected of a second grow by it: what steps take is known from earlier
// ones, and how often a kind of guess comes true is counted, whether it was tried or not. One thread at a time.
class Speculation {
 public:
  explicit Speculation(const SpeculationOptions& options);

  struct Sequence {
    std::span<const int32_t> tokens;
    uint32_t most;       // guesses that could be of use
    Guess guess;         // what is thought to follow
    uint32_t tried = 0;  // so many of it shall be in the step
  };
  // Guesses for sequences of a step that has `generating` rows without them.
  void guess(std::span<Sequence> sequences, uint32_t generating, const StepBudget& budget);
  // What followed in truth, as far as it is known.
  void observe(const Guess& guess, std::span<const int32_t> followed);

 private:
  static constexpr uint32_t kMostTogether = 64;  // rows of a step that has guesses
  static constexpr uint32_t kMostGuesses = 16;   // of a sequence
  static constexpr uint64_t kProbe = 64;         // steps after which a draft that does not pay is tried again

  void ask_draft_model(std::span<Sequence> sequences, uint32_t generating, const StepBudget& budget);
  void choose(std::span<Sequence> sequences, uint32_t generating, const StepBudget& budget) const;

  SpeculationOptions options_;
  std::array<double, kTextKinds + kDraftKinds> rates_;  // of guesses that come true, by kind
  double draft_rate_ = 0.6;                             // of first guesses of the draft model
  uint64_t steps_ = 0, probed_ = 0;
};

}  // namespace hearth
