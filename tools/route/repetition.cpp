// Comparing the end with what stands a period before it.
#include "tools/route/repetition.h"

#include <algorithm>
#include <cctype>

namespace hearth::route {

bool goes_in_circles(std::string_view text) {
  constexpr size_t kLongest = 256, kTimes = 4, kLeast = 240;
  if (text.size() > kRepetitionBytes) text.remove_prefix(text.size() - kRepetitionBytes);
  for (size_t period = 1; period <= kLongest && period < text.size(); ++period) {
    const size_t wanted = std::max(kTimes * period, kLeast);
    if (wanted > text.size()) return false;
    size_t same = period;
    while (same < wanted && text[text.size() - 1 - (same - period)] == text[text.size() - 1 - same]) ++same;
    // A line of dashes or spaces is no circle.
    if (same >= wanted && std::ranges::any_of(text.substr(text.size() - period),
                                              [](unsigned char c) { return std::isalnum(c) != 0 || c >= 0x80; }))
      return true;
  }
  return false;
}

}  // namespace hearth::route
