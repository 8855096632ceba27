// Sets of characters and their UTF-8.
#include "engine/decode/constraint/characters.h"

#include <algorithm>

namespace hearth {
namespace {

constexpr CharacterRange kSurrogates{0xD800, 0xDFFF};

// Sorts, joins what touches.
std::vector<CharacterRange> joined(std::vector<CharacterRange> ranges) {
  std::sort(ranges.begin(), ranges.end());
  std::vector<CharacterRange> result;
  for (const CharacterRange& one : ranges) {
    if (!result.empty() && one.first <= result.back().last + 1)
      result.back().last = std::max(result.back().last, one.last);
    else
      result.push_back(one);
  }
  return result;
}

uint32_t encoded_size(uint32_t character) {
  return character < 0x80 ? 1 : character < 0x800 ? 2 : character < 0x10000 ? 3 : 4;
}

void encode(uint32_t character, uint32_t size, uint8_t* bytes) {
  constexpr uint8_t kLead[] = {0, 0, 0xC0, 0xE0, 0xF0};
  for (uint32_t i = size; i-- > 1; character >>= 6) bytes[i] = static_cast<uint8_t>(0x80 | (character & 0x3F));
  bytes[0] = static_cast<uint8_t>(kLead[size] | character);
}

// Splits a range until each byte of its UTF-8 runs through a range of its own.
void split(CharacterRange range, std::vector<Utf8Ranges>& result) {
  for (const uint32_t last : {0x7Fu, 0x7FFu, 0xFFFFu})
    if (range.first <= last && range.last > last) {
      split({range.first, last}, result);
      return split({last + 1, range.last}, result);
    }
  const uint32_t size = encoded_size(range.first);
  for (uint32_t i = 1; i < size; ++i) {
    const uint32_t low = (1u << (6 * i)) - 1;
    if ((range.first & ~low) == (range.last & ~low)) continue;
    if ((range.first & low) != 0) {
      split({range.first, range.first | low}, result);
      return split({(range.first | low) + 1, range.last}, result);
    }
    if ((range.last & low) != low) {
      split({range.first, (range.last & ~low) - 1}, result);
      return split({range.last & ~low, range.last}, result);
    }
  }
  uint8_t first[4] = {}, last[4] = {};
  encode(range.first, size, first);
  encode(range.last, size, last);
  Utf8Ranges one{.size = size, .bytes = {}};
  for (uint32_t i = 0; i < size; ++i) one.bytes[i] = {first[i], last[i]};
  result.push_back(one);
}

}  // namespace

CharacterSet::CharacterSet(std::vector<CharacterRange> ranges) {
  std::vector<CharacterRange> kept;
  for (CharacterRange one : ranges) {
    one.last = std::min(one.last, kLast);
    if (one.first > one.last) continue;
    if (one.first < kSurrogates.first) kept.push_back({one.first, std::min(one.last, kSurrogates.first - 1)});
    if (one.last > kSurrogates.last) kept.push_back({std::max(one.first, kSurrogates.last + 1), one.last});
  }
  ranges_ = joined(std::move(kept));
}

bool CharacterSet::contains(uint32_t character) const {
  const auto behind = std::upper_bound(ranges_.begin(), ranges_.end(), character,
                                       [](uint32_t c, const CharacterRange& range) { return c < range.first; });
  return behind != ranges_.begin() && character <= std::prev(behind)->last;
}

CharacterSet CharacterSet::complement() const {
  std::vector<CharacterRange> result;
  uint32_t next = 0;
  for (const CharacterRange& one : ranges_) {
    if (one.first > next) result.push_back({next, one.first - 1});
    next = one.last + 1;
  }
  result.push_back({next, kLast});
  return CharacterSet(std::move(result));
}

CharacterSet CharacterSet::operator|(const CharacterSet& other) const {
  std::vector<CharacterRange> result = ranges_;
  result.insert(result.end(), other.ranges_.begin(), other.ranges_.end());
  return CharacterSet(std::move(result));
}

CharacterSet CharacterSet::operator&(const CharacterSet& other) const {
  std::vector<CharacterRange> result;
  for (size_t a = 0, b = 0; a < ranges_.size() && b < other.ranges_.size();) {
    const CharacterRange &one = ranges_[a], &two = other.ranges_[b];
    const CharacterRange both{std::max(one.first, two.first), std::min(one.last, two.last)};
    if (both.first <= both.last) result.push_back(both);
    ++(one.last < two.last ? a : b);
  }
  return CharacterSet(std::move(result));
}

std::optional<std::vector<uint32_t>> decode_utf8(std::string_view text) {
  std::vector<uint32_t> characters;
  for (size_t at = 0; at < text.size();) {
    const auto lead = static_cast<uint8_t>(text[at++]);
    const uint32_t size = lead < 0x80 ? 1 : lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
    if ((lead >= 0x80 && lead < 0xC2) || lead > 0xF4 || text.size() - at < size - 1) return std::nullopt;
    uint32_t character = size == 1 ? lead : lead & (0x7Fu >> size);
    for (uint32_t i = 1; i < size; ++i) {
      const auto byte = static_cast<uint8_t>(text[at++]);
      if ((byte & 0xC0) != 0x80) return std::nullopt;
      character = character << 6 | (byte & 0x3Fu);
    }
    if (encoded_size(character) != size || character > CharacterSet::kLast ||
        (character >= kSurrogates.first && character <= kSurrogates.last))
      return std::nullopt;
    characters.push_back(character);
  }
  return characters;
}

void append_utf8(uint32_t character, std::string& text) {
  uint8_t bytes[4] = {};
  const uint32_t size = encoded_size(character);
  encode(character, size, bytes);
  for (uint32_t i = 0; i < size; ++i) text += static_cast<char>(bytes[i]);
}

std::vector<Utf8Ranges> utf8_ranges(const CharacterSet& set) {
  std::vector<Utf8Ranges> result;
  for (const CharacterRange& range : set.ranges()) split(range, result);
  return result;
}

}  // namespace hearth
