// Numbers between bounds, as decimal text.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "engine/decode/constraint/json_text.h"

namespace hearth {

// A bound, as decimal digits.
struct DecimalBound {
  bool negative = false;
  std::string whole = "0", fraction;  // no zeros in front of the one or behind the other
  bool exclusive = false;

  bool zero() const { return whole == "0" && fraction.empty(); }
  // `upper`: an upper bound. One with more than 18 digits behind the point is moved to the inner side; nullopt for one
  // that no number of at most 18 digits can pass.
  static std::optional<DecimalBound> make(const Value& number, bool exclusive, bool upper);
};

// Less than, equal to or greater than zero as a is to b, whether exclusive or not.
int compare(const DecimalBound& a, const DecimalBound& b);

// Numbers without exponents from lower to upper; nullopt: without that bound. impossible() where there are none.
GrammarPart number_between(JsonText& text, const std::optional<DecimalBound>& lower,
                           const std::optional<DecimalBound>& upper, bool integers);

}  // namespace hearth
