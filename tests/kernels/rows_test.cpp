// The loops over one row of activations against their formulas in double.
#include <cmath>
#include <functional>
#include <limits>

#include "tests/kernels/kernel_case.h"

namespace hearth::cpu {
namespace {

class RowKernels : public Kernels {};

std::vector<float> arguments() {
  std::vector<float> values;
  for (float x = -100; x <= 100; x += 0.37f) values.push_back(x);
  values.insert(values.end(), {0.0f, -0.0f, 1e-30f, 3e38f, -3e38f});
  return values;
}

double sigmoid_of(double x) { return 1 / (1 + std::exp(-x)); }
double gelu_of(double x) { return x * sigmoid_of(2 * std::sqrt(2 / std::acos(-1.0)) * (x + 0.044715 * x * x * x)); }

using Gate = void (*)(float*, const float*, uint32_t) noexcept;
using Map = void (*)(float*, uint32_t) noexcept;

// Where the true value is under 1e-26 it may be any such number.
void expect_map(Map kernel, const std::function<double(double)>& expected) {
  const std::vector<float> x = arguments();
  std::vector<float> out = x;
  kernel(out.data(), static_cast<uint32_t>(out.size()));
  for (size_t i = 0; i < out.size(); ++i) {
    const double right = expected(double{x[i]});
    // Near zero of x the sigmoid's argument has its own rounding, of which a large one is multiplied.
    EXPECT_NEAR(out[i], right, (4e-7 + 1.2e-7 * std::min(std::abs(double{x[i]}), 90.0)) * std::abs(right) + 1e-26)
        << x[i];
  }
  float nan = std::numeric_limits<float>::quiet_NaN();
  kernel(&nan, 1);
  EXPECT_TRUE(std::isnan(nan));
}

TEST_P(RowKernels, ActivateWithinTheStatedError) {
  expect_map(table().silu, [](double x) { return x * sigmoid_of(x); });
  expect_map(table().sigmoid, sigmoid_of);
  const auto gelu = [](double x) { return std::abs(x) > 20 ? std::max(x, 0.0) : gelu_of(x); };
  const std::vector<float> x = arguments();
  std::vector<float> out = x;
  table().gelu(out.data(), static_cast<uint32_t>(out.size()));
  // In its tail gelu is a difference that only its absolute error matters of.
  for (size_t i = 0; i < out.size(); ++i)
    EXPECT_NEAR(out[i], gelu(double{x[i]}), 4e-7 * std::max(1.0, std::abs(gelu(double{x[i]})))) << x[i];
}

TEST_P(RowKernels, GateWithinTheStatedError) {
  const std::vector<float> x = arguments();
  const auto count = static_cast<uint32_t>(x.size());
  const auto gate = [&](Gate kernel, float up, const std::function<double(double)>& expected) {
    std::vector<float> out = x;
    const std::vector<float> ups(x.size(), up);
    kernel(out.data(), ups.data(), count);
    for (size_t i = 0; i < out.size(); ++i) {
      const double right = expected(double{x[i]});
      EXPECT_NEAR(out[i], right, 1e-6 * std::max(1e-3, std::abs(right))) << x[i];
    }
    float nan = std::numeric_limits<float>::quiet_NaN();
    kernel(&nan, ups.data(), 1);
    EXPECT_TRUE(std::isnan(nan));
  };
  gate(table().silu_multiply, -1, [](double v) { return -v * sigmoid_of(v); });
  gate(table().gelu_multiply, 0.5f, [](double v) { return 0.5 * (std::abs(v) > 20 ? std::max(v, 0.0) : gelu_of(v)); });
  gate(table().sigmoid_multiply, -2, [](double v) { return -2 * sigmoid_of(v); });
  for (const float up : {0.5f, 9.0f, -9.0f})
    gate(table().clamped_multiply, up, [&](double v) {
      const double g = std::min(v, 7.0), u = std::clamp(double{up}, -7.0, 7.0);
      return g < -60 ? 0.0 : g * sigmoid_of(1.702 * g) * (u + 1);
    });
}

TEST_P(RowKernels, CapAndScale) {
  const std::vector<float> x = arguments();
  const auto count = static_cast<uint32_t>(x.size());
  for (const float cap : {4.0f, 50.0f}) {
    std::vector<float> out = x;
    table().softcap(out.data(), cap, count);
    for (size_t i = 0; i < out.size(); ++i)
      EXPECT_NEAR(out[i], double{cap} * std::tanh(double{x[i]} / double{cap}), 3e-7 * double{cap}) << x[i];
  }
  std::vector<float> out = x;
  table().scale(out.data(), 0.3f, count);
  for (size_t i = 0; i < out.size(); ++i) EXPECT_EQ(out[i], x[i] * 0.3f);
}

TEST_P(RowKernels, CenterRowsOfAnyWidth) {
  for (const uint32_t n : {1u, 7u, 8u, 30u, 100u}) {
    std::vector<float> x = random_floats(n, n);
    for (float& value : x) value += 3;  // a mean far from 0
    const std::vector<float> gain = random_floats(n, n + 1), bias = random_floats(n, n + 2);
    double mean = 0, squares = 0;
    for (const float value : x) mean += double{value} / n;
    for (const float value : x) squares += (double{value} - mean) * (double{value} - mean);
    std::vector<float> with(n), without = x;
    table().layer_norm(x.data(), gain.data(), bias.data(), 1e-5f, n, with.data());
    table().layer_norm(without.data(), gain.data(), nullptr, 1e-5f, n, without.data());
    for (uint32_t i = 0; i < n; ++i) {
      const double right = (double{x[i]} - mean) / std::sqrt(squares / n + 1e-5) * double{gain[i]};
      EXPECT_NEAR(with[i], right + double{bias[i]}, n == 1 ? 1e-3 : 2e-5);
      EXPECT_NEAR(without[i], right, n == 1 ? 1e-3 : 2e-5);
    }
  }
}

TEST_P(RowKernels, NormAddAndTurnRowsOfAnyWidth) {
  for (const uint32_t n : {2u, 8u, 30u, 100u}) {
    const std::vector<float> x = random_floats(n, n), y = random_floats(n, n + 1);
    double squares = 0;
    for (const float value : x) squares += double{value} * double{value};
    std::vector<float> normed(n), sum = x, scaled = x;
    table().rms_norm(x.data(), y.data(), 1e-5f, n, normed.data());
    table().add(sum.data(), y.data(), n);
    table().add_scaled(scaled.data(), y.data(), 0.3f, n);
    for (uint32_t i = 0; i < n; ++i) {
      EXPECT_NEAR(normed[i], double{x[i]} / std::sqrt(squares / n + 1e-5) * double{y[i]}, 1e-5);
      EXPECT_EQ(sum[i], x[i] + y[i]);
      EXPECT_NEAR(scaled[i], x[i] + 0.3f * y[i], 1e-6);
    }
    const uint32_t pairs = n / 2;
    std::vector<float> halves = x, adjacent = x;
    std::vector<float> cosine(pairs), sine(pairs);
    for (uint32_t i = 0; i < pairs; ++i) {
      cosine[i] = std::cos(y[i]);
      sine[i] = std::sin(y[i]);
    }
    table().rope_halves(halves.data(), cosine.data(), sine.data(), pairs);
    table().rope_adjacent(adjacent.data(), cosine.data(), sine.data(), pairs);
    for (uint32_t i = 0; i < pairs; ++i) {
      EXPECT_NEAR(halves[i], x[i] * cosine[i] - x[pairs + i] * sine[i], 1e-6);
      EXPECT_NEAR(halves[pairs + i], x[i] * sine[i] + x[pairs + i] * cosine[i], 1e-6);
      EXPECT_NEAR(adjacent[2 * i], x[2 * i] * cosine[i] - x[2 * i + 1] * sine[i], 1e-6);
      EXPECT_NEAR(adjacent[2 * i + 1], x[2 * i] * sine[i] + x[2 * i + 1] * cosine[i], 1e-6);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Tables, RowKernels, testing::ValuesIn(tables()), table_name);

}  // namespace
}  // namespace hearth::cpu
