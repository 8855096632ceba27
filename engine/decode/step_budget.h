// How many tokens of prompts may go into a step beside tokens of answers.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

namespace hearth {

// Keeps the time of a step with prompt tokens below kStretch times that of one without, by what earlier steps took: the
// share grows and shrinks by measured time, so it fits any model on any machine. Where more requests wait for their
// first token than read answers, the few give way to the many, up to kMostStretch times: small steps use a machine
// badly. What a step without prompts takes is known for each number of answers by trying it: where it is not, or not
// any more, the next step has no prompt tokens.
class StepBudget {
 public:
  static constexpr double kStretch = 2.5, kMostStretch = 10;
  static constexpr uint32_t kFirst = 8;
  static constexpr uint64_t kStale = 256;  // steps after which a time is measured again

  explicit StepBudget(uint32_t most) : most_(most), share_(std::min(most, kFirst)), quiet_(most + 1) {}

  // Most prompt tokens of the next step that has `generating` tokens of answers while `waiting` requests have none yet.
  uint32_t prompt_tokens(uint32_t generating, uint32_t waiting) {
    if (generating == 0) return most_;
    if (!known(generating)) return 0;
    stretch_ = std::clamp(kStretch * waiting / generating, kStretch, kMostStretch);
    return allowed();
  }

  // What a step of so many rows and no prompt takes: as measured, or in proportion between the two next that are, or
  // past those as if each row cost half of one that a step cannot do without. 0 where no step of `rows` or fewer is
  // known.
  double seconds(uint32_t rows) const {
    uint32_t below = std::min(rows, most_), above = rows;
    while (below > 0 && !known(below)) --below;
    if (below == 0 || below == rows) return quiet_[below].seconds;
    while (above <= most_ && !known(above)) ++above;
    const double least = quiet_[below].seconds;
    if (above > most_) return least * (1 + 0.5 * (rows - below) / below);
    return least + (quiet_[above].seconds - least) * (rows - below) / (above - below);
  }
  uint32_t most() const { return most_; }  // rows of a step

  // What a step took.
  void observe(uint32_t generating, uint32_t prompt_tokens, double seconds) {
    ++steps_;
    if (generating == 0 || generating > most_) return;
    Quiet& quiet = quiet_[generating];
    if (prompt_tokens == 0) {
      quiet.seconds = known(generating) ? 0.8 * quiet.seconds + 0.2 * seconds : seconds;
      quiet.until = steps_ + kStale;
    } else if (quiet.seconds > 0 && seconds > 0 && prompt_tokens >= allowed()) {
      const double change = std::clamp(stretch_ * quiet.seconds / seconds, 0.5, 1.25);
      share_ = std::clamp(share_ * change, 1.0, static_cast<double>(most_));
    }
  }

 private:
  // Of a step without prompts, recent mean.
  struct Quiet {
    double seconds = 0;
    uint64_t until = 0;  // the step from which on it is stale
  };

  uint32_t allowed() const {
    const double tokens = share_ * (stretch_ - 1) / (kStretch - 1);
    return static_cast<uint32_t>(std::min(tokens, static_cast<double>(most_)));
  }
  bool known(uint32_t generating) const { return generating <= most_ && steps_ < quiet_[generating].until; }

  uint32_t most_;
  double share_;               // prompt tokens of a step that takes kStretch times as long
  double stretch_ = kStretch;  // of the step under way
  std::vector<Quiet> quiet_;   // [most + 1], by the tokens of answers
  uint64_t steps_ = 0;
};

}  // namespace hearth
