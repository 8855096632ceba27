// matrix_tiles with loops in the place of cooperative matrices, for devices that have none.
#pragma once

#include "backends/vulkan/gpu.h"
#include "kernels/vulkan/shaders.h"

namespace hearth::vulkan {

std::span<const Shader> emulated_shaders() noexcept;

// Has a device that has no cooperative matrices run those; before it is used.
inline void emulate_matrices(Gpu& gpu) {
  constexpr uint32_t kThreads = 128;
  if (gpu.matrix_threads() != 0) return;
  for (const Shader& shader : emulated_shaders())
    gpu.replace_shader(shader.name, {shader.code.begin(), shader.code.end()});
  gpu.emulate_matrices(kThreads);
}

}  // namespace hearth::vulkan
