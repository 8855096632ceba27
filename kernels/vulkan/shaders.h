// The compiled shaders of the Vulkan backend, by name.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace hearth::vulkan {

struct Shader {
  const char* name;                // "rms_norm", or of a family "matmul/Q4_K"
  std::span<const uint32_t> code;  // SPIR-V 1.6
};

std::span<const Shader> shaders() noexcept;                 // all of them
const Shader* find_shader(std::string_view name) noexcept;  // null where there is none of that name

}  // namespace hearth::vulkan
