// Tensors of RoPE factors, which config.json has as numbers.
#include <cmath>
#include <numbers>

#include "engine/convert/tensor_planner.h"

namespace hearth {
namespace {

// Llama 3's: what each pair's frequency is divided by. Slow pairs are interpolated, fast ones are not, and those
// between get a mixture.
std::vector<float> llama3_factors(const RopeSettings& rope, uint32_t turning, double usual_factor) {
  const double factor = rope.scaling.real({"factor"}).value_or(usual_factor);
  const double low = rope.scaling.real({"low_freq_factor"}).value_or(1);
  const double high = rope.scaling.real({"high_freq_factor"}).value_or(4);
  const double context = rope.scaling.size({"original_max_position_embeddings"}).value_or(8192);
  if (!(factor > 0) || !(low > 0) || !(high > low)) rope.scaling.fail("factor", "or a frequency factor cannot be");
  std::vector<float> factors;
  for (uint32_t i = 0; i < turning; i += 2) {
    const double frequency = std::pow(rope.theta.value_or(10000), -static_cast<double>(i) / turning);
    const double turns = context * frequency / (2 * std::numbers::pi);  // over the original context
    const double fast = (turns - low) / (high - low);
    factors.push_back(static_cast<float>(fast > 1 ? 1 : fast < 0 ? factor : 1 / ((1 - fast) / factor + fast)));
  }
  return factors;
}

}  // namespace

void TensorPlanner::add_factors() {
  const RopeSettings rope = rope_settings(config_);
  const uint32_t turning = turning_size(family_, config_, shape_);
  const auto add = [&](const char* name, std::vector<float> values) {
    ConvertedTensor& tensor = planned_[{-1, name}];
    tensor.name = name;
    tensor.dims = {values.size()};
    tensor.values = std::move(values);
  };
  if (rope.type == "llama3") {
    const bool exaone = family_.architecture == std::string_view("exaone4");
    add("rope_freqs.weight", llama3_factors(rope, turning, exaone ? 16 : 8));
  }
  if (family_.architecture != std::string_view("phi3") || !rope.scaling.has("long_factor")) return;
  for (const auto& [name, tensor] :
       {std::pair("long_factor", "rope_factors_long.weight"), std::pair("short_factor", "rope_factors_short.weight")}) {
    std::vector<float> values = rope.scaling.reals(name);
    if (values.size() != turning / 2)
      rope.scaling.fail(
          name, "has " + std::to_string(values.size()) + " numbers for " + std::to_string(turning / 2) + " pairs");
    add(tensor, std::move(values));
  }
}

}  // namespace hearth
