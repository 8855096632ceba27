// Devices that compute wrong results, which wrong shaders stand for.
#include "backends/vulkan/self_check.h"

#include <bit>
#include <cmath>
#include <set>

#include "backends/gpu/device.h"
#include "backends/vulkan/device.h"
#include "backends/vulkan/machine.h"
#include "kernels/vulkan/shaders.h"
#include "tests/backends/random_program.h"
#include "tests/backends/vulkan/emulated_matrices.h"
#include "tests/backends/vulkan/gpu_for_tests.h"

namespace hearth::vulkan {
namespace {

std::vector<uint32_t> code_of(std::string_view shader) {
  const auto code = find_shader(shader)->code;
  return {code.begin(), code.end()};
}

// A shader's code with instructions changed as a compiler may get them wrong: change(opcode, words of one).
template <class Change>
std::vector<uint32_t> miscompiled(std::string_view shader, Change&& change) {
  std::vector<uint32_t> code = code_of(shader);
  const std::vector<uint32_t> before = code;
  for (size_t i = 5; i < code.size(); i += code[i] >> 16)
    change(code[i] & 0xffff, std::span(code).subspan(i, code[i] >> 16));
  EXPECT_NE(code, before) << shader << " has no such instruction";
  return code;
}

// Numbers of SPIR-V.
enum : uint32_t {
  kDecorate = 71,
  kConstant = 43,
  kExtInst = 12,
  kFAdd = 129,
  kFMul = 133,
  kIntType = 21,
  kFloatType = 22
};
enum : uint32_t {
  kSpecConstantTrue = 48,
  kSpecConstantFalse = 49,
  kSpecId = 1,
  kCos = 14,
  kTanh = 21,
  kClamp = 43,
  kFma = 50
};

std::vector<uint32_t> with_opcode(std::string_view shader, uint32_t from, uint32_t to) {
  return miscompiled(shader, [&](uint32_t opcode, std::span<uint32_t> words) {
    if (opcode == from) words[0] = words[0] - from + to;
  });
}
// Of the functions of GLSL.
std::vector<uint32_t> with_function(std::string_view shader, uint32_t from, uint32_t to) {
  return miscompiled(shader, [&](uint32_t opcode, std::span<uint32_t> words) {
    if (opcode == kExtInst && words[4] == from) words[4] = to;
  });
}
// type: kIntType or kFloatType.
std::vector<uint32_t> with_constant(std::string_view shader, uint32_t type, uint32_t from, uint32_t to) {
  std::set<uint32_t> types;
  return miscompiled(shader, [&](uint32_t opcode, std::span<uint32_t> words) {
    if (opcode == type) types.insert(words[1]);
    if (opcode == kConstant && types.contains(words[1]) && words[3] == from) words[3] = to;
  });
}
std::vector<uint32_t> without_constants(std::string_view shader) {
  return miscompiled(shader, [](uint32_t opcode, std::span<uint32_t> words) {
    if (opcode == kDecorate && words[2] == kSpecId) words[3] += 7;
  });
}

const std::string kWrong = " (wrong results)";

// A device that rounds but for what is wrong, as one does that chooses that by itself; the Gpu must outlive it.
std::unique_ptr<Device> rounding_device(const std::shared_ptr<Gpu>& gpu) {
  const auto check = std::make_shared<SelfCheck>(*gpu);
  return gpu::make_device(make_machine(gpu), [check](const Program& program, const Limits& limits) {
    return check->trust(needs_of(program, limits), true);
  });
}

class VulkanSelfCheck : public WithGpu {
 protected:
  // Its pipelines are made anew.
  const std::shared_ptr<Gpu> other_ = shared_gpu().gpu == nullptr ? nullptr : std::make_shared<Gpu>("");
  const RandomProgram random_ =
      random_program({.width = 64, .layers = 1, .format = Format::q8_0, .other = Format::q8_0}, 7);
  const Limits limits_{.rows = 16, .pages = 4, .page_size = 8};

  // All but what comes in formats and sizes.
  const Needs all_small_{.rms_norm = true,
                         .layer_norm = true,
                         .ropes = true,
                         .gates = true,
                         .copies = true,
                         .selects = true,
                         .logits = true,
                         .keeps_states = true,
                         .routes = true,
                         .experts = true,
                         .adapters = true,
                         .embedding_adapters = true};

