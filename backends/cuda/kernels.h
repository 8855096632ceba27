// Which function of kernels/cuda a kernel of kernels/gpu is, and how it is launched.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace hearth::cuda {

struct Kernel {
  std::string image;          // that has it: "rows", "products_Q4_K"
  std::string function;       // without "hearth_": "matmul_Q4_K_4"
  uint32_t threads;           // of a block
  uint32_t shared_bytes = 0;  // of a block, beside what it declares
  // It may begin while the kernel before runs. Those that make tiles must not: a few large blocks would be put where
  // others wait, several to a multiprocessor.
  bool early = true;
};

// `name` and `constants` as kernels/gpu/parameters.h has them. Throws DeviceError for what there is not.
Kernel kernel_of(std::string_view name, std::span<const uint32_t> constants);

}  // namespace hearth::cuda
