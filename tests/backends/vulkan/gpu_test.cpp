// Choosing a device, copies, one shader, and what goes wrong.
#include <cmath>
#include <numeric>

#include "backends/backend.h"
#include "backends/vulkan/features.h"
#include "kernels/gpu/row_parameters.h"
#include "tests/backends/vulkan/gpu_for_tests.h"

namespace hearth::vulkan {
using gpu::EmbedParameters, gpu::GateParameters, gpu::HeaderWord, gpu::kHeaderWords;

namespace {

class VulkanGpu : public WithGpu {};

std::string message_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const DeviceError& error) {
    return error.what();
  }
  return "no error";
}

TEST_F(VulkanGpu, CopiesMoreThanItsStagingHolds) {
  std::vector<uint32_t> values(9 << 20);
  std::iota(values.begin(), values.end(), 7u);
  EXPECT_TRUE(values_of<uint32_t>(buffer_of(values)) == values);
}

TEST_F(VulkanGpu, RunsAShader) {
  const Buffer table = buffer_of<float>({1, 2, 3, 4, 5, 6}),
               batch =
                   buffer_of<uint32_t>(std::vector<uint32_t>{2, 2, 1, 0, 16, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 1});
  const Buffer out = buffer_of(std::vector<float>(4));
  EmbedParameters push{};
  push.table = table.address();
  push.out = out.address();
  push.batch = batch.address();
  push.width = push.out_stride = 2;
  push.table_rows = 3;
  push.index_at = HeaderWord::tokens;
  push.scale = 10;
  run("embed/F32", push, {1, 2});
  EXPECT_EQ(values_of<float>(out), (std::vector<float>{50, 60, 30, 40}));
}

TEST_F(VulkanGpu, IsChosenByNumberAndByPartOfItsName) {
  const Candidate about = gpu().about();
  const Instance instance;
  std::string part = about.name.substr(0, 4);
  for (char& c : part) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  EXPECT_EQ(instance.choose(part).name, about.name);
  EXPECT_EQ(instance.choose("0").name, instance.candidates()[0].name);
  EXPECT_NE(message_of([&] { instance.choose("77"); }).find("there is no device \"77\"; there are 0 ("),
            std::string::npos);
  EXPECT_NE(message_of([&] { instance.choose("no such name"); }).find("\"no such name\""), std::string::npos);
}

TEST(VulkanDevices, AreRankedByTheirKind) {
  std::vector<Candidate> all(5);
  const VkPhysicalDeviceType types[] = {VK_PHYSICAL_DEVICE_TYPE_CPU, VK_PHYSICAL_DEVICE_TYPE_OTHER,
                                        VK_PHYSICAL_DEVICE_TYPE_VIRTUAL_GPU, VK_PHYSICAL_DEVICE_TYPE_INTEGRATED_GPU,
                                        VK_PHYSICAL_DEVICE_TYPE_DISCRETE_GPU};
  for (size_t i = 0; i < all.size(); ++i) all[i].type = types[i];
  for (size_t i = all.size(); i > 0; --i) {
    EXPECT_EQ(best_of(all), &all[i - 1]);
    all[i - 1].missing = "shaderInt8";
  }
  EXPECT_EQ(best_of(all), nullptr);
  all[1].missing = all[2].missing = "";
  all[2].type = all[1].type;
  EXPECT_EQ(best_of(all), &all[1]) << "the first of several";
}

TEST(VulkanDevices, ComputeWhereNothingIsDrawn) {
  const auto family = [](VkQueueFlags flags, uint32_t count = 1) {
    return VkQueueFamilyProperties{flags, count, 0, {}};
  };
  constexpr VkQueueFlags kAll = VK_QUEUE_GRAPHICS_BIT | VK_QUEUE_COMPUTE_BIT | VK_QUEUE_TRANSFER_BIT;
  using Families = std::vector<VkQueueFamilyProperties>;
  EXPECT_EQ(choose_queue_family(Families{family(kAll)}), 0u);
  EXPECT_EQ(choose_queue_family(Families{family(kAll), family(VK_QUEUE_TRANSFER_BIT), family(VK_QUEUE_COMPUTE_BIT)}),
            2u);
  EXPECT_EQ(choose_queue_family(Families{family(kAll), family(VK_QUEUE_COMPUTE_BIT, 0)}), 0u);
  EXPECT_EQ(choose_queue_family(Families{family(VK_QUEUE_TRANSFER_BIT)}), UINT32_MAX);
}

TEST(VulkanDevices, SayWhichLimitsAreTooSmall) {
  VkPhysicalDeviceLimits limits{};
  limits.maxComputeWorkGroupInvocations = limits.maxComputeWorkGroupSize[0] = 256;
  limits.maxComputeSharedMemorySize = 16384;
  limits.maxPushConstantsSize = 128;
  for (uint32_t& most : limits.maxComputeWorkGroupCount) most = 65535;
  EXPECT_EQ(missing_limits(limits), "");
  limits.maxPushConstantsSize = 64;
  limits.maxComputeWorkGroupInvocations = 128;
  limits.maxComputeWorkGroupCount[2] = 1024;
  EXPECT_EQ(missing_limits(limits),
            "maxComputeWorkGroupInvocations of 256 (it has 128), maxPushConstantsSize of 128 (it has 64), "
            "maxComputeWorkGroupCount of 65535 (it has 1024)");
}

