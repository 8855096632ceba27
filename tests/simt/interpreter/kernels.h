// The kernels compiled into the program, by name.
#pragma once

#include <cstdint>
#include <string_view>

#include "kernels/cuda/types.h"

namespace hearth::simt {

struct Kernel {
  const char* name;
  uint32_t threads;
  uint32_t parameter_bytes;
  void (*body)(const void* parameters, const cuda::Constants& constants);
};

// Adds itself to the list when the program starts.
struct Registered {
  explicit Registered(const Kernel& kernel);
};

const Kernel* find_kernel(std::string_view name);

}  // namespace hearth::simt
