// Looking for the extension, its features and its shapes.
#include "backends/vulkan/matrices.h"

#include <algorithm>
#include <vector>

#include "backends/vulkan/features.h"
#include "backends/vulkan/instance.h"
#include "kernels/gpu/parameters.h"
#include "kernels/vulkan/shaders.h"

namespace hearth::vulkan {
namespace {

// As VkCooperativeMatrixPropertiesKHR and VkPhysicalDeviceCooperativeMatrixPropertiesKHR have it.
struct MatrixShape {
  VkStructureType type = static_cast<VkStructureType>(1000506001);
  void* next = nullptr;
  uint32_t rows = 0, columns = 0, depth = 0;
  uint32_t a = 0, b = 0, c = 0, result = 0;  // kinds of numbers
  VkBool32 saturates = VK_FALSE;
  uint32_t scope = 0;
};
struct MatrixProperties {
  VkStructureType type = static_cast<VkStructureType>(1000506002);
  void* next = nullptr;
  VkShaderStageFlags stages = 0;
};
using FindShapes = VkResult(VKAPI_PTR*)(VkPhysicalDevice, uint32_t*, MatrixShape*);
constexpr uint32_t kHalf = 0, kFloat = 1, kSubgroup = 3;

constexpr uint32_t kSide = 16;  // of the matrices that matrix_tiles multiplies
// Bytes that its workgroups share: a tile of weights and one of inputs, of which each row has 32 halves and room for 8;
// for each unit the sums of a matrix, of either weight; and what the largest weight is.
constexpr uint32_t kTileBytes = gpu::kMatrixTile * (32 + 8) * 2;
constexpr uint32_t kSumBytes = 2 * gpu::kMatrixUnits * kSide * kSide * 4;
constexpr uint32_t kMatrixShared = 2 * kTileBytes + kSumBytes + 4;

bool has_shape(const Functions& functions, VkInstance instance, VkPhysicalDevice device) {
  const auto find = reinterpret_cast<FindShapes>(
      functions.vkGetInstanceProcAddr(instance, "vkGetPhysicalDeviceCooperativeMatrixPropertiesKHR"));
  uint32_t count = 0;
  if (find == nullptr || find(device, &count, nullptr) < 0) return false;
  std::vector<MatrixShape> shapes(count);
  if (find(device, &count, shapes.data()) < 0) return false;
  return std::any_of(shapes.begin(), shapes.end(), [](const MatrixShape& one) {
    return one.rows == kSide && one.columns == kSide && one.depth == kSide && one.a == kHalf && one.b == kHalf &&
           one.c == kFloat && one.result == kFloat && one.scope == kSubgroup;
  });
}

// Of 32 or 64 threads, the usual size where it is one of them; 0: none can be asked for.
uint32_t unit_threads(const Candidate& candidate) {
  const SubgroupSizes& sizes = candidate.subgroup_sizes;
  if (!candidate.full_subgroups || candidate.most_subgroups < gpu::kMatrixUnits) return 0;
  for (const uint32_t size : {sizes.usual, 32u, 64u})
    if ((size == 32 || size == 64) && size >= sizes.least && size <= sizes.most) return size;
  return 0;
}

}  // namespace

void look_for_matrices(const Functions& functions, VkInstance instance, Candidate& candidate) {
  const auto lacks = [&](const char* what) {
    candidate.missing_matrices += (candidate.missing_matrices.empty() ? "" : ", ") + std::string(what);
  };
  if (find_shader("matrix_tiles/Q4_K") == nullptr)
    return lacks("a program that was built with a glslc that knows them");
  if (!has_extension(functions, candidate.handle, kMatrixExtension)) return lacks(kMatrixExtension);
  Features features;
  features.more13.pNext = &features.matrices;
  functions.vkGetPhysicalDeviceFeatures2(candidate.handle, &features.base);
  if (features.matrices.matrices == VK_FALSE) lacks("cooperativeMatrix");
  if (features.more12.vulkanMemoryModel == VK_FALSE) lacks("vulkanMemoryModel");
  if (features.more12.shaderFloat16 == VK_FALSE) lacks("shaderFloat16");
  MatrixProperties properties;
  VkPhysicalDeviceProperties2 all{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2, &properties, {}};
  functions.vkGetPhysicalDeviceProperties2(candidate.handle, &all);
  if ((properties.stages & VK_SHADER_STAGE_COMPUTE_BIT) == 0 || !has_shape(functions, instance, candidate.handle))
    lacks("products of 16 x 16 x 16 halves into floats by a subgroup");
  const uint32_t threads = unit_threads(candidate) * gpu::kMatrixUnits;
  if (threads == 0) lacks("full subgroups of 32 or 64 threads");
  if (candidate.limits.maxComputeSharedMemorySize < kMatrixShared ||
      candidate.limits.maxComputeWorkGroupInvocations < threads ||
      candidate.limits.maxComputeWorkGroupSize[0] < threads)
    lacks("room for the workgroups");
  if (candidate.missing_matrices.empty()) candidate.matrix_threads = threads;
}

}  // namespace hearth::vulkan