TEST_F(VulkanGpu, SaysThatAGridIsTooLarge) {
  const uint32_t most = gpu().about().limits.maxComputeWorkGroupCount[1];
  if (most == UINT32_MAX) GTEST_SKIP() << "it takes any";
  Commands commands(gpu());
  const VkPipeline pipeline = gpu().pipeline("gate");
  const std::string text = message_of([&] { commands.dispatch(pipeline, uint32_t{0}, {7, most + 1}); });
  EXPECT_NE(text.find("7 x " + std::to_string(most + 1) + " x 1 workgroups"), std::string::npos) << text;
  EXPECT_NE(text.find(gpu().about().name), std::string::npos) << text;
}

TEST_F(VulkanGpu, CutsMuchWorkIntoSubmissionsInOrder) {
  constexpr uint32_t kWidth = 256, kSteps = 40;
  const Buffer first = buffer_of(std::vector<float>(kWidth, 1)), second = buffer_of(std::vector<float>(kWidth));
  const Buffer batch = buffer_of(std::vector<uint32_t>(kHeaderWords, 1));
  const std::vector<float> ones(kWidth, 1);
  const Buffer factors = buffer_of(std::vector<float>(kWidth, 2));
  const uint64_t usual = gpu().work_of_submission();
  for (const uint64_t limit : {uint64_t{1}, usual}) {
    gpu().limit_submissions(limit);
    Commands commands(gpu());
    // Doubles the values of one buffer into the other, again and again.
    for (uint32_t i = 0; i < kSteps; ++i) {
      const Buffer &from = i % 2 == 0 ? first : second, &to = i % 2 == 0 ? second : first;
      if (i > 0) commands.barrier();
      commands.dispatch(gpu().pipeline("gate"),
                        GateParameters{from.address(), factors.address(), to.address(), batch.address(), kWidth, 0, 0},
                        {kWidth / 64});
    }
    commands.end();
    gpu().limit_submissions(usual);
    EXPECT_EQ(commands.submissions(), limit == 1 ? kSteps : 1u);
    for (int run = 0; run < 2; ++run) {
      gpu().upload(first, 0, std::as_bytes(std::span(ones)));
      commands.run();
      EXPECT_EQ(values_of<float>(first), std::vector<float>(kWidth, std::ldexp(1.0f, kSteps)));
    }
  }
}

// Of products in tiles and attention: other steps are not so long, or count their workgroups.
TEST_F(VulkanGpu, CutsOneLongStepAlongItsRows) {
  constexpr uint32_t kColumns = 100, kRows = 70;
  std::vector<float> identity(64 * kRows);
  for (uint32_t i = 0; i < 64; ++i) identity[i * 64 + i] = 1;
  std::vector<float> values(64 * kColumns);
  std::iota(values.begin(), values.end(), 1.0f);
  const Buffer weight = buffer_of(identity), in = buffer_of(values),
               batch = buffer_of(std::vector<uint32_t>(kHeaderWords, kColumns));
  const uint32_t whole = 1;
  const uint64_t usual = gpu().work_of_submission();
  for (const uint64_t limit : {uint64_t{1}, usual}) {
    const Buffer out = buffer_of(std::vector<float>(kRows * kColumns, -1));
    gpu::MatmulParameters push{};
    push.weight = weight.address();
    push.in = in.address();
    push.out = out.address();
    push.batch = batch.address();
    push.width = push.in_stride = 64;
    push.rows = push.out_stride = kRows;
    push.kinds = gpu::matmul_kinds(1, 0, HeaderWord::rows);
    push.scale = 1;
    gpu().limit_submissions(limit);
    Commands commands(gpu());
    commands.dispatch(gpu().pipeline("matmul_tiles/F32", {&whole, 1}), push, {2, 4});
    commands.end();
    gpu().limit_submissions(usual);
    EXPECT_EQ(commands.submissions(), limit == 1 ? 4u : 1u);
    commands.run();
    const auto found = values_of<float>(out);
    for (uint32_t c = 0; c < kColumns; ++c)
      for (uint32_t r = 0; r < kRows; ++r) ASSERT_EQ(found[c * kRows + r], r < 64 ? values[c * 64 + r] : 0.0f);
  }
}

TEST_F(VulkanGpu, SaysWhatThereIsTooLittleMemoryFor) {
  const std::string text =
      message_of([&] { Buffer(gpu(), uint64_t{1} << 50, Place::device, "the weights of a giant"); });
  EXPECT_NE(text.find("the weights of a giant"), std::string::npos) << text;
}

TEST_F(VulkanGpu, SaysThatAShaderDoesNotExist) {
  EXPECT_EQ(message_of([&] { gpu().pipeline("none"); }), "vulkan: there is no shader none");
}

TEST_F(VulkanGpu, IsLostForGoodOnceItIsLost) {
  Gpu other("");
  Buffer buffer(other, 64, Place::device, "a test");
  const std::vector<std::byte> bytes(64);
  other.upload(buffer, 0, bytes);
  other.lose();
  for (int i = 0; i < 2; ++i)
    EXPECT_NE(message_of([&] { other.upload(buffer, 0, bytes); }).find("the device was lost"), std::string::npos);
}

// So that silence means something in the other tests.
TEST_F(VulkanGpu, HearsWhatTheValidationLayerSays) {
  if (!shared_gpu().validated) GTEST_SKIP() << "the validation layer is not installed";
  const Buffer from(gpu(), 64, Place::device, "a test"), to(gpu(), 64, Place::device, "a test");
  Commands commands(gpu());
  commands.copy(from, 128, to, 0, 16);  // is never run
  EXPECT_FALSE(shared_gpu().messages.empty());
  shared_gpu().messages.clear();
}

}  // namespace
}  // namespace hearth::vulkan
