// Finds a shader by its name.
#include "kernels/vulkan/shaders.h"

#include <algorithm>

namespace hearth::vulkan {

const Shader* find_shader(std::string_view name) noexcept {
  const auto all = shaders();
  const auto found = std::ranges::find_if(all, [&](const Shader& shader) { return shader.name == name; });
  return found == all.end() ? nullptr : &*found;
}

}  // namespace hearth::vulkan
