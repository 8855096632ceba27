// How a sequence may go on.
#pragma once

#include <cstdint>
#include <vector>

namespace hearth {

// Guesses are told apart by kind, for each kind comes true at a rate of its own: the first kinds are guesses from the
// text, by the length of what was found again, the others a draft model's, by the probability that it gave.
inline constexpr uint8_t kTextKinds = 8, kDraftKinds = 8;

struct Guess {
  std::vector<int32_t> tokens;  // one after the other
  std::vector<uint8_t> kinds;   // of each
};

}  // namespace hearth
