// Reads the metadata of one architecture: `llama.` before each name.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "formats/gguf.h"

namespace hearth {

// The largest size that any number of a model may have: far past real models, and small enough that products of two
// cannot overflow 64 bits.
inline constexpr uint64_t kLargestSize = uint64_t{1} << 28;

// All throw FileError naming the key where a value has the wrong type or cannot be.
class ConfigReader {
 public:
  ConfigReader(const Gguf& file, std::string_view architecture)
      : file_(file), prefix_(std::string(architecture) + ".") {}

  [[noreturn]] void fail(std::string_view name, const std::string& what) const;
  bool has(std::string_view name) const { return file_.find_entry(prefix_ + std::string(name)) != nullptr; }
  // From 1 to kLargestSize. An array of one size for each layer counts as that size if they are all the same.
  uint32_t size(std::string_view name) const;
  uint32_t size(std::string_view name, uint32_t fallback) const;
  // The same where 0 is allowed, which is also what absence means.
  uint32_t size_or_none(std::string_view name) const;
  double positive(std::string_view name, double fallback) const;
  // Where 0 is allowed; that, and absence, is the fallback.
  double positive_or(std::string_view name, double fallback) const;
  bool flag(std::string_view name, bool fallback) const;
  std::string_view text(std::string_view name, std::string_view fallback) const;
  // For each layer whether it is marked, by an array of a number or bool a layer, or by a period: all layers but each
  // period-th (1: none, 0: all).
  std::vector<bool> pattern(std::string_view name, uint32_t period, uint32_t layers) const;

 private:
  uint64_t integer(std::string_view name) const;
  uint32_t checked(std::string_view name, uint64_t value) const;

  const Gguf& file_;
  std::string prefix_;
};

}  // namespace hearth
