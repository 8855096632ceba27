// What an answer of a provider was: its hash, length and tokens, from its bytes as they come.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "tools/audit/digest.h"
#include "tools/audit/record.h"

namespace hearth::serve {

inline constexpr uint64_t kBytesPerToken = 4;  // of English and code, about

class AnswerMeter {
 public:
  using Clock = std::chrono::steady_clock;

  AnswerMeter() : begun_(Clock::now()) {}
  void add(std::string_view bytes);
  uint64_t tokens_so_far() const;  // of the answer, estimated
  // Fills in what the answer was. Tokens that the provider did not tell are estimated, those of the prompt from its
  // bytes.
  void finish(uint64_t prompt_bytes, audit::Outcome& outcome);

 private:
  Clock::time_point begun_, first_{};
  audit::Digest digest_;
  uint64_t bytes_ = 0, events_ = 0;
  std::string start_, end_;  // of the answer: where its usage is told
};

}  // namespace hearth::serve
