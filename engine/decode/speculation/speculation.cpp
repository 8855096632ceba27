// Weighing what guesses give against what they cost.
#include "engine/decode/speculation/speculation.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "engine/decode/speculation/lookup.h"

namespace hearth {
namespace {

constexpr double kWeight = 1.0 / 32;  // of the latest guess in a rate
constexpr double kLeastGain = 1.02;   // below it the clocks are not to be trusted

}  // namespace

Speculation::Speculation(const SpeculationOptions& options)
    : options_(options), rates_{0.1, 0.3, 0.45, 0.55, 0.65, 0.75, 0.85, 0.9} {  // until they are known
  for (uint32_t i = 0; i < kDraftKinds; ++i) rates_[kTextKinds + i] = (i + 0.5) / kDraftKinds;
}

void Speculation::guess(std::span<Sequence> sequences, uint32_t generating, const StepBudget& budget) {
  ++steps_;
  if (options_.lookup)
    for (Sequence& one : sequences) one.guess = look_up(one.tokens, std::min(one.most, kMostGuesses));
  if (budget.seconds(generating) == 0) return;  // nothing to compare with
  if (options_.draft != nullptr) ask_draft_model(sequences, generating, budget);
  choose(sequences, generating, budget);
}

void Speculation::ask_draft_model(std::span<Sequence> sequences, uint32_t generating, const StepBudget& budget) {
  const double token_seconds = budget.seconds(generating) / generating;
  const double row_seconds = std::max(0.0, budget.seconds(generating + 1) - budget.seconds(generating));
  const double cost = kLeastGain * (options_.draft->seconds_per_token() + row_seconds) / token_seconds;  // in tokens
  const bool probes = steps_ >= probed_ + kProbe;
  if (probes) probed_ = steps_;
  std::vector<DraftModel::Sequence> asked;
  std::vector<Sequence*> askers;
  for (Sequence& one : sequences) {
    const double found = one.guess.tokens.empty() ? 0 : rates_[one.guess.kinds.front()];
    if (found >= draft_rate_ || one.most == 0) continue;
    asked.push_back({one.tokens, std::min(one.most, kMostGuesses), {}});
    askers.push_back(&one);
  }
  try {
    options_.draft->guess(asked, [&](const DraftModel::Sequence& one) {
      double chance = draft_rate_;
      for (const uint8_t kind : one.guess.kinds) chance *= rates_[kind];
      return chance > cost || (probes && one.guess.tokens.empty());
    });
  } catch (const DeviceLost&) {
    throw;  // it is made anew with all else
  } catch (const DeviceError&) {
    options_.draft = nullptr;  // answers go on without it
    return;
  }
  for (size_t i = 0; i < asked.size(); ++i)
    if (!asked[i].guess.tokens.empty()) askers[i]->guess = std::move(asked[i].guess);
}

// A step with the n likeliest guesses, for the n that gives most tokens a second.
void Speculation::choose(std::span<Sequence> sequences, uint32_t generating, const StepBudget& budget) const {
  std::vector<std::pair<double, Sequence*>> rows;  // the chance that a guess and all before it come true
  for (Sequence& one : sequences) {
    double chance = 1;
    for (const uint8_t kind : one.guess.kinds) rows.emplace_back(chance *= rates_[kind], &one);
  }
  std::stable_sort(rows.begin(), rows.end(), [](auto& a, auto& b) { return a.first > b.first; });
  const uint32_t room = std::min(budget.most(), kMostTogether);
  const size_t most = std::min<size_t>(rows.size(), room - std::min(room, generating));
  double tokens = generating, best = kLeastGain * generating / budget.seconds(generating);
  size_t count = 0;
  for (size_t n = 1; n <= most; ++n) {
    tokens += rows[n - 1].first;
    const double rate = tokens / budget.seconds(generating + static_cast<uint32_t>(n));
    if (rate > best) {
      best = rate;
      count = n;
    }
  }
  for (size_t i = 0; i < count; ++i) ++rows[i].second->tried;
}

void Speculation::observe(const Guess& guess, std::span<const int32_t> followed) {
  const size_t known = std::min(guess.tokens.size(), followed.size());
  for (size_t i = 0; i < known; ++i) {
    const bool came = guess.tokens[i] == followed[i];
    double& rate = rates_[guess.kinds[i]];
    rate += kWeight * (came - rate);
    if (i == 0 && guess.kinds[i] >= kTextKinds) draft_rate_ += kWeight * (came - draft_rate_);
    if (!came) return;
  }
}

}  // namespace hearth
