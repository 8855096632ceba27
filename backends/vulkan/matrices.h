// Whether a device multiplies matrices of halves by cooperative matrices, as matrix_tiles wants it.
#pragma once

#include <string>

#include "backends/vulkan/functions.h"

namespace hearth::vulkan {

struct Candidate;

// What VK_KHR_cooperative_matrix adds to Vulkan, as far as it is used; headers before 1.3.255 lack it.
inline constexpr const char* kMatrixExtension = "VK_KHR_cooperative_matrix";
struct MatrixFeatures {
  VkStructureType type = static_cast<VkStructureType>(1000506000);
  void* next = nullptr;
  VkBool32 matrices = VK_FALSE, robust_access = VK_FALSE;
};

// Sets what `candidate`, of which all else is known, says of matrices.
void look_for_matrices(const Functions& functions, VkInstance instance, Candidate& candidate);

}  // namespace hearth::vulkan
