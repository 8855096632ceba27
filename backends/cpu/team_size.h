// How many threads compute: fewer than there are, while other programs hold some of them up.
#pragma once

#include <algorithm>
#include <cstdint>

namespace hearth::cpu {

// All threads wait for one that the system has put aside for another program, some milliseconds each time. Where that
// takes about as much of the time as the held thread's share of the work, the others are faster without it. From time
// to time a run with a thread more shows whether the machine has become quieter.
//
// Not for several threads at once.
class TeamSize {
 public:
  explicit TeamSize(uint32_t threads) : threads_(threads), size_(threads) {}

  // Of the next run, 1 to the number of threads.
  uint32_t of_next() const { return size_ < threads_ && runs_ >= until_trial_ ? size_ + 1 : size_; }

  // After each run of of_next() threads: the seconds that it took, and how long a thread of it was waiting for others
  // beyond the waits that are usual, on average over those that can wait.
  void learn(double seconds, double held) {
    if (of_next() != size_) return learn_from_trial(held < kQuiet / (size_ + 1) * seconds);
    ++runs_;
    seconds_ += seconds - seconds_ / kLastRuns;
    held_ += held - held_ / kLastRuns;
    if (size_ > 1 && runs_ >= kLastRuns && held_ * size_ > kWorth * seconds_) become(size_ - 1);
  }

 private:
  static constexpr uint32_t kLastRuns = 12;  // that count; a neighbour's short work should not
  static constexpr uint32_t kLeastUntilTrial = 16, kMostUntilTrial = 128;
  // Of the share that a thread has in the work, what is waited for: from there on the others are better alone, which
  // leaves each more of the memory's bandwidth; up to there one more is tried with success.
  static constexpr double kWorth = 0.9, kQuiet = 0.5;

  void learn_from_trial(bool quiet) {
    if (quiet) return become(size_ + 1);
    until_trial_ = std::min(until_trial_ * 2, kMostUntilTrial);
    runs_ = 0;
  }
  void become(uint32_t size) {
    size_ = size;
    until_trial_ = kLeastUntilTrial;
    runs_ = 0;
    seconds_ = held_ = 0;
  }

  const uint32_t threads_;
  uint32_t size_, runs_ = 0, until_trial_ = kLeastUntilTrial;
  double seconds_ = 0, held_ = 0;  // of the last runs
};

}  // namespace hearth::cpu
