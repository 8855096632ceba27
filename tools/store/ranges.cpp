// A sorted vector: a file has as many ranges as connections, give or take a few cuts.
#include "tools/store/ranges.h"

#include <algorithm>
#include <charconv>

namespace hearth::store {

void RangeSet::add(Range range) {
  if (range.begin >= range.end) return;
  // The first that touches the new one, and the first behind it.
  const auto first = std::ranges::lower_bound(ranges_, range.begin, {}, &Range::end);
  auto last = first;
  for (; last != ranges_.end() && last->begin <= range.end; ++last) {
    range.begin = std::min(range.begin, last->begin);
    range.end = std::max(range.end, last->end);
  }
  ranges_.insert(ranges_.erase(first, last), range);
}

std::vector<Range> RangeSet::missing(uint64_t size) const {
  std::vector<Range> gaps;
  uint64_t at = 0;
  for (const Range& range : ranges_) {
    if (range.begin > at) gaps.push_back({at, std::min(range.begin, size)});
    at = range.end;
    if (at >= size) return gaps;
  }
  if (at < size) gaps.push_back({at, size});
  return gaps;
}

std::optional<Range> RangeSet::first_missing(Range range) const {
  for (const Range& there : ranges_) {
    if (there.end <= range.begin) continue;
    if (there.begin > range.begin) return Range{range.begin, std::min(range.end, there.begin)};
    range.begin = there.end;
    if (range.begin >= range.end) return std::nullopt;
  }
  return range.begin < range.end ? std::optional(range) : std::nullopt;
}

uint64_t RangeSet::bytes() const {
  uint64_t sum = 0;
  for (const Range& range : ranges_) sum += range.size();
  return sum;
}

std::string to_text(const RangeSet& set) {
  std::string text;
  for (const Range& range : set.ranges())
    text += (text.empty() ? "" : " ") + std::to_string(range.begin) + "-" + std::to_string(range.end);
  return text;
}

std::optional<RangeSet> read_ranges(std::string_view text, uint64_t size) {
  RangeSet set;
  const char* at = text.data();
  const char* const end = at + text.size();
  while (at != end) {
    Range range;
    const auto [dash, no_begin] = std::from_chars(at, end, range.begin);
    if (no_begin != std::errc() || dash == end || *dash != '-') return std::nullopt;
    const auto [behind, no_end] = std::from_chars(dash + 1, end, range.end);
    if (no_end != std::errc() || range.begin >= range.end || range.end > size) return std::nullopt;
    set.add(range);
    at = behind;
    if (at != end && *at++ != ' ') return std::nullopt;
  }
  return set;
}

std::vector<Range> cut_into_pieces(const std::vector<Range>& ranges, uint64_t piece) {
  std::vector<Range> pieces;
  for (const Range& range : ranges)
    for (uint64_t at = range.begin; at < range.end;) {
      // A rest that is small goes with the last piece.
      const uint64_t end = range.end - at < piece + piece / 2 ? range.end : at + piece;
      pieces.push_back({at, end});
      at = end;
    }
  return pieces;
}

}  // namespace hearth::store
