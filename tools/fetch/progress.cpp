// Numbers into one line.
#include "tools/fetch/progress.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "tools/store/size_text.h"

namespace hearth::fetch {
namespace {

constexpr std::chrono::seconds kWindow{10};
constexpr size_t kBar = 24;

}  // namespace

void RateMeter::add(Time now, uint64_t bytes) {
  samples_.push_back({now, bytes});
  while (samples_.size() > 2 && now - samples_[1].time >= kWindow) samples_.pop_front();
}

std::optional<double> RateMeter::rate() const {
  if (samples_.size() < 2) return std::nullopt;
  const double seconds = std::chrono::duration<double>(samples_.back().time - samples_.front().time).count();
  if (seconds < 0.5 || samples_.back().bytes < samples_.front().bytes) return std::nullopt;
  return static_cast<double>(samples_.back().bytes - samples_.front().bytes) / seconds;
}

std::string time_text(double seconds) {
  if (!(seconds < 86'400)) return "more than a day";
  const auto whole = static_cast<int>(std::ceil(std::max(seconds, 0.0)));
  if (whole < 60) return std::to_string(whole) + " s";
  if (whole < 3600) return std::to_string(whole / 60) + " min " + std::to_string(whole % 60) + " s";
  return std::to_string(whole / 3600) + " h " + std::to_string(whole % 3600 / 60) + " min";
}

std::string progress_line(uint64_t done, uint64_t total, std::optional<double> rate, size_t width) {
  done = std::min(done, total);
  const double share = total == 0 ? 1 : static_cast<double>(done) / static_cast<double>(total);
  char percent[16];
  std::snprintf(percent, sizeof percent, "%3d %%", static_cast<int>(share * 100));
  std::string line = percent;
  const auto append = [&](const std::string& more) {
    if (line.size() + 2 + more.size() <= width) line += "  " + more;
  };
  append(store::size_text(done) + " of " + store::size_text(total));
  if (rate) append(store::size_text(static_cast<uint64_t>(*rate)) + "/s");
  if (rate && *rate >= 1) append(time_text(static_cast<double>(total - done) / *rate) + " left");
  if (line.size() + kBar + 4 > width) return line;
  std::string bar(kBar, '.');
  std::fill_n(bar.begin(), static_cast<size_t>(share * kBar), '#');
  return "[" + bar + "] " + line;
}

}  // namespace hearth::fetch
