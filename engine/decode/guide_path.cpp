// Steps one after the other.
#include "engine/decode/guide_path.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace hearth {
namespace {

constexpr float kOffPath = -std::numeric_limits<float>::infinity();

using Automaton = std::shared_ptr<const LanguageAutomaton>;

}  // namespace

GuidePath::GuidePath(Kind kind, std::vector<GuideStep> steps, std::shared_ptr<const TokenTrie> trie, bool at_start)
    : kind_(kind), steps_(std::move(steps)), trie_(std::move(trie)), at_start_(at_start) {
  enter(0);
}

void GuidePath::enter(size_t step) {
  matcher_.reset();
  token_ = 0;
  for (at_ = step; at_ < steps_.size(); ++at_) {
    const auto* tokens = std::get_if<std::vector<int32_t>>(&steps_[at_]);
    if (tokens == nullptr || !tokens->empty()) break;
  }
  if (finished()) return;
  if (const auto* automaton = std::get_if<Automaton>(&steps_[at_]))
    matcher_.emplace(*automaton, trie_, at_start_ && at_ == 0);
}

const CallFormat* GuidePath::wants_arguments() const {
  const auto* arguments = finished() ? nullptr : std::get_if<GuideArguments>(&steps_[at_]);
  return arguments != nullptr ? arguments->format : nullptr;
}

void GuidePath::give_arguments(Automaton automaton) {
  if (automaton) {
    steps_[at_] = std::move(automaton);
    enter(at_);
  } else {
    steps_.resize(at_);  // nothing can be said of what comes behind them either
  }
}

void GuidePath::allow(std::span<const float> logits, std::span<float> allowed, bool may_stop) {
  if (finished()) return;
  const auto allow_one = [&](int32_t token) {
    const auto place = static_cast<size_t>(token);
    // A way that is fixed goes on even where a bias forbids it.
    allowed[place] = std::isfinite(logits[place]) ? logits[place] : 0;
  };
  if (!matcher_) {
    if (const auto* tokens = std::get_if<std::vector<int32_t>>(&steps_[at_])) allow_one((*tokens)[token_]);
    return;
  }
  std::vector<float> own(logits.begin(), logits.end());
  const bool last = at_ + 1 == steps_.size();
  const auto add_own = [&] {
    for (size_t token = 0; token < own.size(); ++token)
      if (std::isfinite(own[token])) allowed[token] = own[token];
  };
  if (matcher_->mask(own, may_stop && last)) add_own();
  if (last || !matcher_->may_end()) return;
  if (const auto* tokens = std::get_if<std::vector<int32_t>>(&steps_[at_ + 1])) {
    allow_one(tokens->front());
  } else if (const auto* automaton = std::get_if<Automaton>(&steps_[at_ + 1])) {
    own.assign(logits.begin(), logits.end());
    if (Matcher(*automaton, trie_).mask(own, may_stop && at_ + 2 == steps_.size())) add_own();
  }
}

bool GuidePath::mask(std::span<float> logits, bool may_stop) {
  if (matcher_ && at_ + 1 == steps_.size()) return matcher_->mask(logits, may_stop);
  std::vector<float> allowed(logits.size(), kOffPath);
  allow(logits, allowed, may_stop);
  std::ranges::copy(allowed, logits.begin());
  return std::ranges::any_of(allowed, [](float logit) { return std::isfinite(logit); });
}

bool GuidePath::accept(int32_t token) {
  if (finished()) return false;
  if (const auto* tokens = std::get_if<std::vector<int32_t>>(&steps_[at_])) {
    if ((*tokens)[token_] != token) return false;
    if (++token_ == tokens->size()) enter(at_ + 1);
    return true;
  }
  if (!matcher_) return false;
  if (matcher_->accept(token)) {
    if (matcher_->finished()) enter(at_ + 1);
    return true;
  }
  if (!matcher_->may_end() || at_ + 1 == steps_.size()) return false;
  enter(at_ + 1);
  return accept(token);
}

std::vector<int32_t> GuidePath::forced() {
  if (finished()) return {};
  if (const auto* tokens = std::get_if<std::vector<int32_t>>(&steps_[at_]))
    return {tokens->begin() + static_cast<std::ptrdiff_t>(token_), tokens->end()};
  return matcher_ ? matcher_->forced() : std::vector<int32_t>();
}

}  // namespace hearth
