// Sets of Unicode characters.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace hearth {

struct CharacterRange {
  uint32_t first = 0, last = 0;  // both included
  auto operator<=>(const CharacterRange&) const = default;
};

// Ranges of code points, rising and apart; surrogates are never in a set. Immutable.
class CharacterSet {
 public:
  static constexpr uint32_t kLast = 0x10FFFF;

  CharacterSet() = default;  // empty
  explicit CharacterSet(std::vector<CharacterRange> ranges);
  static CharacterSet all() { return CharacterSet({{0, kLast}}); }

  std::span<const CharacterRange> ranges() const { return ranges_; }
  bool empty() const { return ranges_.empty(); }
  bool contains(uint32_t character) const;

  CharacterSet complement() const;
  CharacterSet operator|(const CharacterSet& other) const;
  CharacterSet operator&(const CharacterSet& other) const;
  CharacterSet operator-(const CharacterSet& other) const { return *this & other.complement(); }
  auto operator<=>(const CharacterSet&) const = default;

 private:
  std::vector<CharacterRange> ranges_;
};

void append_utf8(uint32_t character, std::string& text);

// Byte ranges of UTF-8 sequences of one length: a sequence is in it where each byte is in its range.
struct Utf8Ranges {
  uint32_t size = 0;
  struct Range {
    uint8_t low = 0, high = 0;
    auto operator<=>(const Range&) const = default;
  } bytes[4];
};

// The characters of a text; nullopt where it is no UTF-8.
std::optional<std::vector<uint32_t>> decode_utf8(std::string_view text);

// The UTF-8 of a set, as sequences of byte ranges that do not overlap.
std::vector<Utf8Ranges> utf8_ranges(const CharacterSet& set);

}  // namespace hearth
