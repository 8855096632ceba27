// How far fetching has come: rate, time left, and a line that says both.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>

namespace hearth::fetch {

// Bytes a second over the last seconds.
class RateMeter {
 public:
  using Time = std::chrono::steady_clock::time_point;

  // `bytes` are all there are at `now`; times do not go back.
  void add(Time now, uint64_t bytes);
  // Nothing before there is something to tell.
  std::optional<double> rate() const;

 private:
  struct Sample {
    Time time;
    uint64_t bytes;
  };
  std::deque<Sample> samples_;
};

// "7 s", "2 min 5 s", "1 h 20 min"; "more than a day".
std::string time_text(double seconds);

// "[#########.............]  42 %  167.0 of 397.8 MiB  11.2 MiB/s  20 s left", at most `width` columns: what does not
// fit is left out, the bar first.
std::string progress_line(uint64_t done, uint64_t total, std::optional<double> rate, size_t width);

}  // namespace hearth::fetch
