// The error of a file that cannot be read as what it should be.
#pragma once

#include <stdexcept>

namespace hearth {

// One line that names the file, what is wrong and where. Thrown; the file is left as it was.
class FileError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace hearth
