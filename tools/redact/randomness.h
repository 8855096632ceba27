// Whether a value was drawn by a machine rather than named by a person.
#pragma once

#include <string_view>

namespace hearth::redact {

// Bits for each character, from how often each occurs.
double entropy(std::string_view value);

// What is known of a value that is assigned to a name such as "api_key".
struct Assigned {
  std::string_view name, value;
  bool quoted = false;  // in quotes: a literal, no expression
};

// A secret rather than a word, an expression, a placeholder or the name of a type. A name that speaks of passwords
// makes less random values secrets.
bool is_secret(const Assigned& assigned);
// Whether a name speaks of a secret at all.
bool names_secret(std::string_view name);

}  // namespace hearth::redact
