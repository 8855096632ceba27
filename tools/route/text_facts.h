// What rules want to know of a request's text.
#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "tools/route/policy.h"

namespace hearth::route {

// The patterns of a policy's rules, compiled. Immutable and thread-safe.
class TextRules {
 public:
  // Throws std::invalid_argument that names the rule whose pattern cannot be.
  explicit TextRules(const Policy& policy);
  ~TextRules();

  // Adds the names of rules whose pattern is in a string of the body, and for each rule that asks for paths the first
  // that a string speaks of, as it is said or below a repository. Strings that quote JSON are read as they stand and as
  // what they say; where that has no end the facts are unclear.
  void look(const nlohmann::ordered_json& body, Facts& facts) const;

 private:
  struct State;
  class Look;
  std::unique_ptr<State> state_;
};

}  // namespace hearth::route
