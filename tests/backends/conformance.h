// What every device is held to, on random programs with every op: tests that a program of tests gets by compiling
// conformance_tests.cpp and naming its devices.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "backends/reference/device.h"
#include "tests/backends/random_program.h"

namespace hearth {

struct DeviceUnderTest {
  std::string name;
  std::function<std::shared_ptr<Device>()> make;  // null: there is none, and the test is skipped
  bool rounds_activations;                        // to 8 bits, before it multiplies by weights of few bits
  std::function<std::shared_ptr<Device>()> plain =
      nullptr;  // of one that does: the same that does not; empty: it always does
};
inline std::ostream& operator<<(std::ostream& out, const DeviceUnderTest& one) { return out << one.name; }

class Conformance : public testing::TestWithParam<DeviceUnderTest> {
 protected:
  static constexpr double kFloat = 2e-4, kFloatSquare = 1e-10;

  void SetUp() override {
    if (device() == nullptr) GTEST_SKIP() << "there is no such device on this machine";
  }
  static std::shared_ptr<Device> device() { return GetParam().make(); }
  // Bounds of a device that rounds activations, and of others.
  static double rounded(double bound) { return GetParam().rounds_activations ? bound : kFloat; }
  static double rounded_square(double bound) { return GetParam().rounds_activations ? bound : kFloatSquare; }
  // Compares with the reference in batches of so many rows of each sequence: of all, of some, and token by token.
  static void compare(const Shape& shape, KvType kv_type, double most, double mean_square,
                      const std::vector<uint32_t>& steps = {100, 13, 1});
};

class Pages : public Conformance {};               // pages_test.cpp
class RoundedConformance : public Conformance {};  // rounded_tests.cpp

}  // namespace hearth
