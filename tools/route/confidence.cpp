// Sums over tokens.
#include "tools/route/confidence.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace hearth::route {
namespace {

constexpr double kSure = 0.5;

double bits_of(double probability) { return probability > 0 ? -probability * std::log2(probability) : 0; }

}  // namespace

void Confidence::add(std::span<const TokenLogprob> tokens) {
  for (const TokenLogprob& token : tokens) {
    if (token.top.empty()) continue;
    double first = 0, second = 0, all = 0, bits = 0;
    for (const TokenLogprob& likely : token.top) {
      const double probability = std::exp(static_cast<double>(likely.logprob));
      if (probability > first)
        second = std::exchange(first, probability);
      else
        second = std::max(second, probability);
      all += probability;
      bits += bits_of(probability);
    }
    const bool likely = std::ranges::any_of(token.top, [&](const auto& one) { return one.id == token.id; });
    if (!likely && first > kSure) ++masked_;
    ++tokens_;
    margins_ += first - second;
    entropies_ += bits + bits_of(std::max(0.0, 1 - all));
  }
}

double Confidence::margin() const { return tokens_ == 0 ? 1 : margins_ / tokens_; }
double Confidence::masked() const { return tokens_ == 0 ? 0 : static_cast<double>(masked_) / tokens_; }
double Confidence::entropy() const { return tokens_ == 0 ? 0 : entropies_ / tokens_; }

}  // namespace hearth::route
