// A device of plans on one machine.
#pragma once

#include <memory>

#include "backends/backend.h"
#include "backends/gpu/machine.h"

namespace hearth::gpu {

// Named as its backend. rounds: products of many rows with weights of few bits multiply inputs rounded to 8 bits, and
// those of few rows where the machine has kernels for that. Plans
// may be used from several threads, and may outlive the device.
std::unique_ptr<Device> make_device(std::shared_ptr<Machine> machine, bool rounds);

}  // namespace hearth::gpu
