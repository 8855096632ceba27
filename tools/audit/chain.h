// How rows hang together: each row's hash covers the hash of the row before it.
#pragma once

#include <string>

#include "tools/audit/digest.h"

namespace hearth::audit {

// A place in the chain. Nothing was written before the first row.
struct Link {
  uint64_t number = 0;
  std::string hash = std::string(64, '0');
  bool operator==(const Link&) const = default;
};

// SHA-256 of "HASH_BEFORE\nCONTENT".
inline std::string chained(const std::string& before, const std::string& content) {
  return Digest().add(before).add("\n").add(content).hex();
}

}  // namespace hearth::audit
