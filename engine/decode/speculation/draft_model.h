// A small model that guesses how sequences go on.
#pragma once

#include <functional>
#include <span>

#include "backends/backend.h"
#include "engine/decode/prefix_cache.h"
#include "engine/decode/speculation/guess.h"
#include "engine/decode/step_clock.h"

namespace hearth {

// Keeps what it computed of each sequence in pages of its own, as long as there is room. One thread at a time; the plan
// must outlive it.
class DraftModel {
 public:
  // The first `known` tokens may be guessed.
  DraftModel(Plan& plan, const Limits& limits, uint32_t known, StepClock clock = steady_seconds);

  struct Sequence {
    std::span<const int32_t> tokens;
    uint32_t most;  // tokens to guess
    Guess guess;
  };
  // Appends its likeliest tokens to the guesses of all sequences, side by side. worth: asked before each token of a
  // sequence. Throws DeviceError.
  void guess(std::span<Sequence> sequences, const std::function<bool(const Sequence&)>& worth);

  // Another plan of the same program and limits computes from now on; of the old one nothing is kept.
  void go_on(Plan& plan);

  // That one more token of one sequence takes, a recent mean; 0 while it is not known.
  double seconds_per_token() const { return seconds_; }

 private:
  struct Going;
  using Worth = std::function<bool(const Sequence&)>;
  bool step(std::span<Going> all, const Worth& worth);

  Plan* plan_;
  Limits limits_;
  int32_t known_;
  StepClock clock_;
  PrefixCache cache_;
  double seconds_ = 0;
};

}  // namespace hearth
