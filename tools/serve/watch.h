// Watches the tokens of a local answer: whether the model is sure enough of it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "tools/route/confidence.h"
#include "tools/route/policy.h"
#include "tools/serve/job.h"

namespace hearth::serve {

class Watch {
 public:
  // Asks the job's requests for what it needs; what the client did not ask for it keeps from it.
  Watch(const route::Policy& policy, Job& job);

  // Before an event is told.
  void note(uint32_t choice, Event& event);
  // All answers have ended.
  void end(const std::vector<Result>& results);

  // The doubt was heard, and the answer is told all the same.
  void trust() { state_ = State::sure; }

  // Whether the client may not be told yet, as the answer may still be given elsewhere.
  bool holds() const { return state_ != State::sure && !marks_; }
  bool doubts() const { return state_ == State::doubtful; }
  // Another answer may follow in the client's stream, behind a mark.
  bool marks() const { return marks_; }
  // Why it doubts: "confidence", "masked", "repetition" or "malformed-call".
  const std::string& reason() const { return reason_; }
  // Of the first tokens.
  const route::Confidence& confidence() const { return first_ ? *first_ : window_; }
  // For a header: "0.81".
  std::string text() const;

 private:
  enum class State { open, sure, doubtful };
  void judge();
  void doubt(const char* reason);
  void trim(std::vector<TokenLogprob>& tokens) const;

  const route::Policy& policy_;
  std::optional<uint32_t> wanted_;  // by the client
  bool marks_, to_the_end_;         // it goes on behind the first tokens
  route::Confidence window_;        // the last tokens
  std::optional<route::Confidence> first_;
  std::string tail_;  // of the text
  size_t unlooked_ = 0;
  State state_ = State::open;
  std::string reason_;
};

}  // namespace hearth::serve
