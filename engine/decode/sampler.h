// Draws the next token from logits.
#pragma once

#include <cstdint>
#include <span>
#include <unordered_map>
#include <vector>

#include "backends/backend.h"
#include "engine/include/hearth/hearth.h"

namespace hearth {

// In this order: biases, penalties, top-k, top-p, min-p, temperature, draw. One sequence, one thread at a time. The
// draw depends on the seed, the number of draws before and the logits alone.
class Sampler {
 public:
  // Throws Error (invalid_argument) for options that cannot be.
  Sampler(const Sampling& options, uint64_t seed);

  // Counts a token of the prompt or the answer for the penalties.
  void accept(int32_t token);
  // logits: [vocabulary], at least one finite; they are changed by penalties. `bound`: something has to be drawn, so
  // biases that would forbid all that is left do not count.
  int32_t draw(std::span<float> logits, bool bound = false);

  // How many of the largest logits give the token that all would, after `ahead` more tokens; 0: all are needed.
  uint32_t candidates(uint32_t ahead = 0) const;
  // Of the largest logits, at least candidates() of them, or all that are numbers.
  int32_t draw(std::span<const Candidate> largest);

 private:
  bool biases_forbid_all(std::span<const float> logits) const;
  float penalised(float logit, uint32_t count) const;
  void apply_penalties(std::span<float> logits) const;
  void lower(Candidate& one) const;
  void keep_top(std::span<const float> logits);
  void keep_likely();
  int32_t draw_candidate();
  double next_uniform();

  Sampling options_;
  uint64_t seed_, draws_ = 0;
  uint32_t biased_ = 0;          // how many logits biases change
  bool only_lowers_ = true;      // no bias or penalty makes a logit larger
  std::vector<int32_t> recent_;  // a ring of the window's size
  size_t accepted_ = 0;
  std::unordered_map<int32_t, uint32_t> counts_;  // of recent_
  std::vector<Candidate> candidates_;             // by falling logit
  std::vector<double> probabilities_;
};

}  // namespace hearth
