// What is read from compiled shaders, and the size of subgroups that follows.
#include "backends/vulkan/shader_facts.h"

#include <gtest/gtest.h>

#include <array>

#include "kernels/vulkan/shaders.h"

namespace hearth::vulkan {
namespace {

TEST(ShaderFacts, AreReadFromTheCode) {
  const auto of = [](const char* name) { return facts_of(find_shader(name)->code); };
  EXPECT_EQ(of("matmul/Q4_K").threads, 64u);
  EXPECT_EQ(of("attend").threads, 128u);
  EXPECT_EQ(of("expert_tiles").threads, 256u);
  for (const char* name : {"matmul/Q4_K", "byte_matmul/Q4_K", "norm", "route", "delta_rule", "adapter_down"})
    EXPECT_TRUE(of(name).reduces) << name;
  for (const char* name : {"matmul_tiles/Q4_K", "byte_tiles/Q4_K", "attend", "gate", "store"})
    EXPECT_FALSE(of(name).reduces) << name;
  for (const Shader& shader : shaders())
    EXPECT_EQ(facts_of(shader.code).multiplies, std::string_view(shader.name).starts_with("matrix_tiles/"))
        << shader.name;
  EXPECT_EQ(most_threads(), 256u);
}

TEST(ShaderFacts, FollowConstantsThatSetTheNumberOfThreads) {
  const auto code = find_shader("byte_matmul/Q4_K")->code;
  EXPECT_EQ(facts_of(code).threads, 128u);
  const std::array<uint32_t, 4> constants = {1, 4, 1, 32};
  EXPECT_EQ(facts_of(code, constants).threads, 32u);
  EXPECT_EQ(facts_of(code, std::span(constants).first(3)).threads, 128u);
  EXPECT_EQ(facts_of(keeping_not_finite(code), constants).threads, 32u);
}

TEST(ShaderFacts, OfCodeThatIsCutAreThoseBeforeTheCut) {
  const auto code = find_shader("norm")->code;
  for (size_t length = 0; length < code.size(); ++length) {
    const ShaderFacts facts = facts_of(code.first(length));
    EXPECT_TRUE(facts.threads == 0 || facts.threads == 256) << length;
  }
}

TEST(ShaderFacts, StayWhereInfinitiesAreKept) {
  for (const Shader& shader : shaders()) {
    const auto kept = keeping_not_finite(shader.code);
    EXPECT_EQ(kept.size(), shader.code.size() + 6) << shader.name;
    EXPECT_EQ(facts_of(kept).threads, facts_of(shader.code).threads) << shader.name;
    EXPECT_EQ(facts_of(kept).reduces, facts_of(shader.code).reduces) << shader.name;
  }
  const auto cut = find_shader("norm")->code.first(40);
  EXPECT_EQ(facts_of(keeping_not_finite(cut)).threads, facts_of(cut).threads);
}

TEST(SubgroupSize, IsTheUsualOneWhereItFillsAWorkgroup) {
  EXPECT_EQ(subgroup_size_for(64, {32, 8, 32}), 32u);     // Intel
  EXPECT_EQ(subgroup_size_for(256, {64, 32, 64}), 64u);   // AMD
  EXPECT_EQ(subgroup_size_for(64, {128, 64, 128}), 64u);  // larger than the workgroup
  EXPECT_EQ(subgroup_size_for(64, {128, 128, 128}), 0u);
  EXPECT_EQ(subgroup_size_for(64, {4, 8, 32}), 8u);  // a usual one that is not allowed
  EXPECT_EQ(subgroup_size_for(64, {}), 0u);
  EXPECT_EQ(subgroup_size_for(0, {32, 32, 32}), 0u);
}

}  // namespace
}  // namespace hearth::vulkan
