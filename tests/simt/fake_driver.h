// CUDA's driver as the backend sees it, with the interpreter for a device: what the backend does with a driver, and
// every kernel that a plan launches, run on any machine.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "backends/cuda/machine.h"

namespace hearth::simt {

// A device of its own memory; `seed` as of Executor. There is one at a time.
std::shared_ptr<cuda::CudaMachine> make_interpreted_machine(uint32_t seed = 0);

// The driver alone, for what fails. A launch in which the interpreter found something fails, and the error says what.
cuda::Driver fake_driver(uint32_t seed = 0, int devices = 1);
const void* any_image(std::string_view name);
// Memory that is taken and not given back, of the device and of the host.
size_t fake_driver_holds();
// Memory of more than so many bytes at once is refused, until the next fake_driver().
void let_fake_driver_have(size_t bytes);
// What kernels were compiled for, 90 until it is set.
void let_fake_driver_have_code(int compiled_for);
// What was captured last: k for a kernel, K for one that may begin before the kernel before it has ended and B for one
// that needs nothing of that; t and T for k and K that let such a one begin once they have waited; . for others.
std::string fake_driver_captured();

}  // namespace hearth::simt
