// The directory of one GGUF file, from its bytes. Private to formats; gguf.h is what others use.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "formats/gguf.h"

namespace hearth {

constexpr uint64_t kGgufLongestName = 65535;  // bytes of a key or a tensor's name, the format's limit

// What one file (or one part of a split model) holds. Views point into the bytes.
struct GgufDirectory {
  std::vector<GgufEntry> entries;  // in the order of the file
  std::vector<GgufTensor> tensors;
};

// Bytes of one element of a fixed-size type; 0 for strings and arrays.
size_t gguf_type_size(GgufType type);
const char* gguf_type_name(GgufType type);

// Checks everything that can be checked without knowing the model. Throws FileError naming `name` and the byte.
GgufDirectory parse_gguf(std::span<const std::byte> bytes, const std::string& name);

// Splits an array of strings into views, given its bytes as checked by parse_gguf.
std::vector<std::string_view> gguf_strings(const GgufEntry& entry);

}  // namespace hearth
