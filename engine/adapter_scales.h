// How much of each adapter a request gets.
#pragma once

#include <filesystem>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/include/hearth/hearth.h"

namespace hearth {

// What an engine's adapters are called and where they are.
std::vector<std::filesystem::path> adapter_paths(const std::vector<AdapterFile>& adapters);
// Throws Error (invalid_argument) where two are the same.
std::vector<std::string> adapter_names(const std::vector<AdapterFile>& adapters);

// Any thread at any time. Throws Error (invalid_argument) for scales that are no numbers, or of other adapters.
class AdapterScales {
 public:
  explicit AdapterScales(const std::vector<AdapterFile>& adapters);

  std::vector<float> usual() const;  // of requests that do not say
  void set_usual(std::span<const float> scales);
  // As the scheduler wants them: the scale of each, nothing where none is used.
  std::vector<float> of(const std::optional<std::vector<AdapterUse>>& used) const;

 private:
  mutable std::mutex mutex_;
  std::vector<float> usual_;
};

}  // namespace hearth
