// Calls as Python writes them: NAME(KEY=VALUE, ...).
#pragma once

#include <cstdint>

#include "engine/text/answer/call_reader.h"

namespace hearth {

// Tells the arguments when the call is whole.
class PythonReader : public CallReader {
 public:
  explicit PythonReader(const Tools& tools) : tools_(tools) {}

  Status read(std::string_view text, bool last) override;

 private:
  const Tools& tools_;
  size_t open_ = std::string::npos;  // of the parenthesis
  int depth_ = 0;
  char quote_ = 0;
  bool escaped_ = false;
};

}  // namespace hearth
