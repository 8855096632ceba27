// A device of plans on one machine.
#pragma once

#include <functional>
#include <memory>

#include "backends/backend.h"
#include "backends/gpu/machine.h"
#include "backends/gpu/ways.h"

namespace hearth::gpu {

// The ways that plans of a sound program go. May throw DeviceError where the device is not fit for it.
using ChooseWays = std::function<Ways(const Program& program, const Limits& limits)>;

// Named as its backend. Plans may be used from several threads, and may outlive the device.
std::unique_ptr<Device> make_device(std::shared_ptr<Machine> machine, ChooseWays choose);
std::unique_ptr<Device> make_device(std::shared_ptr<Machine> machine, bool rounds);

}  // namespace hearth::gpu
