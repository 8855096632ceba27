// Whether the features that a device is started with allow what compiled shaders declare.
#include "backends/vulkan/features.h"

#include <gtest/gtest.h>

#include <set>

#include "kernels/vulkan/shaders.h"

namespace hearth::vulkan {
namespace {

std::set<uint32_t> capabilities_of(std::span<const uint32_t> code) {
  constexpr uint32_t kCapability = 17, kHeader = 5;
  std::set<uint32_t> found;
  for (size_t i = kHeader; i < code.size() && (code[i] & 0xffff) == kCapability; i += code[i] >> 16)
    found.insert(code[i + 1]);
  return found;
}

// By the numbers of SPIR-V, as Vulkan says which features allow them.
bool is_allowed(uint32_t capability, const Features& features) {
  switch (capability) {
    case 1:   // Shader
    case 61:  // GroupNonUniform
    case 63:  // GroupNonUniformArithmetic, no feature: devices whose subgroups lack it are refused
      return true;
    case 9:  // Float16
      return features.more12.shaderFloat16 == VK_TRUE;
    case 11:  // Int64
      return features.base.features.shaderInt64 == VK_TRUE;
    case 22:  // Int16
      return features.base.features.shaderInt16 == VK_TRUE;
    case 39:  // Int8
      return features.more12.shaderInt8 == VK_TRUE;
    case 4433:  // StorageBuffer16BitAccess
      return features.more11.storageBuffer16BitAccess == VK_TRUE;
    case 4448:  // StorageBuffer8BitAccess
      return features.more12.storageBuffer8BitAccess == VK_TRUE;
    case 5345:  // VulkanMemoryModel
      return features.more12.vulkanMemoryModel == VK_TRUE;
    case 5347:  // PhysicalStorageBufferAddresses
      return features.more12.bufferDeviceAddress == VK_TRUE;
    case 6018:  // DotProductInput4x8BitPacked
    case 6019:  // DotProduct
      return features.more13.shaderIntegerDotProduct == VK_TRUE;
    case 6022:  // CooperativeMatrixKHR
      return features.matrices.matrices == VK_TRUE;
    default:
      return false;
  }
}

void expect_allowed(const Shader& shader, const Features& features) {
  const std::set<uint32_t> declared = capabilities_of(shader.code);
  EXPECT_TRUE(declared.contains(1)) << shader.name;
  for (const uint32_t one : declared) EXPECT_TRUE(is_allowed(one, features)) << shader.name << " declares " << one;
}

bool multiplies_matrices(const Shader& shader) { return std::string_view(shader.name).starts_with("matrix_tiles/"); }

TEST(VulkanFeatures, AllowWhatShadersDeclare) {
  Features features;
  features.require_all();
  for (const Shader& shader : shaders())
    if (!multiplies_matrices(shader)) expect_allowed(shader, features);
}

TEST(VulkanFeatures, AllowWhatShadersWithCooperativeMatricesDeclareAndNoMore) {
  if (find_shader("matrix_tiles/Q4_K") == nullptr)
    GTEST_SKIP() << "this was built with a glslc that does not know them";
  Features without, with;
  without.require_all();
  with.require_all();
  with.require_matrices();
  for (const Shader& shader : shaders()) {
    if (!multiplies_matrices(shader)) continue;
    expect_allowed(shader, with);
    std::set<uint32_t> more = capabilities_of(shader.code);
    std::erase_if(more, [&](uint32_t one) { return is_allowed(one, without); });
    EXPECT_EQ(more, (std::set<uint32_t>{9, 5345, 6022})) << shader.name;
  }
}

}  // namespace
}  // namespace hearth::vulkan
