// Decoding sequences greedily, as far as somebody wants.
#include "engine/decode/speculation/draft_model.h"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

namespace hearth {
namespace {

constexpr uint32_t kLikeliest = 32;  // so many tell a token's probability well enough to sort guesses by

}  // namespace

struct DraftModel::Going {
  Sequence* sequence;
  PrefixCache::Chain chain = {};
  uint32_t rows = 0;  // of the step
  bool wanted = true;

  uint32_t size() const { return static_cast<uint32_t>(sequence->tokens.size() + sequence->guess.tokens.size()); }
  int32_t token(uint32_t position) const {
    const auto& tokens = sequence->tokens;
    return position < tokens.size() ? tokens[position] : sequence->guess.tokens[position - tokens.size()];
  }
};

DraftModel::DraftModel(Plan& plan, const Limits& limits, uint32_t known, StepClock clock)
    : plan_(&plan),
      limits_(limits),
      known_(static_cast<int32_t>(known)),
      clock_(std::move(clock)),
      cache_(limits.pages, limits.page_size) {}

void DraftModel::guess(std::span<Sequence> sequences, const std::function<bool(const Sequence&)>& worth) {
  std::vector<Going> all;
  for (Sequence& one : sequences) {
    if (one.tokens.empty() || one.most == 0 || !worth(one)) continue;
    all.push_back({.sequence = &one});
    // The last token is computed in any case: its logits are wanted.
    all.back().chain = cache_.acquire(one.tokens.first(one.tokens.size() - 1));
  }
  try {
    while (step(all, worth)) {
    }
  } catch (...) {
    for (Going& one : all) cache_.release(one.chain);
    cache_.clear();  // what the step wrote is not known
    throw;
  }
  for (Going& one : all) cache_.release(one.chain);
}

void DraftModel::go_on(Plan& plan) {
  plan_ = &plan;
  cache_.clear();
  seconds_ = 0;
}

// Computes what sequences lack, as much as fits into a step; false where nothing is wanted any more.
bool DraftModel::step(std::span<Going> all, const Worth& worth) {
  Batch batch;
  batch.row_begin = {0};
  batch.page_begin = {0};
  uint32_t left = limits_.rows;
  bool single = true;  // a token of each
  for (Going& one : all) {
    one.rows = 0;
    if (!one.wanted || left == 0) continue;
    const uint32_t begin = one.chain.size, rows = std::min(one.size() - begin, left);
    std::vector<int32_t> tokens(rows);
    for (uint32_t i = 0; i < rows; ++i) tokens[i] = one.token(begin + i);
    if (!cache_.extend(one.chain, tokens)) {
      one.wanted = false;
      continue;
    }
    one.rows = rows;
    left -= rows;
    single = single && rows == 1;
    for (uint32_t i = 0; i < rows; ++i) batch.positions.push_back(begin + i);
    batch.tokens.insert(batch.tokens.end(), tokens.begin(), tokens.end());
    batch.pages.insert(batch.pages.end(), one.chain.pages.begin(), one.chain.pages.end());
    batch.row_begin.push_back(static_cast<uint32_t>(batch.tokens.size()));
    batch.page_begin.push_back(static_cast<uint32_t>(batch.pages.size()));
    if (one.chain.size == one.size()) {
      batch.outputs.push_back(static_cast<uint32_t>(batch.tokens.size()) - 1);
      batch.candidates.push_back(kLikeliest);
    }
  }
  if (batch.tokens.empty()) return false;
  const double start = clock_();
  plan_->submit(batch);
  const std::span<const Candidate> candidates = plan_->wait().candidates;
  size_t output = 0;
  for (Going& one : all) {
    if (one.rows == 0 || one.chain.size < one.size()) continue;
    const auto likeliest = candidates.subspan(output++ * kLikeliest, kLikeliest);
    const auto is_known = [&](const Candidate& each) { return each.token >= 0 && each.token < known_; };
    const auto best = std::ranges::find_if(likeliest, is_known);
    if (best == likeliest.end()) {
      one.wanted = false;
      continue;
    }
    double sum = 0;
    for (const Candidate& each : likeliest)
      if (is_known(each)) sum += std::exp(double{each.logit} - double{best->logit});
    const double probability = std::isfinite(sum) ? 1 / sum : 0;
    one.sequence->guess.tokens.push_back(best->token);
    one.sequence->guess.kinds.push_back(
        static_cast<uint8_t>(kTextKinds + std::min(kDraftKinds - 1, static_cast<int>(probability * kDraftKinds))));
    one.wanted = one.sequence->guess.tokens.size() < one.sequence->most && worth(*one.sequence);
  }
  if (single) {
    const double seconds = (clock_() - start) / static_cast<double>(batch.tokens.size());
    seconds_ = seconds_ == 0 ? seconds : 0.9 * seconds_ + 0.1 * seconds;
  }
  return true;
}

}  // namespace hearth
