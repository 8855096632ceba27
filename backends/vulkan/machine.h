// A Vulkan device as plans of GPUs use it.
#pragma once

#include <memory>

#include "backends/gpu/machine.h"
#include "backends/vulkan/gpu.h"

namespace hearth::vulkan {

std::shared_ptr<gpu::Machine> make_machine(std::shared_ptr<Gpu> gpu);

}  // namespace hearth::vulkan
