// RoPE frequencies for every scaling that models use.
#pragma once

#include <span>

#include "backends/program.h"
#include "engine/model/config.h"

namespace hearth {

// Frequency of pair i: base^(-2 i / dimensions), divided by factors[i] where there are any (Llama 3, LongRoPE), and
// scaled as the config says. `factors`: empty, or one per pair, positive.
// YaRN: Peng et al. 2023, "YaRN: Efficient Context Window Extension of Large Language Models", equations 21 to 24; pair
// numbers of the ramp's ends are rounded outwards.
RopeTable make_rope_table(const RopeConfig& config, std::span<const float> factors);

}  // namespace hearth
