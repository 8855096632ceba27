// Frequencies against figures worked out by hand from the published formulas.
#include "engine/model/rope.h"

#include <gtest/gtest.h>

#include <cmath>

namespace hearth {
namespace {

RopeConfig config_of(RopeScaling scaling, double factor) {
  return {.dimensions = 8, .base = 10000, .scaling = scaling, .factor = factor, .original_context = 2048};
}

TEST(RopeTable, UnscaledFrequenciesArePowersOfTheBase) {
  const RopeTable table = make_rope_table(config_of(RopeScaling::none, 1), {});
  ASSERT_EQ(table.frequency.size(), 4u);
  for (int i = 0; i < 4; ++i) EXPECT_NEAR(table.frequency[static_cast<size_t>(i)], std::pow(10.0, -i), 1e-15);
  EXPECT_EQ(table.magnitude, 1);
}

TEST(RopeTable, LinearDividesAll) {
  const RopeTable table = make_rope_table(config_of(RopeScaling::linear, 4), {});
  for (int i = 0; i < 4; ++i) EXPECT_NEAR(table.frequency[static_cast<size_t>(i)], std::pow(10.0, -i) / 4, 1e-15);
}

TEST(RopeTable, FactorsDivideEachPair) {
  const float factors[] = {1, 2, 4, 8};
  const RopeTable table = make_rope_table(config_of(RopeScaling::none, 1), factors);
  for (int i = 0; i < 4; ++i)
    EXPECT_NEAR(table.frequency[static_cast<size_t>(i)], std::pow(10.0, -i) / double{factors[i]}, 1e-15);
}

// 8 ln(2048 / (32 * 2 pi)) / (2 ln 10000) = 1.008 and 8 ln(2048 / (2 pi)) / (2 ln 10000) = 2.513: the ramp goes from
// pair 1 to pair 3.
TEST(RopeTable, YarnKeepsFastPairsAndInterpolatesSlowOnes) {
  const RopeTable table = make_rope_table(config_of(RopeScaling::yarn, 4), {});
  EXPECT_NEAR(table.frequency[0], 1, 1e-15);
  EXPECT_NEAR(table.frequency[1], 0.1, 1e-15);
  EXPECT_NEAR(table.frequency[2], 0.01 * (0.5 + 0.5 / 4), 1e-15);
  EXPECT_NEAR(table.frequency[3], 0.001 / 4, 1e-15);
  EXPECT_NEAR(table.magnitude, 1 + 0.1 * std::log(4.0), 1e-15);
}

TEST(RopeTable, YarnsLogMultiplierTakesBackTheMagnitude) {
  RopeConfig config = config_of(RopeScaling::yarn, 4);
  config.log_multiplier = 1;
  EXPECT_NEAR(make_rope_table(config, {}).magnitude, 1, 1e-15);
  config.log_multiplier = 0.5;
  EXPECT_NEAR(make_rope_table(config, {}).magnitude, (1 + 0.1 * std::log(4.0)) / (1 + 0.05 * std::log(4.0)), 1e-15);
}

// With turns of 64 and 2 the ramp goes from pair 0.706 to 2.211, rounded outwards: 0 to 3.
TEST(RopeTable, YarnsTurnsMoveTheRamp) {
  RopeConfig config = config_of(RopeScaling::yarn, 4);
  config.beta_fast = 64;
  config.beta_slow = 2;
  const RopeTable table = make_rope_table(config, {});
  for (int i = 0; i < 4; ++i)
    EXPECT_NEAR(table.frequency[static_cast<size_t>(i)], std::pow(10.0, -i) * (1 - i / 3.0 * 0.75), 1e-12);
}

TEST(RopeTable, NoDimensionsTurnNothing) { EXPECT_TRUE(make_rope_table({}, {}).frequency.empty()); }

}  // namespace
}  // namespace hearth
