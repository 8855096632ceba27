// The recipes behind make_rope_table.
#include "engine/model/rope.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace hearth {
namespace {

// The (fractional) pair that turns `rotations` times over the original context.
double pair_of_rotations(const RopeConfig& config, double rotations) {
  return config.dimensions * std::log(config.original_context / (rotations * 2 * std::numbers::pi)) /
         (2 * std::log(config.base));
}

// Fast pairs keep their frequency, slow ones are interpolated, those between get a mixture.
void apply_yarn(const RopeConfig& config, RopeTable& table) {
  const double last = config.dimensions - 1.0;
  const double low = std::clamp(std::floor(pair_of_rotations(config, config.beta_fast)), 0.0, last);
  const double high = std::clamp(std::ceil(pair_of_rotations(config, config.beta_slow)), 0.0, last);
  for (size_t i = 0; i < table.frequency.size(); ++i) {
    const double slow = std::clamp((static_cast<double>(i) - low) / std::max(0.001, high - low), 0.0, 1.0);
    table.frequency[i] *= (1 - slow) + slow / config.factor;
  }
  const double growth = 0.1 * std::log(std::max(1.0, config.factor));
  table.magnitude *= (1 + growth) / (1 + config.log_multiplier * growth);
}

}  // namespace

RopeTable make_rope_table(const RopeConfig& config, std::span<const float> factors) {
  RopeTable table;
  table.magnitude = config.magnitude;
  for (uint32_t i = 0; i < config.dimensions / 2; ++i) {
    const double frequency = std::pow(config.base, -2.0 * i / config.dimensions);
    table.frequency.push_back(factors.empty() ? frequency : frequency / double{factors[i]});
  }
  if (config.scaling == RopeScaling::linear)
    for (double& frequency : table.frequency) frequency /= config.factor;
  if (config.scaling == RopeScaling::yarn) apply_yarn(config, table);
  return table;
}

}  // namespace hearth
