// The recipes behind make_rope_table.
#include "engine/model/rope.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace hearth {
namespace {

// The (fractional) pair that turns `rotations` times over the original context.
double pair_of_rotations(const ModelConfig& config, double rotations) {
  return config.rope_dimensions * std::log(config.original_context / (rotations * 2 * std::numbers::pi)) /
         (2 * std::log(config.rope_base));
}

// Fast pairs keep their frequency, slow ones are interpolated, those between get a mixture.
void apply_yarn(const ModelConfig& config, RopeTable& table) {
  constexpr double kBetaFast = 32, kBetaSlow = 1;
  const double last = config.rope_dimensions - 1.0;
  const double low = std::clamp(std::floor(pair_of_rotations(config, kBetaFast)), 0.0, last);
  const double high = std::clamp(std::ceil(pair_of_rotations(config, kBetaSlow)), 0.0, last);
  for (size_t i = 0; i < table.frequency.size(); ++i) {
    const double slow = std::clamp((static_cast<double>(i) - low) / std::max(0.001, high - low), 0.0, 1.0);
    table.frequency[i] *= (1 - slow) + slow / config.rope_factor;
  }
  table.magnitude *= 1 + 0.1 * std::log(config.rope_factor);
}

}  // namespace

RopeTable make_rope_table(const ModelConfig& config, std::span<const float> factors) {
  RopeTable table;
  table.magnitude = config.rope_magnitude;
  for (uint32_t i = 0; i < config.rope_dimensions / 2; ++i) {
    const double frequency = std::pow(config.rope_base, -2.0 * i / config.rope_dimensions);
    table.frequency.push_back(factors.empty() ? frequency : frequency / double{factors[i]});
  }
  if (config.rope_scaling == RopeScaling::linear)
    for (double& frequency : table.frequency) frequency /= config.rope_factor;
  if (config.rope_scaling == RopeScaling::yarn) apply_yarn(config, table);
  return table;
}

}  // namespace hearth
