// Judging once enough tokens are there.
#include "tools/serve/watch.h"

#include <algorithm>
#include <cstdio>

namespace hearth::serve {

Watch::Watch(const route::Policy& policy, Job& job) : policy_(policy), wanted_(job.requests.front().logprobs) {
  for (Request& request : job.requests)
    request.logprobs = std::max(request.logprobs.value_or(0), route::kConfidenceTop);
}

void Watch::note(uint32_t choice, Event& event) {
  if (choice == 0 && is_open()) {
    confidence_.add(event.logprobs);
    if (confidence_.tokens() >= policy_.confidence_tokens) judge();
  }
  trim(event.logprobs);
  if (event.result) trim(event.result->logprobs);
}

void Watch::end(const std::vector<Result>& results) {
  // A call that nobody can read is no answer.
  if (is_open() && std::ranges::any_of(results, [](const Result& result) { return result.malformed_call; }))
    state_ = State::doubtful;
  if (is_open()) judge();
}

void Watch::judge() {
  const bool unsure = (policy_.margin > 0 && confidence_.margin() < policy_.margin) ||
                      (policy_.entropy > 0 && confidence_.entropy() > policy_.entropy);
  state_ = unsure ? State::doubtful : State::sure;
}

void Watch::trim(std::vector<TokenLogprob>& tokens) const {
  if (!wanted_) {
    tokens.clear();
    return;
  }
  for (TokenLogprob& token : tokens)
    if (token.top.size() > *wanted_) token.top.resize(*wanted_);
}

std::string Watch::text() const {
  char text[16];
  std::snprintf(text, sizeof(text), "%.2f", confidence_.margin());
  return text;
}

}  // namespace hearth::serve
