// All places in the pattern that the text so far can have led to.
#include "tools/route/glob.h"

#include <algorithm>

namespace hearth::route {

bool matches(std::string_view pattern, std::string_view text) {
  // at[i]: the text so far is matched by the pattern's first i bytes.
  std::vector<char> at(pattern.size() + 1, 0), next(pattern.size() + 1, 0);
  // Stars may match nothing: from where one begins to behind it, and, at a folder's beginning, behind "**/".
  const auto spread = [&](std::vector<char>& states, bool at_name) {
    for (size_t i = 0; i < pattern.size(); ++i) {
      if (states[i] == 0 || pattern[i] != '*') continue;
      states[i + 1] = 1;
      const bool folders = at_name && pattern.substr(i).starts_with("**/") && (i == 0 || pattern[i - 1] == '/');
      if (folders) states[i + 3] = 1;
    }
  };
  at[0] = 1;
  spread(at, true);
  for (const char c : text) {
    std::ranges::fill(next, 0);
    for (size_t i = 0; i < pattern.size(); ++i) {
      if (at[i] == 0) continue;
      const bool across = pattern.substr(i).starts_with("**") || (i > 0 && pattern.substr(i - 1).starts_with("**"));
      if (pattern[i] == '*' && (c != '/' || across))
        next[i] = 1;
      else if (pattern[i] == '?' ? c != '/' : pattern[i] == c)
        next[i + 1] = 1;
    }
    spread(next, c == '/');
    std::swap(at, next);
  }
  return at[pattern.size()] != 0;
}

bool could_match(std::string_view pattern, std::string_view text) {
  while (!pattern.empty()) {
    const std::string_view piece = pattern.substr(0, pattern.find_first_of("*?/"));
    if (text.find(piece) == text.npos) return false;
    pattern.remove_prefix(std::min(piece.size() + 1, pattern.size()));
  }
  return true;
}

bool matches_any(const std::vector<std::string>& patterns, std::string_view text) {
  return std::ranges::any_of(patterns, [&](const std::string& pattern) { return matches(pattern, text); });
}

}  // namespace hearth::route
