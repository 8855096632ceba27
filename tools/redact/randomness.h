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
// "changeme", "${TOKEN}", "<password>": what stands where a secret would.
bool stands_for_secret(std::string_view value);
// A password within an address or on a command line, where it can be nothing else, rather than a variable or a format:
// "$PASSWORD", "{password}", "%s".
bool is_literal(std::string_view password);
// Letters of one case, with a capital at most, joined by "-" or "_".
bool is_word(std::string_view value);
// Whether a name speaks of a secret at all.
bool names_secret(std::string_view name);

}  // namespace hearth::redact
