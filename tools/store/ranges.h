// Which bytes of a file are there, and which are still to be fetched.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hearth::store {

// Bytes from `begin` up to, but without, `end`.
struct Range {
  uint64_t begin = 0, end = 0;
  uint64_t size() const { return end - begin; }
  bool operator==(const Range&) const = default;
};

// A set of bytes, as ranges that rise and do not touch.
class RangeSet {
 public:
  void add(Range range);  // an empty one adds nothing
  // What is not there of [0, size), in order.
  std::vector<Range> missing(uint64_t size) const;
  // The first stretch within `range` that is not there.
  std::optional<Range> first_missing(Range range) const;
  uint64_t bytes() const;
  const std::vector<Range>& ranges() const { return ranges_; }

 private:
  std::vector<Range> ranges_;
};

// "0-1048576 4194304-5242880", and back; nothing where the text is none, or has more than a file of `size` has.
std::string to_text(const RangeSet& set);
std::optional<RangeSet> read_ranges(std::string_view text, uint64_t size);

// `ranges` cut into pieces, each of about `piece` bytes and none of another range.
std::vector<Range> cut_into_pieces(const std::vector<Range>& ranges, uint64_t piece);

}  // namespace hearth::store
