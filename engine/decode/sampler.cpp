// The chain of filters and the draw.
#include "engine/decode/sampler.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <unordered_set>

namespace hearth {
namespace {

void require(bool holds, const char* what) {
  if (!holds) throw Error(ErrorCode::invalid_argument, what);
}

bool before(const Candidate& a, const Candidate& b) {
  return a.logit != b.logit ? a.logit > b.logit : a.token < b.token;
}

// `best`: the largest logit, NaN where none is a number.
void require_possible(float best) {
  if (std::isnan(best)) throw Error(ErrorCode::bad_model, "the model's logits are no numbers");
  if (best == -std::numeric_limits<float>::infinity())
    throw Error(ErrorCode::invalid_argument, "no token is possible: all are forbidden");
}

}  // namespace

Sampler::Sampler(const Sampling& options, uint64_t seed) : options_(options), seed_(seed) {
  require(options.temperature >= 0 && std::isfinite(options.temperature), "temperature must be 0 or more");
  require(options.top_p > 0 && options.top_p <= 1, "top_p must be above 0 and at most 1");
  require(options.min_p >= 0 && options.min_p <= 1, "min_p must be between 0 and 1");
  require(options.repeat_penalty > 0 && std::isfinite(options.repeat_penalty), "repeat_penalty must be above 0");
  require(std::isfinite(options.presence_penalty), "presence_penalty must be a number");
  require(std::isfinite(options.frequency_penalty), "frequency_penalty must be a number");
  for (const auto& [token, bias] : options.logit_bias)
    require(!std::isnan(bias) && bias < std::numeric_limits<float>::infinity(), "logit_bias must be a number");
  require(options.penalty_window <= 1u << 20, "penalty_window must be at most 1048576");
  biased_ = static_cast<uint32_t>(std::min<size_t>(options.logit_bias.size(), kMostCandidates));
  only_lowers_ = options.repeat_penalty >= 1 && options.presence_penalty >= 0 && options.frequency_penalty >= 0 &&
                 std::ranges::none_of(options.logit_bias, [](const auto& one) { return one.second > 0; });
}

void Sampler::accept(int32_t token) {
  if (options_.penalty_window == 0) return;
  const size_t at = accepted_++ % options_.penalty_window;
  if (at < recent_.size()) {
    if (const auto old = counts_.find(recent_[at]); --old->second == 0) counts_.erase(old);
    recent_[at] = token;
  } else {
    recent_.push_back(token);
  }
  ++counts_[token];
}

float Sampler::penalised(float logit, uint32_t count) const {
  logit = logit > 0 ? logit / options_.repeat_penalty : logit * options_.repeat_penalty;
  return logit - (options_.presence_penalty + static_cast<float>(count) * options_.frequency_penalty);
}

void Sampler::apply_penalties(std::span<float> logits) const {
  for (const auto& [token, count] : counts_) {
    if (token < 0 || static_cast<size_t>(token) >= logits.size()) continue;
    float& logit = logits[static_cast<size_t>(token)];
    logit = penalised(logit, count);
  }
}

// The top_k largest logits, falling; equal ones by rising token.
void Sampler::keep_top(std::span<const float> logits) {
  candidates_.clear();
  if (options_.top_k > 0 && options_.top_k < logits.size()) {
    candidates_.resize(options_.top_k);
    choose_candidates(logits, candidates_);
    std::erase_if(candidates_, [](const Candidate& one) { return one.token < 0; });
    return;
  }
  for (size_t i = 0; i < logits.size(); ++i)
    if (!std::isnan(logits[i])) candidates_.push_back({logits[i], static_cast<int32_t>(i)});
  std::sort(candidates_.begin(), candidates_.end(), before);
}

// Top-p and min-p, on probabilities at temperature 1.
void Sampler::keep_likely() {
  double sum = 0;
  probabilities_.resize(candidates_.size());
  for (size_t i = 0; i < candidates_.size(); ++i)
    sum += probabilities_[i] = std::exp(double{candidates_[i].logit} - double{candidates_[0].logit});
  size_t kept = 0;
  double mass = 0;
  while (kept < candidates_.size() && (kept == 0 || mass < double{options_.top_p} * sum) &&
         probabilities_[kept] >= double{options_.min_p} * probabilities_[0])
    mass += probabilities_[kept++];
  candidates_.resize(kept);
}

// The SplitMix64 generator (Steele, Lea and Flood 2014), addressed by the number of the draw; 53 bits.
double Sampler::next_uniform() {
  uint64_t z = seed_ + ++draws_ * 0x9e3779b97f4a7c15u;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return static_cast<double>((z ^ (z >> 31)) >> 11) * 0x1p-53;
}

bool Sampler::biases_forbid_all(std::span<const float> logits) const {
  constexpr float kOut = -std::numeric_limits<float>::infinity();
  std::unordered_set<size_t> forbidden;
  for (const auto& [token, bias] : options_.logit_bias)
    if (bias == kOut && token >= 0) forbidden.insert(static_cast<size_t>(token));
  if (forbidden.empty()) return false;
  for (size_t i = 0; i < logits.size(); ++i)
    if (logits[i] > kOut && !forbidden.contains(i)) return false;
  return true;
}

int32_t Sampler::draw(std::span<float> logits, bool bound) {
  const bool soften = bound && biases_forbid_all(logits);
  for (const auto& [token, bias] : options_.logit_bias)
    if (token >= 0 && static_cast<size_t>(token) < logits.size() && !(soften && std::isinf(bias)))
      logits[static_cast<size_t>(token)] += bias;
  apply_penalties(logits);
  if (options_.temperature == 0) {
    size_t best = 0;
    for (size_t i = 1; i < logits.size(); ++i)
      if (logits[i] > logits[best] || std::isnan(logits[best])) best = i;
    require_possible(logits[best]);
    return static_cast<int32_t>(best);
  }
  keep_top(logits);
  return draw_candidate();
}

// What biases and penalties change become candidates besides those that are wanted: as they only lower logits, none
// that is left out can come before so many that stay.
uint32_t Sampler::candidates(uint32_t ahead) const {
  const bool greedy = options_.temperature == 0;
  if (!only_lowers_ || (options_.top_k == 0 && !greedy)) return 0;
  const bool penalises =
      options_.repeat_penalty != 1 || options_.presence_penalty != 0 || options_.frequency_penalty != 0;
  uint64_t count = (greedy ? 1 : uint64_t{options_.top_k}) + biased_;
  if (penalises) count += counts_.size() + ahead;
  return count <= kMostCandidates ? static_cast<uint32_t>(count) : 0;
}

void Sampler::lower(Candidate& one) const {
  for (const auto& [token, bias] : options_.logit_bias)
    if (token == one.token) one.logit += bias;
  if (const auto recent = counts_.find(one.token); recent != counts_.end())
    one.logit = penalised(one.logit, recent->second);
}

int32_t Sampler::draw(std::span<const Candidate> largest) {
  candidates_.assign(largest.begin(), std::ranges::find(largest, -1, &Candidate::token));
  for (Candidate& one : candidates_) lower(one);
  std::erase_if(candidates_, [](const Candidate& one) { return std::isnan(one.logit); });
  std::sort(candidates_.begin(), candidates_.end(), before);
  const size_t wanted = options_.temperature == 0 ? 1 : options_.top_k;
  if (candidates_.size() > wanted) candidates_.resize(wanted);
  return draw_candidate();
}

// Of candidates_, by falling logit.
int32_t Sampler::draw_candidate() {
  require_possible(candidates_.empty() ? std::numeric_limits<float>::quiet_NaN() : candidates_.front().logit);
  if (options_.temperature == 0 || std::isinf(candidates_.front().logit)) return candidates_.front().token;  // certain
  keep_likely();
  double sum = 0;
  for (size_t i = 0; i < candidates_.size(); ++i) {
    const double distance = double{candidates_[i].logit} - double{candidates_[0].logit};
    sum += probabilities_[i] = std::exp(distance / double{options_.temperature});
  }
  double left = next_uniform() * sum;
  for (size_t i = 0; i + 1 < candidates_.size(); ++i)
    if ((left -= probabilities_[i]) < 0) return candidates_[i].token;
  return candidates_.back().token;
}

}  // namespace hearth
