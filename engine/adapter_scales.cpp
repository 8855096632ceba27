// The usual scales, and those that a request says instead.
#include "engine/adapter_scales.h"

#include <algorithm>
#include <cmath>

#include "formats/byte_cursor.h"

namespace hearth {
namespace {

void require_scale(float scale) {
  if (!std::isfinite(scale)) throw Error(ErrorCode::invalid_argument, "the scale of an adapter must be a number");
}

}  // namespace

std::vector<std::filesystem::path> adapter_paths(const std::vector<AdapterFile>& adapters) {
  std::vector<std::filesystem::path> paths;
  for (const AdapterFile& one : adapters) paths.push_back(one.path);
  return paths;
}

std::vector<std::string> adapter_names(const std::vector<AdapterFile>& adapters) {
  std::vector<std::string> names;
  for (const AdapterFile& one : adapters) {
    names.push_back(one.name.empty() ? one.path.stem().string() : one.name);
    if (std::count(names.begin(), names.end(), names.back()) > 1)
      throw Error(ErrorCode::invalid_argument, "two adapters have the name " + in_quotes(names.back()));
  }
  return names;
}

AdapterScales::AdapterScales(const std::vector<AdapterFile>& adapters) {
  for (const AdapterFile& one : adapters) {
    require_scale(one.scale);
    usual_.push_back(one.scale);
  }
}

std::vector<float> AdapterScales::usual() const {
  const std::lock_guard lock(mutex_);
  return usual_;
}

void AdapterScales::set_usual(std::span<const float> scales) {
  const std::lock_guard lock(mutex_);
  if (scales.size() != usual_.size())
    throw Error(ErrorCode::invalid_argument, std::to_string(scales.size()) + " scales were given for " +
                                                 std::to_string(usual_.size()) + " adapters");
  for (const float scale : scales) require_scale(scale);
  usual_.assign(scales.begin(), scales.end());
}

std::vector<float> AdapterScales::of(const std::optional<std::vector<AdapterUse>>& used) const {
  std::vector<float> scales = usual();
  if (used) {
    std::fill(scales.begin(), scales.end(), 0.0f);
    for (const AdapterUse& one : *used) {
      if (one.adapter >= scales.size())
        throw Error(ErrorCode::invalid_argument, "there is no adapter " + std::to_string(one.adapter) +
                                                     "; the model has " + std::to_string(scales.size()));
      require_scale(one.scale);
      scales[one.adapter] = one.scale;
    }
  }
  const bool none = std::all_of(scales.begin(), scales.end(), [](float scale) { return scale == 0; });
  return none ? std::vector<float>() : scales;
}

}  // namespace hearth
