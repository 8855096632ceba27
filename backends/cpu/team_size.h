// How many threads compute: fewer than there are, while other programs hold some of them up.
#pragma once

#include <algorithm>
#include <cstdint>

namespace hearth::cpu {

// All threads wait for one that the system has put aside for another program, some milliseconds each time. Where that
// takes much of the time, the others are faster without it. From time to time a run with a thread more shows whether
// the machine has become quieter.
//
// Not for several threads at once.
class TeamSize {
 public:
  explicit TeamSize(uint32_t threads) : threads_(threads), size_(threads) {}

  // Of the next run, 1 to the number of threads.
  uint32_t of_next() const { return size_ < threads_ && since_ >= until_trial_ ? size_ + 1 : size_; }

  // After each run of of_next() threads: the seconds that it took, and how long a thread of it was waiting for others
  // beyond the waits that are usual, on average over those that can wait. Shorter runs than kLeastSeconds say nothing.
  void learn(double seconds, double held) {
    if (seconds < kLeastSeconds) return;
    const double lost = held / seconds;
    if (of_next() != size_) {
      if (lost < kQuiet) return become(size_ + 1);
      until_trial_ = std::min(until_trial_ * 2, kMostUntilTrial);
      since_ = 0;
      return;
    }
    since_ += seconds;
    ++runs_;
    lost_ += (lost - lost_) / kLastRuns;
    if (size_ > 1 && runs_ >= kLastRuns && lost_ > kHeld) become(size_ - 1);
  }

 private:
  static constexpr double kLeastSeconds = 0.001;
  static constexpr uint32_t kLastRuns = 12;  // that count; a neighbour's short work should not
  // Parts of the time that are waited. Two threads, of which one has half a core, wait for more than half of it; above
  // kHeld the team shrinks. Unequal shares of the work make 2 to 5 % with many threads, and more in short prompts:
  // those are no reason. Below kQuiet a team with a thread more stays.
  static constexpr double kHeld = 0.4, kQuiet = 0.2;
  static constexpr double kLeastUntilTrial = 0.5, kMostUntilTrial = 4;  // seconds of runs

  void become(uint32_t size) {
    size_ = size;
    until_trial_ = kLeastUntilTrial;
    since_ = lost_ = 0;
    runs_ = 0;
  }

  const uint32_t threads_;
  uint32_t size_, runs_ = 0;
  double since_ = 0, until_trial_ = kLeastUntilTrial;  // the last change or trial
  double lost_ = 0;                                    // of a run, on average over the last ones
};

}  // namespace hearth::cpu
