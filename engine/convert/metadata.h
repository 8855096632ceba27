// Metadata of a GGUF file that is yet to be written.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "formats/gguf_writer.h"

namespace hearth {

using Flags = std::vector<uint8_t>;  // of an array of true (1) and false (0)
using MetadataValue = std::variant<uint32_t, float, bool, std::string, std::vector<int32_t>, std::vector<float>,
                                   std::vector<std::string>, Flags>;

// Keys in the order in which they were first set.
class Metadata {
 public:
  void set(const std::string& key, MetadataValue value);    // replaces an earlier value
  const MetadataValue* find(const std::string& key) const;  // null where absent
  void write(GgufWriter& writer) const;

 private:
  std::vector<std::pair<std::string, MetadataValue>> entries_;
};

}  // namespace hearth
