// Comparing results with what is expected of them. What is found may be of fewer rows.
#pragma once

#include <string>

#include "engine/conform/trial.h"

namespace hearth::conform {

// How far results are from expected ones: at the value where the part of the bound is largest, and as a whole.
struct Distance {
  double error = 0, bound = 0, part = 0;  // part: error / bound; infinite where a number is none
  double nmse = 0;
  size_t off = 0, values = 0;  // how many values are past their bounds, of how many
  std::string worst;           // "sequence 0, row 3, value 17: 1.5 instead of 2.25"
};

// bounds: as `expected`, or empty: any finite value will do, and only nmse counts.
Distance distance(const Results& expected, const Results& found, const std::vector<std::vector<double>>& bounds,
                  const std::vector<size_t>& rows);

// Where the bits of two results first differ: "sequence 0, row 3, value 17: 1.5 instead of 2.25", or nothing.
std::string first_difference(const Results& expected, const Results& found, const std::vector<size_t>& rows);
// The same for what of `clean` and `poisoned` must hold: where `reference_poisoned` is no number, or infinite, so is
// `poisoned`; where a row of it is as in `reference_clean`, `poisoned` has the bits of `clean`. What becomes no number
// because of an infinite one need not: a limit may be meant.
struct PoisonRun {
  const Results& clean;
  const Results& poisoned;
};
std::string wrong_poison(const PoisonRun& reference, const PoisonRun& found, bool infinite,
                         const std::vector<size_t>& rows);

// Rows of each sequence.
std::vector<size_t> rows_of(const Text& text);

}  // namespace hearth::conform
