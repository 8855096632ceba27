// Holding back what may become a stop text.
#include "engine/decode/stop_filter.h"

#include <algorithm>
#include <utility>

namespace hearth {

StopFilter::StopFilter(std::vector<std::string> stops) : stops_(std::move(stops)) {
  std::erase(stops_, "");
  for (const std::string& stop : stops_) longest_ = std::max(longest_, stop.size());
}

std::string StopFilter::push(std::string_view text) {
  if (stopped_) return "";
  held_ += text;
  size_t found = std::string::npos;
  for (const std::string& stop : stops_) {
    const size_t at = held_.find(stop);
    if (at >= found) continue;
    found = at;
    stop_ = stop;
  }
  if (found != std::string::npos) {
    stopped_ = true;
    held_.resize(found);
    return std::exchange(held_, {});
  }
  // The longest end of the held text with which a stop text begins.
  size_t keep = longest_ == 0 ? 0 : std::min(longest_ - 1, held_.size());
  const auto may_begin = [&](size_t size) {
    const std::string_view end = std::string_view(held_).substr(held_.size() - size);
    return std::any_of(stops_.begin(), stops_.end(), [&](const std::string& stop) { return stop.starts_with(end); });
  };
  while (keep > 0 && !may_begin(keep)) --keep;
  std::string certain = held_.substr(0, held_.size() - keep);
  held_.erase(0, certain.size());
  return certain;
}

std::string StopFilter::finish() { return std::exchange(held_, {}); }

}  // namespace hearth
