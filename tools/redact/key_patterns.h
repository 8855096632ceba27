// Keys that can be told by their form alone, whatever stands around them.
#pragma once

#include <span>

namespace hearth::redact {

struct KeyPattern {
  const char* rule;     // "github-token"; several patterns may share one
  const char* pattern;  // RE2, over bytes
};

std::span<const KeyPattern> key_patterns();

}  // namespace hearth::redact
