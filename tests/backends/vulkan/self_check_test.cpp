// Devices that compute wrong results, which wrong shaders stand for.
#include "backends/vulkan/self_check.h"

#include "backends/vulkan/device.h"
#include "tests/backends/random_program.h"
#include "tests/backends/vulkan/gpu_for_tests.h"

namespace hearth::vulkan {
namespace {

class VulkanSelfCheck : public WithGpu {
 protected:
  // Its pipelines are made anew.
  const std::shared_ptr<Gpu> other_ = shared_gpu().gpu == nullptr ? nullptr : std::make_shared<Gpu>("");
  const RandomProgram random_ =
      random_program({.width = 64, .layers = 1, .format = Format::q8_0, .other = Format::q8_0}, 7);
  const Limits limits_{.rows = 16, .pages = 4, .page_size = 8};

  std::string error_of_compiling() {
    try {
      make_vulkan_device(other_, true)->compile(random_.program, limits_);
    } catch (const DeviceError& error) {
      return error.what();
    }
    return "";
  }
};

TEST_F(VulkanSelfCheck, FindsEveryFormatRight) {
  SelfCheck check(gpu());
  Needs needs{
      .heads = {{128, 128}, {44, 24}}, .rms_norm = true, .layer_norm = true, .routes = true, .candidates = true};
  for (const FormatInfo& info : formats()) {
    needs.tables.insert(info.format);
    needs.products.insert(info.format);
  }
  for (const KvType cache : {KvType::f32, KvType::f16, KvType::q8_0}) {
    needs.cache = cache;
    EXPECT_TRUE(check.trust(needs, true));
    EXPECT_FALSE(check.trust(needs, false));
  }
  EXPECT_TRUE(check.switched_off().empty());
}

TEST_F(VulkanSelfCheck, NamesTheShaderThatIsWrong) {
  other_->replace_shader("matmul/Q8_0", "matmul/Q4_0");
  EXPECT_NE(error_of_compiling().find(other_->about().name + " computes wrong results in matmul/Q8_0"),
            std::string::npos);
  EXPECT_NE(error_of_compiling(), "") << "again";
}

TEST_F(VulkanSelfCheck, NamesCandidatesThatAreWrong) {
  other_->replace_shader("best_candidates", "candidates");
  EXPECT_NE(error_of_compiling().find("computes wrong results in candidates"), std::string::npos);
}

TEST_F(VulkanSelfCheck, DoesWithoutProductsOfBytesThatAreWrong) {
  other_->replace_shader("byte_tiles/Q8_0", "byte_tiles/Q4_0");
  SelfCheck check(*other_);
  EXPECT_FALSE(check.trust(needs_of(random_.program, limits_), true));
  EXPECT_EQ(check.switched_off(), std::vector<std::string>{"byte_tiles/Q8_0"});
  EXPECT_EQ(error_of_compiling(), "");
}

TEST_F(VulkanSelfCheck, ExaminesWhatAProgramNeeds) {
  const RandomProgram mixed = random_program({.width = 96,
                                              .head_size = 24,
                                              .hidden = 160,
                                              .experts = 4,
                                              .used = 2,
                                              .format = Format::f16,
                                              .other = Format::q5_1},
                                             3);
  const Needs needs = needs_of(mixed.program, limits_);
  EXPECT_TRUE(needs.routes);
  EXPECT_TRUE(needs.rms_norm);
  EXPECT_FALSE(needs.layer_norm);
  EXPECT_TRUE(needs.candidates);
  EXPECT_TRUE(needs.heads.contains({24, 24}));
  EXPECT_TRUE(needs.expert_products.contains(Format::q5_1) || needs.expert_products.contains(Format::f16));
  EXPECT_EQ(needs.rows, limits_.rows);
}

}  // namespace
}  // namespace hearth::vulkan
