// The compiled shaders: all there, valid, and small.
#include "kernels/vulkan/shaders.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <string>

#include "quant/format.h"

namespace hearth::vulkan {
namespace {

TEST(Shaders, OfEveryFormatAreFoundByName) {
  for (const FormatInfo& info : formats())
    for (const char* family : {"embed/", "matmul/", "matmul_tiles/", "byte_matmul/", "byte_tiles/"}) {
      if (info.block_size == 1 && std::string(family).starts_with("byte_")) continue;
      const std::string name = std::string(family) + info.name;
      const Shader* shader = find_shader(name);
      ASSERT_NE(shader, nullptr) << name;
      EXPECT_EQ(shader->name, name);
    }
  EXPECT_EQ(find_shader("matmul"), nullptr);
}

TEST(Shaders, HaveNamesOfTheirOwnAndAreSmall) {
  std::set<std::string> names;
  size_t bytes = 0;
  for (const Shader& shader : shaders()) {
    EXPECT_TRUE(names.insert(shader.name).second) << shader.name;
    ASSERT_GT(shader.code.size(), 5u);
    EXPECT_EQ(shader.code[0], 0x07230203u) << shader.name;
    bytes += shader.code.size_bytes();
  }
  EXPECT_LT(bytes, 4u << 20) << "all of them lie in the program";
}

bool multiplies_matrices(const Shader& shader) { return std::string_view(shader.name).starts_with("matrix_tiles/"); }

void expect_valid(const std::string& validator, bool matrices) {
  const auto folder = std::filesystem::temp_directory_path() / ("hearth_shaders_" + std::to_string(getpid()));
  std::filesystem::create_directory(folder);
  const auto path = (folder / "shader.spv").string();
  for (const Shader& shader : shaders()) {
    if (multiplies_matrices(shader) != matrices) continue;
    std::ofstream(path, std::ios::binary)
        .write(reinterpret_cast<const char*>(shader.code.data()),
               static_cast<std::streamsize>(shader.code.size_bytes()));
    const std::string command = "\"" + validator + "\" --target-env vulkan1.3 --scalar-block-layout \"" + path + "\"";
    EXPECT_EQ(std::system(command.c_str()), 0) << shader.name;
  }
  std::filesystem::remove_all(folder);
}

TEST(Shaders, AreValid) {
  const std::string validator = HEARTH_SPIRV_VAL;
  if (validator.empty()) {
    if (std::getenv("CI") != nullptr) FAIL() << "spirv-val was not found when this was built";
    GTEST_SKIP() << "spirv-val was not found when this was built";
  }
  expect_valid(validator, false);
}

TEST(Shaders, WithCooperativeMatricesAreValid) {
  if (find_shader("matrix_tiles/Q4_K") == nullptr)
    GTEST_SKIP() << "this was built with a glslc that does not know them";
  const std::string validator = HEARTH_MATRIX_SPIRV_VAL;
  if (validator.empty()) GTEST_SKIP() << "no spirv-val was found that knows them when this was built";
  expect_valid(validator, true);
}

// All formats have them, but for F32, or none has.
TEST(Shaders, WithCooperativeMatricesAreOfAllFormatsOrNone) {
  const bool some = find_shader("matrix_tiles/Q4_K") != nullptr;
  for (const FormatInfo& info : formats())
    EXPECT_EQ(find_shader(std::string("matrix_tiles/") + info.name) != nullptr, some && info.format != Format::f32)
        << info.name;
}

}  // namespace
}  // namespace hearth::vulkan
