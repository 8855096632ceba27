// A device of plans on one machine.
#pragma once

#include <functional>
#include <memory>

#include "backends/backend.h"
#include "backends/gpu/machine.h"

namespace hearth::gpu {

// Whether products of a sound program with weights of few bits multiply inputs rounded to 8 bits: those of many rows,
// and those of few where the machine has kernels for that. May throw DeviceError where the device is not fit for it.
using Rounds = std::function<bool(const Program& program, const Limits& limits)>;

// Named as its backend. Plans may be used from several threads, and may outlive the device.
std::unique_ptr<Device> make_device(std::shared_ptr<Machine> machine, Rounds rounds);
std::unique_ptr<Device> make_device(std::shared_ptr<Machine> machine, bool rounds);

}  // namespace hearth::gpu
