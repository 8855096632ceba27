// How sure a model is of its answer, from the probabilities of its first tokens.
#pragma once

#include <cstdint>
#include <span>

#include "hearth/hearth.h"

namespace hearth::route {

inline constexpr uint32_t kConfidenceTop = 5;  // likeliest tokens that are looked at

class Confidence {
 public:
  void add(std::span<const TokenLogprob> tokens);
  uint32_t tokens() const { return tokens_; }
  // Means over the tokens so far: of the difference between the two likeliest probabilities, 0 to 1, and of the
  // entropy in bits, of which what lies outside the likeliest counts as one token.
  double margin() const;
  double entropy() const;
  // The share of tokens that are none of the likeliest, where the model was all but sure of another one: what it wanted
  // was not allowed.
  double masked() const;

 private:
  uint32_t tokens_ = 0, masked_ = 0;
  double margins_ = 0, entropies_ = 0;
};

}  // namespace hearth::route
