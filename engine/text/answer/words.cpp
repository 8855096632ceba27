// Cutting texts at tags, names and white space.
#include "engine/text/answer/words.h"

#include <algorithm>

namespace hearth {
namespace {

constexpr size_t kLongestTag = 80;

bool is_space(char c) { return kAnswerSpace.find(c) != std::string_view::npos; }
bool is_name(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_'; }

// Length of the tag that begins a text: <...> without white space, or [WORD]; 0 where none does.
size_t tag_size(std::string_view text) {
  if (text.empty() || (text[0] != '<' && text[0] != '[')) return 0;
  const bool angle = text[0] == '<';
  for (size_t i = 1; i < std::min(text.size(), kLongestTag); ++i) {
    const char c = text[i];
    if (c == (angle ? '>' : ']')) return i > 1 ? i + 1 : 0;
    if (is_space(c) || c == '<') return 0;
    if (!angle && c != '_' && c != '/' && (c < 'A' || c > 'Z')) return 0;
  }
  return 0;
}

}  // namespace

std::string_view trim(std::string_view text) {
  const size_t begin = text.find_first_not_of(kAnswerSpace);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kAnswerSpace) - begin + 1);
}

Words split_words(std::string_view marker) {
  Words words;
  bool open = false;  // the last word may grow
  while (!marker.empty()) {
    const size_t tag = tag_size(marker);
    if (tag > 0) {
      words.emplace_back(marker.substr(0, tag));
      open = false;
    } else if (is_space(marker[0])) {
      open = false;
    } else if (open) {
      words.back() += marker[0];
    } else {
      words.emplace_back(1, marker[0]);
      open = true;
    }
    marker.remove_prefix(std::max(tag, size_t{1}));
  }
  return words;
}

WordsMatch match_words(std::string_view text, size_t at, const Words& words) {
  using Kind = WordsMatch::Kind;
  for (const std::string& word : words) {
    const size_t begin = at;
    while (at < text.size() && is_space(text[at])) ++at;
    if (at - begin > kMostSpace) return {Kind::no, 0};
    if (word == kAnyWord) {
      const size_t first = at;
      while (at < text.size() && (is_name(text[at]) || text[at] == '-')) ++at;
      if (at - first > kLongestAny || (at == first && at < text.size())) return {Kind::no, 0};
      if (at == text.size()) return {Kind::partial, 0};
      continue;
    }
    const std::string_view here = text.substr(at, word.size());
    if (!std::string_view(word).starts_with(here)) return {Kind::no, 0};
    if (here.size() < word.size()) return {Kind::partial, 0};
    at += word.size();
  }
  return {Kind::yes, at};
}

size_t held_end(std::string_view text, std::string_view marker) {
  if (marker.empty()) return 0;
  size_t size = std::min(text.size(), marker.size() - 1);
  while (size > 0 && !text.ends_with(marker.substr(0, size))) --size;
  return size;
}

std::vector<std::string_view> split_atoms(std::string_view text) {
  std::vector<std::string_view> atoms;
  while (!text.empty()) {
    size_t size = std::max(tag_size(text), size_t{1});
    if (is_name(text[0]))
      while (size < text.size() && is_name(text[size])) ++size;
    else if ((text[0] & 0x80) != 0 && size == 1)
      while (size < text.size() && (text[size] & 0xC0) == 0x80) ++size;
    atoms.push_back(text.substr(0, size));
    text.remove_prefix(size);
  }
  return atoms;
}

size_t common_beginning(std::string_view a, std::string_view b) {
  const auto left = split_atoms(a), right = split_atoms(b);
  size_t size = 0;
  for (size_t i = 0; i < std::min(left.size(), right.size()) && left[i] == right[i]; ++i) size += left[i].size();
  return size;
}

size_t common_end(std::string_view a, std::string_view b) {
  const auto left = split_atoms(a), right = split_atoms(b);
  size_t size = 0;
  for (size_t i = 1; i <= std::min(left.size(), right.size()); ++i) {
    if (left[left.size() - i] != right[right.size() - i]) break;
    size += left[left.size() - i].size();
  }
  return size;
}

}  // namespace hearth
