// How many tokens of prompts may go into a step beside tokens of answers.
#pragma once

#include <algorithm>
#include <cstdint>

namespace hearth {

// Keeps the time of a step with prompt tokens below kStretch times that of one without, by what earlier steps took: the
// share grows and shrinks by measured time, so it fits any model on any machine.
class StepBudget {
 public:
  static constexpr double kStretch = 2.5;
  static constexpr uint32_t kLeast = 8, kFirst = 32;

  explicit StepBudget(uint32_t most) : most_(most), share_(std::min(most, kFirst)) {}

  // Most prompt tokens of the next step that has `generating` tokens of answers.
  uint32_t prompt_tokens(uint32_t generating) const { return generating == 0 ? most_ : std::min(most_, share_); }

  // What a step took.
  void observe(uint32_t generating, uint32_t prompt_tokens, double seconds) {
    if (generating == 0) return;
    if (prompt_tokens == 0) {
      quiet_ = quiet_ == 0 ? seconds : 0.8 * quiet_ + 0.2 * seconds;
    } else if (quiet_ > 0 && prompt_tokens >= std::min(most_, share_)) {
      const double change = std::clamp(kStretch * quiet_ / seconds, 0.5, 1.25);
      share_ = std::clamp(static_cast<uint32_t>(share_ * change), std::min(most_, kLeast), most_);
    }
  }

 private:
  uint32_t most_, share_;
  double quiet_ = 0;  // seconds of a step without prompts, recent mean
};

}  // namespace hearth
