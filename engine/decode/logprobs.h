// Probabilities of tokens from logits.
#pragma once

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace hearth {

// ln of the sum of e to each logit, in double precision.
double log_sum_exp(std::span<const float> logits);

// The `count` largest logits with their ids, falling; equal ones by rising id.
std::vector<std::pair<float, int32_t>> largest_logits(std::span<const float> logits, uint32_t count);

}  // namespace hearth
