// Judging once enough tokens are there.
#include "tools/serve/watch.h"

#include <algorithm>
#include <cstdio>
#include <utility>

#include "tools/route/repetition.h"
#include "tools/serve/constraint_fields.h"

namespace hearth::serve {
namespace {

constexpr size_t kLookBytes = 64;  // of new text, after which circles are looked for

// A mark inside a format or between calls of tools would be none.
bool may_be_marked(const Job& job) {
  const Request& request = job.requests.front();
  const auto* conversation = std::get_if<Conversation>(&request.prompt);
  return job.stream && job.requests.size() == 1 && std::holds_alternative<std::monostate>(request.constraint) &&
         (conversation == nullptr || conversation->json.find("\"tools\"") == std::string::npos);
}

}  // namespace

Watch::Watch(const route::Policy& policy, Job& job)
    : policy_(policy),
      wanted_(job.requests.front().logprobs),
      marks_(policy.marks_switch && may_be_marked(job)),
      to_the_end_(marks_ || !job.stream) {
  for (Request& request : job.requests)
    request.logprobs = std::max(request.logprobs.value_or(0), route::kConfidenceTop);
}

void Watch::note(uint32_t choice, Event& event) {
  // A stream whose end is told does not go on.
  if (choice == 0 && state_ == State::open && !(marks_ && event.result)) {
    window_.add(event.logprobs);
    if (window_.tokens() >= policy_.confidence_tokens) judge();
    tail_ += event.text;
    unlooked_ += event.text.size();
    if (policy_.repetition && unlooked_ >= kLookBytes && state_ != State::doubtful) {
      unlooked_ = 0;
      if (tail_.size() > 2 * route::kRepetitionBytes) tail_.erase(0, tail_.size() - route::kRepetitionBytes);
      if (route::goes_in_circles(tail_)) doubt("repetition");
    }
  }
  trim(event.logprobs);
  if (event.result) trim(event.result->logprobs);
}

void Watch::end(const std::vector<Result>& results) {
  if (state_ != State::open) return;
  if (marks_) {
    state_ = State::sure;
    return;
  }
  // A call that nobody can read is no answer.
  if (std::ranges::any_of(results, [](const Result& result) { return result.malformed_call; }))
    return doubt("malformed-call");
  // The last few tokens alone say little.
  if (!first_ || window_.tokens() >= policy_.confidence_tokens / 2) judge();
  if (state_ == State::open) state_ = State::sure;
}

void Watch::doubt(const char* reason) {
  state_ = State::doubtful;
  reason_ = reason;
}

void Watch::judge() {
  if (!first_) first_ = window_;
  const bool unsure = (policy_.margin > 0 && window_.margin() < policy_.margin) ||
                      (policy_.entropy > 0 && window_.entropy() > policy_.entropy);
  if (unsure)
    doubt("confidence");
  else if (policy_.masked > 0 && window_.masked() > policy_.masked)
    doubt("masked");
  else if (!to_the_end_)
    state_ = State::sure;
  window_ = {};
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
  std::snprintf(text, sizeof(text), "%.2f", confidence().margin());
  return text;
}

}  // namespace hearth::serve
