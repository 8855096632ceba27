// The error of a vocabulary or a text that cannot be tokenized.
#pragma once

#include <stdexcept>

namespace hearth {

// One line that names the metadata key or the id, and what is wrong with it.
class TokenizerError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace hearth
