// The largest logits of a row, as every device must choose them.
#include <algorithm>
#include <cmath>
#include <limits>

#include "backends/backend.h"

namespace hearth {
namespace {

constexpr size_t kAtOnce = 16;

bool any_above(const float* logits, float least) {
  uint32_t any = 0;
  for (size_t i = 0; i < kAtOnce; ++i) any |= logits[i] > least ? 1u : 0u;
  return any != 0;
}

}  // namespace

// A heap of those so far, the last of them on top, keeps this linear in the vocabulary; most logits are below all of
// it.
void choose_candidates(std::span<const float> logits, std::span<Candidate> candidates) {
  const auto before = [](const Candidate& a, const Candidate& b) {
    return a.logit != b.logit ? a.logit > b.logit : a.token < b.token;
  };
  size_t found = 0;
  const auto heap = [&] { return candidates.first(found); };
  const auto consider = [&](size_t token) {
    const Candidate one{logits[token], static_cast<int32_t>(token)};
    if (found == candidates.size()) {
      if (!(one.logit > candidates.front().logit)) return;  // NaN, too; of equal ones the first stays
      std::pop_heap(candidates.begin(), candidates.end(), before);
      --found;
    } else if (std::isnan(one.logit)) {
      return;
    }
    candidates[found++] = one;
    std::push_heap(heap().begin(), heap().end(), before);
  };
  for (size_t begin = 0; begin < logits.size() && !candidates.empty(); begin += kAtOnce) {
    const size_t end = std::min(begin + kAtOnce, logits.size());
    const bool full = found == candidates.size();
    if (full && end == begin + kAtOnce && !any_above(&logits[begin], candidates.front().logit)) continue;
    for (size_t token = begin; token < end; ++token) consider(token);
  }
  std::sort_heap(heap().begin(), heap().end(), before);
  std::fill(candidates.begin() + static_cast<ptrdiff_t>(found), candidates.end(),
            Candidate{std::numeric_limits<float>::quiet_NaN(), -1});
}

}  // namespace hearth
