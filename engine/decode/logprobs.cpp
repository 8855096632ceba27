// Sums and selection over the vocabulary.
#include "engine/decode/logprobs.h"

#include <algorithm>
#include <cmath>

namespace hearth {

double log_sum_exp(std::span<const float> logits) {
  const double largest = double{*std::max_element(logits.begin(), logits.end())};
  double sum = 0;
  for (const float logit : logits) sum += std::exp(double{logit} - largest);
  return largest + std::log(sum);
}

std::vector<std::pair<float, int32_t>> largest_logits(std::span<const float> logits, uint32_t count) {
  std::vector<std::pair<float, int32_t>> all;
  all.reserve(logits.size());
  for (size_t i = 0; i < logits.size(); ++i) all.emplace_back(logits[i], static_cast<int32_t>(i));
  const size_t kept = std::min<size_t>(count, all.size());
  std::partial_sort(
      all.begin(), all.begin() + static_cast<ptrdiff_t>(kept), all.end(),
      [](const auto& a, const auto& b) { return a.first != b.first ? a.first > b.first : a.second < b.second; });
  all.resize(kept);
  return all;
}

}  // namespace hearth
