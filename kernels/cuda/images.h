// The compiled kernels of the CUDA backend.
#pragma once

#include <cstddef>
#include <span>

namespace hearth::cuda {

// A fat binary, as the driver loads it: the kernels of one source, of which each is the function hearth_NAME.
struct Image {
  const char* name;  // of its entry in sources.cmake
  std::span<const std::byte> bytes;
};

std::span<const Image> images() noexcept;  // all of them

}  // namespace hearth::cuda
