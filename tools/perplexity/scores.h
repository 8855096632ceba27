// What logits say of a text: perplexity, and how far one model's probabilities are from another's.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace hearth {

// A mean with its standard error.
struct Estimate {
  double value = 0, error = 0;
};

// Adds up a quantity over tokens.
class Mean {
 public:
  void add(double value) {
    sum_ += value;
    squares_ += value * value;
    ++count_;
  }
  uint64_t count() const { return count_; }
  double variance() const;  // of the values
  Estimate estimate() const;

 private:
  double sum_ = 0, squares_ = 0;
  uint64_t count_ = 0;
};

// e to the mean of negative log-likelihoods; the error is that of the mean, carried over.
Estimate perplexity_of(const Mean& nll);

// The natural logarithms of a model's probabilities over the vocabulary, in steps: log p = lowest + step * code.
struct CodedLogprobs {
  float step = 0, lowest = 0;
  std::span<const uint16_t> codes;
  double logprob(uint64_t token) const { return double{step} * codes[token] + double{lowest}; }
};

// -ln of the probability of `token` by the logits.
double nll_of(std::span<const float> logits, int32_t token);
// Codes logits as log-probabilities, those more than 16 below the largest as its 1/e^16. codes: [logits.size()].
CodedLogprobs code_logprobs(std::span<const float> logits, std::span<uint16_t> codes);

// One token by a base model and by another.
struct TokenComparison {
  double nll = 0, base_nll = 0;
  double divergence = 0;          // Kullback-Leibler, of the other's distribution from the base's, in nats
  double probability_change = 0;  // of the token: other minus base
  bool same_top = false;          // both hold the same token for the likeliest
};
TokenComparison compare(std::span<const float> logits, const CodedLogprobs& base, int32_t token);

// All tokens of a text by a base model and by another.
class Comparison {
 public:
  void add(const TokenComparison& token);

  struct Summary {
    Estimate perplexity, base_perplexity;
    Estimate log_ratio;  // of the two perplexities
    double correlation;  // of the tokens' negative log-likelihoods
    Estimate divergence, probability_change, rms_change, same_top;
  };
  Summary summary() const;
  // The divergence (or change of probability) below which a share of the tokens, 0 to 1, lies.
  double divergence_at(double share) const { return quantile(divergences_, share); }
  double change_at(double share) const { return quantile(changes_, share); }

 private:
  static double quantile(std::vector<float> values, double share);

  Mean nll_, base_nll_, difference_, divergence_, change_, squared_change_, same_top_;
  double products_ = 0;  // of both nll
  std::vector<float> divergences_, changes_;
};

}  // namespace hearth
