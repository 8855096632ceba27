// Sums over a vocabulary, and statistics of them.
#include "tools/perplexity/scores.h"

#include <algorithm>
#include <cmath>

namespace hearth {
namespace {

constexpr float kRange = 16;  // nats below the likeliest token that are told apart

// The largest logit, and ln of the sum of e to each.
struct Normaliser {
  size_t top;
  double log_sum;
};
Normaliser normalise(std::span<const float> logits) {
  const auto top = static_cast<size_t>(std::max_element(logits.begin(), logits.end()) - logits.begin());
  double sum = 0;
  for (const float logit : logits) sum += static_cast<double>(std::exp(logit - logits[top]));
  return {top, double{logits[top]} + std::log(sum)};
}

}  // namespace

double Mean::variance() const {
  if (count_ == 0) return 0;
  const auto count = static_cast<double>(count_);
  return std::max(0.0, squares_ / count - (sum_ / count) * (sum_ / count));
}

Estimate Mean::estimate() const {
  if (count_ == 0) return {};
  return {sum_ / static_cast<double>(count_), count_ < 2 ? 0 : std::sqrt(variance() / static_cast<double>(count_ - 1))};
}

Estimate perplexity_of(const Mean& nll) {
  const Estimate mean = nll.estimate();
  const double perplexity = std::exp(mean.value);
  return {perplexity, perplexity * mean.error};
}

double nll_of(std::span<const float> logits, int32_t token) {
  return normalise(logits).log_sum - double{logits[static_cast<size_t>(token)]};
}

CodedLogprobs code_logprobs(std::span<const float> logits, std::span<uint16_t> codes) {
  const Normaliser all = normalise(logits);
  const float top = logits[all.top];
  const float lowest = std::max(*std::min_element(logits.begin(), logits.end()), top - kRange);
  const float step = (top - lowest) / 65535, inverse = step > 0 ? 1 / step : 0;
  for (size_t i = 0; i < logits.size(); ++i)
    codes[i] = static_cast<uint16_t>(std::clamp((logits[i] - lowest) * inverse + 0.5f, 0.0f, 65535.0f));
  return {step, static_cast<float>(double{lowest} - all.log_sum), codes};
}

TokenComparison compare(std::span<const float> logits, const CodedLogprobs& base, int32_t token) {
  const Normaliser all = normalise(logits);
  TokenComparison result;
  uint16_t highest = 0;
  size_t base_top = 0;
  for (size_t i = 0; i < logits.size(); ++i) {
    const double base_logprob = base.logprob(i);
    // Less likely ones were coded as more likely than they are, and add next to nothing.
    if (base_logprob > double{-kRange})
      result.divergence += std::exp(base_logprob) * (base_logprob - (double{logits[i]} - all.log_sum));
    if (base.codes[i] > highest) highest = base.codes[i], base_top = i;
  }
  const auto at = static_cast<size_t>(token);
  result.nll = all.log_sum - double{logits[at]};
  result.base_nll = -base.logprob(at);
  result.probability_change = std::exp(-result.nll) - std::exp(-result.base_nll);
  result.same_top = base_top == all.top;
  return result;
}

void Comparison::add(const TokenComparison& token) {
  nll_.add(token.nll);
  base_nll_.add(token.base_nll);
  difference_.add(token.nll - token.base_nll);
  products_ += token.nll * token.base_nll;
  divergence_.add(token.divergence);
  change_.add(token.probability_change);
  squared_change_.add(token.probability_change * token.probability_change);
  same_top_.add(token.same_top ? 1 : 0);
  divergences_.push_back(static_cast<float>(token.divergence));
  changes_.push_back(static_cast<float>(token.probability_change));
}

Comparison::Summary Comparison::summary() const {
  Summary result{};
  result.perplexity = perplexity_of(nll_);
  result.base_perplexity = perplexity_of(base_nll_);
  result.log_ratio = difference_.estimate();
  const double both = std::sqrt(nll_.variance() * base_nll_.variance());
  const double covariance = nll_.count() == 0 ? 0
                                              : products_ / static_cast<double>(nll_.count()) -
                                                    nll_.estimate().value * base_nll_.estimate().value;
  result.correlation = both > 0 ? covariance / both : 1;
  result.divergence = divergence_.estimate();
  result.probability_change = change_.estimate();
  const Estimate squared = squared_change_.estimate();
  const double rms = std::sqrt(squared.value);
  result.rms_change = {rms, rms > 0 ? squared.error / (2 * rms) : 0};
  result.same_top = same_top_.estimate();
  return result;
}

double Comparison::quantile(std::vector<float> values, double share) {
  if (values.empty()) return 0;
  const double place = share * static_cast<double>(values.size() - 1);
  const auto below = static_cast<size_t>(place);
  const auto middle = values.begin() + static_cast<ptrdiff_t>(below);
  std::nth_element(values.begin(), middle, values.end());
  const double low = double{*middle};
  if (below + 1 == values.size()) return low;
  const double high = double{*std::min_element(middle + 1, values.end())};
  return low + (place - static_cast<double>(below)) * (high - low);
}

}  // namespace hearth
