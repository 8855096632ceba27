// A device of two parts that computes half of a program's layers on each, however many it has.
#pragma once

#include <memory>
#include <utility>

#include "backends/cut.h"
#include "backends/split.h"

namespace hearth {

class HalvedDevice : public Device {
 public:
  HalvedDevice(std::shared_ptr<Device> first, std::shared_ptr<Device> second)
      : first_(std::move(first)), second_(std::move(second)) {}
  std::string name() const override { return "halved"; }
  std::unique_ptr<Plan> compile(const Program& program, const Limits& limits) override {
    const auto layers = static_cast<uint32_t>(layers_of(layer_cuts(program)));
    return make_split_device({{first_, layers / 2}, {second_, layers - layers / 2}})->compile(program, limits);
  }

 private:
  std::shared_ptr<Device> first_, second_;
};

}  // namespace hearth
