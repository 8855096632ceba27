// Guessing from what the text says already.
#pragma once

#include <span>

#include "engine/decode/speculation/guess.h"

namespace hearth {

// Finds where the longest run of tokens at the end of `tokens` stands before (the latest such place), and guesses up to
// `most` tokens to go on as they did there; a guess that reaches the end goes on with itself. Empty where the last
// token is new. Takes time in proportion to the tokens, some microseconds for thousands.
Guess look_up(std::span<const int32_t> tokens, uint32_t most);

}  // namespace hearth
