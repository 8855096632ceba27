// Levenshtein's distance, by words.
#include "tools/route/likeness.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>
#include <vector>

namespace hearth::route {
namespace {

constexpr size_t kMostWords = 2000;

std::vector<std::string_view> words_of(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  std::vector<std::string_view> words;
  while (words.size() < kMostWords) {
    const size_t begin = text.find_first_not_of(kSpace);
    if (begin == text.npos) break;
    const size_t end = std::min(text.find_first_of(kSpace, begin), text.size());
    words.push_back(text.substr(begin, end - begin));
    text.remove_prefix(end);
  }
  return words;
}

}  // namespace

double edit_distance(std::string_view a, std::string_view b) {
  const auto from = words_of(a), to = words_of(b);
  if (from.empty() && to.empty()) return 0;
  std::vector<size_t> row(to.size() + 1);  // distances of the beginning so far to each beginning of `to`
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 0; i < from.size(); ++i) {
    size_t diagonal = std::exchange(row[0], i + 1);
    for (size_t j = 0; j < to.size(); ++j) {
      const size_t exchanged = diagonal + (from[i] == to[j] ? 0 : 1);
      diagonal = std::exchange(row[j + 1], std::min({exchanged, row[j] + 1, row[j + 1] + 1}));
    }
  }
  return static_cast<double>(row.back()) / static_cast<double>(std::max(from.size(), to.size()));
}

double cosine(std::span<const float> a, std::span<const float> b) {
  double product = 0, first = 0, second = 0;
  for (size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
    product += static_cast<double>(a[i]) * b[i];
    first += static_cast<double>(a[i]) * a[i];
    second += static_cast<double>(b[i]) * b[i];
  }
  return first > 0 && second > 0 ? product / std::sqrt(first * second) : 0;
}

}  // namespace hearth::route
