// Watches the first tokens of a local answer: whether the model is sure enough of it.
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

  bool is_open() const { return state_ == State::open; }
  bool is_settled() const { return state_ == State::sure; }
  bool doubts() const { return state_ == State::doubtful; }
  const route::Confidence& confidence() const { return confidence_; }
  // For a header: "0.81".
  std::string text() const;

 private:
  enum class State { open, sure, doubtful };
  void judge();
  void trim(std::vector<TokenLogprob>& tokens) const;

  const route::Policy& policy_;
  std::optional<uint32_t> wanted_;  // by the client
  route::Confidence confidence_;
  State state_ = State::open;
};

}  // namespace hearth::serve
