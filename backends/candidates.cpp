// The largest logits of a row, as every device must choose them.
#include <algorithm>
#include <cmath>
#include <limits>

#include "backends/backend.h"

namespace hearth {

// A heap of those so far, the last of them on top, keeps this linear in the vocabulary.
void choose_candidates(std::span<const float> logits, std::span<Candidate> candidates) {
  const auto before = [](const Candidate& a, const Candidate& b) {
    return a.logit != b.logit ? a.logit > b.logit : a.token < b.token;
  };
  size_t found = 0;
  const auto heap = [&] { return candidates.first(found); };
  for (size_t i = 0; i < logits.size() && !candidates.empty(); ++i) {
    const Candidate one{logits[i], static_cast<int32_t>(i)};
    if (found == candidates.size()) {
      if (!(one.logit > candidates.front().logit)) continue;  // NaN, too; of equal ones the first stays
      std::pop_heap(candidates.begin(), candidates.end(), before);
      --found;
    } else if (std::isnan(one.logit)) {
      continue;
    }
    candidates[found++] = one;
    std::push_heap(heap().begin(), heap().end(), before);
  }
  std::sort_heap(heap().begin(), heap().end(), before);
  std::fill(candidates.begin() + static_cast<ptrdiff_t>(found), candidates.end(),
            Candidate{std::numeric_limits<float>::quiet_NaN(), -1});
}

}  // namespace hearth
