// Draws the next token from logits.
#pragma once

#include <cstdint>
#include <span>
#include <unordered_map>
#include <vector>

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

 private:
  struct Candidate {
    float logit;
    int32_t token;
  };
  bool biases_forbid_all(std::span<const float> logits) const;
  void apply_penalties(std::span<float> logits) const;
  void keep_top(std::span<const float> logits);
  void keep_likely();
  double next_uniform();

  Sampling options_;
  uint64_t seed_, draws_ = 0;
  std::vector<int32_t> recent_;  // a ring of the window's size
  size_t accepted_ = 0;
  std::unordered_map<int32_t, uint32_t> counts_;  // of recent_
  std::vector<Candidate> candidates_;             // by falling logit
  std::vector<double> probabilities_;
};

}  // namespace hearth
