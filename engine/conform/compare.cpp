// Value by value, so that what is off can be named.
#include "engine/conform/compare.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdio>
#include <limits>

namespace hearth::conform {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

std::string number(double value) {
  char text[40];
  std::snprintf(text, sizeof text, "%.7g", value);
  return text;
}

std::string place(size_t sequence, size_t index, size_t values, size_t rows, float found, float expected) {
  const size_t width = std::max<size_t>(values / std::max<size_t>(rows, 1), 1);
  return "sequence " + std::to_string(sequence) + ", row " + std::to_string(index / width) + ", value " +
         std::to_string(index % width) + ": " + number(double{found}) + " instead of " + number(double{expected});
}

// How much of `bound` the distance of a value is.
double part_of(float expected, float found, double bound) {
  if (std::isnan(expected)) return std::isfinite(found) ? kInfinity : 0;
  if (std::isinf(expected)) return std::abs(found) > 1e37f || std::isnan(found) ? 0 : kInfinity;
  const double apart = std::abs(double{expected} - double{found});
  if (!std::isfinite(apart)) return kInfinity;
  return apart == 0 ? 0 : apart / bound;
}

}  // namespace

Distance distance(const Results& expected, const Results& found, const std::vector<std::vector<double>>& bounds,
                  const std::vector<size_t>& rows) {
  Distance result;
  double squares = 0, all = 0, worst = -1;
  for (size_t s = 0; s < expected.size(); ++s)
    for (size_t i = 0; i < found[s].size(); ++i) {
      const float e = expected[s][i], f = found[s][i];
      const double bound = bounds.empty() ? kInfinity : bounds[s][i];
      const double part = part_of(e, f, bound);
      ++result.values;
      if (part > 1) ++result.off;
      if (std::isfinite(e) && std::isfinite(f)) {
        const double apart = double{e} - double{f};
        squares += apart * apart;
        all += double{e} * double{e};
      }
      if (part <= worst) continue;
      worst = part;
      result.error = std::abs(double{e} - double{f});
      result.bound = bounds.empty() ? 0 : bound;
      result.part = part;
      result.worst = place(s, i, expected[s].size(), rows[s], f, e);
    }
  result.nmse = squares == 0 ? 0 : squares / std::max(all, 1e-300);
  return result;
}

std::string first_difference(const Results& expected, const Results& found, const std::vector<size_t>& rows) {
  for (size_t s = 0; s < expected.size(); ++s)
    for (size_t i = 0; i < found[s].size(); ++i)
      if (std::bit_cast<uint32_t>(expected[s][i]) != std::bit_cast<uint32_t>(found[s][i]))
        return place(s, i, expected[s].size(), rows[s], found[s][i], expected[s][i]);
  return "";
}

std::string wrong_poison(const PoisonRun& reference, const PoisonRun& found, bool infinite,
                         const std::vector<size_t>& rows) {
  for (size_t s = 0; s < rows.size(); ++s) {
    const size_t width = reference.clean[s].size() / rows[s];
    for (size_t i = 0; i < found.clean[s].size(); ++i) {
      const auto row = static_cast<ptrdiff_t>(i / width * width), end = row + static_cast<ptrdiff_t>(width);
      const float expected = reference.poisoned[s][i], one = found.poisoned[s][i];
      const bool must_show = infinite ? std::isinf(expected) : std::isnan(expected);
      const bool untouched = std::equal(reference.poisoned[s].begin() + row, reference.poisoned[s].begin() + end,
                                        reference.clean[s].begin() + row);
      if (must_show && std::isfinite(one)) return place(s, i, reference.clean[s].size(), rows[s], one, expected);
      if (untouched && std::bit_cast<uint32_t>(one) != std::bit_cast<uint32_t>(found.clean[s][i]))
        return place(s, i, reference.clean[s].size(), rows[s], one, found.clean[s][i]);
    }
  }
  return "";
}

std::vector<size_t> rows_of(const Text& text) {
  std::vector<size_t> rows;
  for (const auto& tokens : text.tokens) rows.push_back(tokens.size());
  return rows;
}

}  // namespace hearth::conform
