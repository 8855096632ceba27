// What machines of GPUs are held to in attention: a program of tests gets it by compiling gpu_attention_test.cpp and
// naming its machines.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <ostream>
#include <string>

#include "backends/gpu/machine.h"

namespace hearth {

struct GpuUnderTest {
  std::string name;
  std::function<std::shared_ptr<gpu::Machine>()> make;  // null: there is none, and the test is skipped
};
inline std::ostream& operator<<(std::ostream& out, const GpuUnderTest& one) { return out << one.name; }

class GpuAttention : public testing::TestWithParam<GpuUnderTest> {
 protected:
  void SetUp() override {
    if (GetParam().make() == nullptr) GTEST_SKIP() << "there is no such device on this machine";
  }
};

}  // namespace hearth