  std::string error_of_compiling(VulkanProducts products, const std::shared_ptr<Gpu>& gpu) {
    try {
      make_vulkan_device(gpu, products)->compile(random_.program, limits_);
    } catch (const DeviceError& error) {
      return error.what();
    }
    return "";
  }
};

TEST_F(VulkanSelfCheck, FindsEveryFormatRight) {
  SelfCheck check(gpu());
  Needs needs = all_small_;
  needs.heads = {{128, 128, 4}, {44, 24, 1}, {64, 64, 7}, {576, 512, 12}};
  needs.cuts_heads = true;
  needs.taps = {2, 4};
  needs.states = {{128, 128}, {24, 70}};
  for (const FormatInfo& info : formats()) {
    needs.tables.insert(info.format);
    needs.products.insert(info.format);
  }
  for (const KvType cache : {KvType::f32, KvType::f16, KvType::q8_0}) {
    needs.cache = cache;
    const gpu::Ways ways = check.trust(needs, true);
    EXPECT_TRUE(ways.rounds);
    EXPECT_TRUE(ways.rounds_few);
    EXPECT_FALSE(check.trust(needs, false).rounds);
  }
  emulate_matrices(gpu());
  EXPECT_TRUE(check.trust(needs, true, true).matrices);
  EXPECT_TRUE(check.switched_off().empty());
}

TEST_F(VulkanSelfCheck, NamesTheShaderThatIsWrong) {
  other_->replace_shader("matmul/Q8_0", code_of("matmul/Q4_0"));
  const std::string error = error_of_compiling(VulkanProducts::scalar, other_);
  EXPECT_NE(error.find(other_->about().name + " computes wrong results in matmul/Q8_0"), std::string::npos) << error;
  EXPECT_EQ(error_of_compiling(VulkanProducts::scalar, other_), error) << "again";
  EXPECT_EQ(error_of_compiling(VulkanProducts::integer, other_), "") << "where it is not needed";
}

TEST_F(VulkanSelfCheck, FindsAFaultInEveryShaderThatReadsNoBlocks) {
  struct Fault {
    const char* shader;
    std::vector<uint32_t> code;
    const char* named = nullptr;  // where not as the shader
  };
  const std::vector<Fault> faults = {
      {"norm", with_opcode("norm", kFMul, kFAdd)},
      {"rope", with_opcode("rope", kFMul, kFAdd)},
      {"gate", with_opcode("gate", kFMul, kFAdd)},
      {"copy_heads", with_opcode("copy_heads", kSpecConstantFalse, kSpecConstantTrue)},
      {"copy_heads", without_constants("copy_heads")},
      {"logits", with_function("logits", kTanh, kCos)},
      {"best_candidates", code_of("candidates"), "candidates"},
      {"states", with_constant("states", kFloatType, 0, 0x3f800000)},
      {"convolve", with_function("convolve", kFma, kClamp)},
      {"attend", with_function("attend", kFma, kClamp), "attend of 64 and 64 by 4"},
      {"attend_join", with_function("attend_join", kFma, kClamp), "attend_join of 64 and 64 by 4"},
      {"delta_rule", with_function("delta_rule", kFma, kClamp), "delta_rule of 128 and 128"},
      {"combine", with_function("combine", kFma, kClamp)},
      {"adapter_down", with_function("adapter_down", kFma, kClamp)},
      {"adapter_up", with_function("adapter_up", kFma, kClamp)},
      {"adapter_embed", with_function("adapter_embed", kFma, kClamp)},
  };
  Needs needs = all_small_;
  needs.heads = {{64, 64, 4}};
  needs.cuts_heads = true;
  needs.taps = {4};
  needs.states = {{128, 128}};
  for (const Fault& fault : faults) {
    Gpu wrong("");
    wrong.replace_shader(fault.shader, fault.code);
    SelfCheck check(wrong);
    const std::string name = fault.named == nullptr ? fault.shader : fault.named;
    try {
      check.trust(needs, false);
      ADD_FAILURE() << "nothing is said of " << name;
    } catch (const WrongResults& error) {
      EXPECT_NE(std::string(error.what()).find(" computes wrong results in " + name + ","), std::string::npos)
          << error.what();
    }
    EXPECT_EQ(check.switched_off(), std::vector<std::string>{name + kWrong});
  }
}

TEST_F(VulkanSelfCheck, DoesWithoutProductsOfBytesThatAreWrong) {
  other_->replace_shader("byte_tiles/Q8_0", code_of("byte_tiles/Q4_0"));
  SelfCheck check(*other_);
  EXPECT_FALSE(check.trust(needs_of(random_.program, limits_), true).rounds);
  EXPECT_EQ(check.switched_off(), std::vector<std::string>{"byte_tiles/Q8_0" + kWrong});
  EXPECT_NO_THROW(rounding_device(other_)->compile(random_.program, limits_));
}

TEST_F(VulkanSelfCheck, RefusesProductsThatAreNamedAndWrong) {
  const auto expected = [&](const std::string& products, const std::string& shader) {
    return "vulkan: " + other_->about().name + " cannot multiply by " + products + ", which were named: " + shader +
           "; other products, or auto, do without";
  };
  for (const std::string family : {"byte_matmul/", "byte_tiles/"}) {
    const auto wrong = std::make_shared<Gpu>("");
    wrong->replace_shader(family + "Q8_0", code_of(family + "Q4_0"));
    EXPECT_EQ(error_of_compiling(VulkanProducts::integer, wrong),
              expected("integer products", family + "Q8_0" + kWrong));
    for (const VulkanProducts others : {VulkanProducts::scalar, VulkanProducts::automatic})
      EXPECT_EQ(error_of_compiling(others, wrong), "");
  }
  if (find_shader("matrix_tiles/Q8_0") != nullptr) return;  // it is missing, as it is where a driver refuses it
  other_->emulate_matrices(128);
  EXPECT_EQ(error_of_compiling(VulkanProducts::matrices, other_),
            expected("products of matrices", "matrix_tiles/Q8_0 (vulkan: there is no shader matrix_tiles/Q8_0)"));
}

TEST_F(VulkanSelfCheck, DoesWithoutProductsOfFewRowsOfBytesThatAreWrong) {
  const Text text = random_text({16}, 100, limits_, 3);
  const auto scalar = make_vulkan_device(shared_gpu().gpu, VulkanProducts::scalar);
  const auto logits = [&](Device& device, uint32_t step) {
    return logits_of(device, random_.program, limits_, text, step);
  };
  for (const std::vector<uint32_t>& code :
       {code_of("byte_matmul/Q4_0"), with_function("byte_matmul/Q8_0", kFma, kClamp),
        with_opcode("byte_matmul/Q8_0", kFAdd, kFMul)}) {
    const auto wrong = std::make_shared<Gpu>("");
    wrong->replace_shader("byte_matmul/Q8_0", code);
    SelfCheck check(*wrong);
    const gpu::Ways ways = check.trust(needs_of(random_.program, limits_), true);
    EXPECT_TRUE(ways.rounds);
    EXPECT_FALSE(ways.rounds_few);
    EXPECT_EQ(check.switched_off(), std::vector<std::string>{"byte_matmul/Q8_0" + kWrong});
    const auto rounding = rounding_device(wrong);
    EXPECT_EQ(logits(*rounding, 1), logits(*scalar, 1));
    EXPECT_NE(logits(*rounding, 16), logits(*scalar, 16)) << "many rows are rounded";
  }
}

TEST_F(VulkanSelfCheck, DoesWithoutProductsByMatricesThatAreWrong) {
  emulate_matrices(*other_);
  for (const Shader& one : emulated_shaders())
    if (std::string_view(one.name) == "matrix_tiles/Q4_0")
      other_->replace_shader("matrix_tiles/Q8_0", {one.code.begin(), one.code.end()});
  SelfCheck check(*other_);
  const gpu::Ways ways = check.trust(needs_of(random_.program, limits_), true, true);
  EXPECT_FALSE(ways.matrices);
  EXPECT_TRUE(ways.rounds);
  EXPECT_EQ(check.switched_off(), std::vector<std::string>{"matrix_tiles/Q8_0" + kWrong});
}

TEST_F(VulkanSelfCheck, TimesTheWaysOfMultiplyingThatAreThere) {
  if (other_->about().timestamp_bits == 0) GTEST_SKIP() << "the device has no clock";
  other_->replace_shader("byte_tiles/Q4_K", code_of("byte_tiles/Q4_0"));
  SelfCheck check(*other_);
  const ProductTimes times = check.time_products();
  EXPECT_GT(times.scalar, 0);
  EXPECT_TRUE(std::isfinite(times.scalar));
  EXPECT_TRUE(std::isinf(times.integer)) << "it is wrong";
  EXPECT_EQ(std::isfinite(times.matrices), other_->matrix_threads() != 0);
  EXPECT_EQ(check.time_products().scalar, times.scalar) << "measured anew";
}

TEST_F(VulkanSelfCheck, DoesWithoutNormsThatRoundWhereTheyAreWrong) {
  const Text text = random_text({16}, 100, limits_, 3);
  const auto logits = [&](std::shared_ptr<Gpu> gpu) {
    return logits_of(*make_vulkan_device(std::move(gpu), VulkanProducts::integer), random_.program, limits_, text, 16);
  };
  const auto expected = logits(shared_gpu().gpu);
  const std::vector<std::vector<uint32_t>> faults = {
      with_opcode("norm_round", kFMul, kFAdd), with_function("norm_round", kFma, kClamp),
      with_constant("norm_round", kFloatType, std::bit_cast<uint32_t>(127.0f), std::bit_cast<uint32_t>(126.0f)),
      with_constant("norm_round", kIntType, 2048, 4096)};
  for (const std::vector<uint32_t>& code : faults) {
    const auto wrong = std::make_shared<Gpu>("");
    wrong->replace_shader("norm_round", code);
    SelfCheck check(*wrong);
    const gpu::Ways ways = check.trust(needs_of(random_.program, limits_), true);
    EXPECT_TRUE(ways.rounds);
    EXPECT_FALSE(ways.rounds_norms);
    EXPECT_EQ(check.switched_off(), std::vector<std::string>{"norm_round" + kWrong});
    const auto found = logits(wrong);
    for (size_t i = 0; i < found[0].size(); ++i) ASSERT_NEAR(found[0][i], expected[0][i], 1e-3);
  }
}

TEST_F(VulkanSelfCheck, DoesWithoutListsOfExpertsThatAreWrong) {
  const RandomProgram mixed = random_program({.experts = 4, .used = 2}, 3);
  const Limits limits{.rows = 96, .pages = 12, .page_size = 8};
  const Text text = random_text({80}, 100, limits, 3);
  const auto expected =
      logits_of(*make_vulkan_device(shared_gpu().gpu, VulkanProducts::scalar), mixed.program, limits, text, 1);
  other_->replace_shader("expert_tiles", with_constant("expert_tiles", kIntType, 32, 64));
  SelfCheck check(*other_);
  EXPECT_FALSE(check.trust(needs_of(mixed.program, limits), false).lists_experts);
  EXPECT_EQ(check.switched_off(), std::vector<std::string>{"expert_tiles" + kWrong});
  // One pair after the other, as in steps of few rows.
  const auto found = logits_of(*make_vulkan_device(other_, VulkanProducts::scalar), mixed.program, limits, text, 80);
  ASSERT_EQ(found.size(), expected.size());
  for (size_t row = 0; row < found.size(); ++row)
    for (size_t i = 0; i < found[row].size(); ++i) ASSERT_NEAR(found[row][i], expected[row][i], 1e-3);
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
  EXPECT_TRUE(needs.heads.contains({24, 24, 2}));
  EXPECT_FALSE(needs.cuts_heads);
  EXPECT_TRUE(needs_of(mixed.program, {.rows = 16, .pages = 100, .page_size = 8}).cuts_heads);
  EXPECT_TRUE(needs.expert_products.contains(Format::q5_1) || needs.expert_products.contains(Format::f16));
  EXPECT_EQ(needs.rows, limits_.rows);
  EXPECT_TRUE(needs.experts);
  EXPECT_TRUE(needs.ropes);
  EXPECT_TRUE(needs.selects);
  EXPECT_TRUE(needs.logits);
  EXPECT_FALSE(needs.adapters);
  EXPECT_FALSE(needs.keeps_states);
  const RandomProgram recurrent = random_program({.delta_heads = 4, .delta_key_heads = 2, .adapters = 2}, 3);
  const Needs more = needs_of(recurrent.program, limits_);
  EXPECT_TRUE(more.keeps_states);
  EXPECT_FALSE(more.taps.empty());
  EXPECT_FALSE(more.states.empty());
  EXPECT_TRUE(more.gates);
  EXPECT_TRUE(more.adapters);
  EXPECT_TRUE(more.embedding_adapters);
}

}  // namespace
}  // namespace hearth::vulkan
