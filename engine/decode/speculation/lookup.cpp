// Searching a sequence for its own end.
#include "engine/decode/speculation/lookup.h"

#include <algorithm>
#include <iterator>

namespace hearth {
namespace {

constexpr size_t kLongestMatch = 24;  // longer ones tell no more

uint8_t kind_of(size_t length) {
  constexpr size_t kUpTo[kTextKinds - 1] = {1, 2, 3, 4, 6, 9, 15};
  return static_cast<uint8_t>(std::lower_bound(std::begin(kUpTo), std::end(kUpTo), length) - std::begin(kUpTo));
}

}  // namespace

Guess look_up(std::span<const int32_t> tokens, uint32_t most) {
  const size_t size = tokens.size();
  size_t longest = 0, begin = 0;  // begin: what followed the match
  for (size_t end = size; end-- > 1 && longest < kLongestMatch;) {
    size_t length = 0;
    while (length < kLongestMatch && length < end && tokens[end - 1 - length] == tokens[size - 1 - length]) ++length;
    if (length <= longest) continue;
    longest = length;
    begin = end;
  }
  Guess guess;
  if (longest == 0) return guess;
  for (size_t i = 0; i < most; ++i) {
    guess.tokens.push_back(begin + i < size ? tokens[begin + i] : guess.tokens[begin + i - size]);
    guess.kinds.push_back(kind_of(longest + i));
  }
  return guess;
}

}  // namespace hearth
