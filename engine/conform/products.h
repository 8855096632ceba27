// How far products of matrices may be from exact ones.
#pragma once

#include <vector>

#include "backends/program.h"
#include "engine/conform/tolerance.h"

namespace hearth::conform {

// Relative error of a sum of `terms` 32-bit products, by the sum of their absolute values.
double sum_rounding(uint64_t terms);
// 2^-20: of a few operations and a function, relative to their result.
inline constexpr double kFewRoundings = 1.0 / (1 << 20);
// What values below 2^-126 may become zeros for, and what they may then be multiplied by.
inline constexpr double kVanishing = 1e-30;

// Values that a device computes, each with how far it may be off.
struct Computed {
  std::vector<double> value, error;
};
Computed exactly(std::span<const float> values);

// matrix[rows x in.value.size()] times `in`, which the device rounds as `precision` says.
Computed product(std::span<const float> matrix, const Computed& in, Precision precision);
void add_vector(Computed& sum, std::span<const float> bias);
// act of each value. No activation is steeper than 1.13.
double activated(Activation act, double x);
Computed activated(Activation act, const Computed& in);
// act(gate) * up, or what `clamped` stands for.
Computed gated(Activation act, const Computed& gate, const Computed& up);

}  // namespace hearth::conform
