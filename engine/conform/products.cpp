// Errors are added up as if all of them had the same sign.
#include "engine/conform/products.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace hearth::conform {
namespace {

constexpr double kSteepest = 1.13;
constexpr size_t kGroup = 32;  // activations that share a scale

// How far each value is from what the device multiplies with.
std::vector<double> rounded(const Computed& in, Precision precision) {
  std::vector<double> error = in.error;
  const size_t count = in.value.size();
  for (size_t begin = 0; begin < count; begin += kGroup) {
    const size_t end = std::min(begin + kGroup, count);
    double largest = 0;
    for (size_t i = begin; i < end; ++i) largest = std::max(largest, std::abs(in.value[i]) + in.error[i]);
    for (size_t i = begin; i < end; ++i) {
      if (precision == Precision::int8) error[i] += largest / 253 + kVanishing;
      if (precision == Precision::f16) error[i] += std::abs(in.value[i]) / 2000 + 6e-8;
    }
  }
  return error;
}

}  // namespace

double sum_rounding(uint64_t terms) { return std::ldexp(8 + 2 * std::sqrt(static_cast<double>(terms)), -24); }

Computed exactly(std::span<const float> values) {
  return {{values.begin(), values.end()}, std::vector<double>(values.size())};
}

Computed product(std::span<const float> matrix, const Computed& in, Precision precision) {
  const size_t width = in.value.size(), rows = matrix.size() / width;
  const std::vector<double> error = rounded(in, precision);
  const double rounding = sum_rounding(width);
  Computed out{std::vector<double>(rows), std::vector<double>(rows)};
  for (size_t i = 0; i < rows; ++i) {
    double sum = 0, size = 0, off = 0;
    for (size_t j = 0; j < width; ++j) {
      const double w = matrix[i * width + j];
      sum += w * in.value[j];
      size += std::abs(w * in.value[j]);
      off += std::abs(w) * error[j];
    }
    out.value[i] = sum;
    out.error[i] = off + rounding * (size + off) + kVanishing;
  }
  return out;
}

void add_vector(Computed& sum, std::span<const float> bias) {
  for (size_t i = 0; i < bias.size(); ++i) {
    sum.value[i] += double{bias[i]};
    sum.error[i] += kFewRoundings * std::abs(double{bias[i]});
  }
}

double activated(Activation act, double x) {
  switch (act) {
    case Activation::silu:
      return x / (1 + std::exp(-x));
    case Activation::gelu:
      return x / (1 + std::exp(-2 * std::sqrt(2 / std::numbers::pi) * (x + 0.044715 * x * x * x)));
    case Activation::sigmoid:
      return 1 / (1 + std::exp(-x));
    case Activation::none:
    case Activation::clamped:
      break;
  }
  return x;
}

Computed activated(Activation act, const Computed& in) {
  Computed out = in;
  for (size_t i = 0; i < in.value.size(); ++i) {
    out.value[i] = activated(act, in.value[i]);
    if (act != Activation::none)
      out.error[i] = kSteepest * in.error[i] + kFewRoundings * std::abs(out.value[i]) + 1e-30;
  }
  return out;
}

Computed gated(Activation act, const Computed& gate, const Computed& up) {
  Computed first = activated(act, gate), second = up;
  if (act == Activation::clamped) {
    for (size_t i = 0; i < first.value.size(); ++i) {
      const double g = std::min(gate.value[i], 7.0);
      first.value[i] = g / (1 + std::exp(-1.702 * g));
      first.error[i] = kSteepest * gate.error[i] + kFewRoundings * std::abs(first.value[i]);
      second.value[i] = std::clamp(up.value[i], -7.0, 7.0) + 1;
    }
  }
  Computed out = first;
  for (size_t i = 0; i < first.value.size(); ++i) {
    out.value[i] = first.value[i] * second.value[i];
    out.error[i] = first.error[i] * std::abs(second.value[i]) + std::abs(first.value[i]) * second.error[i] +
                   first.error[i] * second.error[i] + kFewRoundings * std::abs(out.value[i]) + kVanishing;
  }
  return out;
}

}  // namespace hearth::conform
