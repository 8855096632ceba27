// The Vulkan backend against the reference, on one device that all tests of the process share.
#include "tests/backends/conformance.h"

#include "backends/gpu/device.h"
#include "backends/vulkan/device.h"
#include "backends/vulkan/machine.h"
#include "tests/backends/gpu_attention.h"
#include "tests/backends/profiled.h"
#include "tests/backends/vulkan/emulated_matrices.h"
#include "tests/backends/vulkan/gpu_for_tests.h"

namespace hearth {
namespace {

std::shared_ptr<Device> device_of_gpu() {
  static const std::shared_ptr<Device> device =
      vulkan::shared_gpu().gpu == nullptr ? nullptr
                                          : make_vulkan_device(vulkan::shared_gpu().gpu, VulkanProducts::scalar);
  return device;
}

const DeviceUnderTest kVulkan{"vulkan", device_of_gpu, false};

INSTANTIATE_TEST_SUITE_P(Vulkan, Conformance, testing::Values(kVulkan),
                         [](const auto& info) { return info.param.name; });
INSTANTIATE_TEST_SUITE_P(Vulkan, Pages, testing::Values(kVulkan), [](const auto& info) { return info.param.name; });

std::shared_ptr<gpu::Machine> machine_of_gpu() {
  return vulkan::shared_gpu().gpu == nullptr ? nullptr : vulkan::make_machine(vulkan::shared_gpu().gpu);
}
INSTANTIATE_TEST_SUITE_P(Vulkan, GpuAttention, testing::Values(GpuUnderTest{"vulkan", machine_of_gpu}),
                         [](const auto& info) { return info.param.name; });

class VulkanPlans : public vulkan::WithGpu {};

// Programs with every kind of op; what the validation layer says fails the test.
TEST_F(VulkanPlans, IsValidWorkForItsDevice) {
  if (!vulkan::shared_gpu().validated) {
    EXPECT_EQ(std::getenv("CI"), nullptr) << "the validation layer is not installed";
    GTEST_SKIP() << "the validation layer is not installed";
  }
  for (const Shape& shape : {Shape{.experts = 8, .used = 2, .bias = true, .shared = true, .adapters = 2},
                             Shape{.positions = true, .delta_heads = 4, .delta_key_heads = 2, .gated_attention = true},
                             Shape{.head_size = 44, .rope_pairs = 6, .value_size = 24, .latent = 40}}) {
    const RandomProgram random = random_program(shape, 7);
    const Limits limits{.rows = 100, .pages = 24, .page_size = 7, .states = 5, .kv_type = KvType::f16};
    Text text = random_text({33, 1}, shape.vocabulary, limits, 3);
    if (shape.adapters == 2) text.scales = {{0.5f, 0}, {0, -1}};
    for (const uint32_t step : {100u, 1u}) logits_of(*device_of_gpu(), random.program, limits, text, step);
  }
}

TEST_F(VulkanPlans, SharesLargeMatricesWithOthersOfItsDevice) {
  const RandomProgram random = random_program({.width = 512, .hidden = 1024, .layers = 1}, 7);
  const Limits limits{.rows = 8, .pages = 4, .page_size = 8};
  const auto device = device_of_gpu();
  const Text text = random_text({8}, 100, limits, 3);
  auto first = device->compile(random.program, limits);
  const auto second = device->compile(random.program, limits);
  first->submit(batch_of(text, 0, 8));
  const auto logits = first->wait().logits;
  const std::vector<float> expected(logits.begin(), logits.end());
  first.reset();
  second->submit(batch_of(text, 0, 8));
  const auto found = second->wait().logits;
  EXPECT_TRUE(std::equal(expected.begin(), expected.end(), found.begin(), found.end()));
}

TEST_F(VulkanPlans, ComputesTheSameInManySubmissions) {
  const RandomProgram random = random_program({.experts = 8, .used = 2, .delta_heads = 4, .delta_key_heads = 2}, 7);
  const Limits limits{.rows = 40, .pages = 8, .page_size = 8, .states = 2, .kv_type = KvType::f16};
  const Text text = random_text({33}, 100, limits, 3);
  vulkan::Gpu& gpu = *vulkan::shared_gpu().gpu;
  const uint64_t usual = gpu.work_of_submission();
  const auto expected = logits_of(*device_of_gpu(), random.program, limits, text, 20);
  gpu.limit_submissions(1);
  const auto found = logits_of(*device_of_gpu(), random.program, limits, text, 20);
  gpu.limit_submissions(usual);
  EXPECT_EQ(found, expected);
}

TEST_F(VulkanPlans, TellsHowLongEachKernelTakes) {
  expect_profiles_of_gpu(*device_of_gpu());
  vulkan::Gpu& gpu = *vulkan::shared_gpu().gpu;
  const uint64_t usual = gpu.work_of_submission();
  gpu.limit_submissions(1);  // times of a step in many submissions, too
  expect_profiles_of_gpu(*device_of_gpu());
  gpu.limit_submissions(usual);
}

TEST_F(VulkanPlans, EndsStepsWithAnErrorOnceItsDeviceIsLost) {
  const RandomProgram random = random_program({}, 7);
  const Limits limits{.rows = 8, .pages = 4, .page_size = 8};
  const auto lost = std::make_shared<vulkan::Gpu>("");
  const auto device = make_vulkan_device(lost);
  const auto plan = device->compile(random.program, limits);
  const Text text = random_text({8}, 100, limits, 3);
  plan->submit(batch_of(text, 0, 4));
  EXPECT_FALSE(plan->wait().logits.empty());
  plan->submit(batch_of(text, 4, 6));
  lost->lose();
  EXPECT_THROW(plan->wait(), DeviceLost);
  EXPECT_THROW(plan->submit(batch_of(text, 6, 8)), DeviceLost);
  std::vector<std::byte> page(position_bytes(random.program, limits.kv_type));
  EXPECT_THROW(plan->read_page(0, 1, page), DeviceLost);
  EXPECT_THROW(device->compile(random.program, limits), DeviceLost);
}

TEST_F(VulkanPlans, SaysWhatIsMissingWhereMatricesAreNamed) {
  const auto gpu = std::make_shared<vulkan::Gpu>("");
  const std::string& missing = gpu->about().missing_matrices;
  if (gpu->matrix_threads() != 0) {
    EXPECT_NO_THROW(make_vulkan_device(gpu, VulkanProducts::matrices));
    EXPECT_EQ(missing, "");
    return;
  }
  EXPECT_NE(missing, "");
  try {
    make_vulkan_device(gpu, VulkanProducts::matrices);
    ADD_FAILURE() << "no error";
  } catch (const DeviceError& error) {
    EXPECT_EQ(error.what(),
              "vulkan: " + gpu->about().name + " cannot multiply by cooperative matrices, for it lacks " + missing);
  }
}

TEST_F(VulkanPlans, IsRefusedWhereMemoryIsShort) {
  const RandomProgram random = random_program({}, 7);
  const Limits limits{.rows = 8, .pages = 1u << 30, .page_size = 64};
  try {
    device_of_gpu()->compile(random.program, limits);
    ADD_FAILURE() << "no error";
  } catch (const DeviceError& error) {
    EXPECT_NE(std::string(error.what()).find("the KV cache"), std::string::npos) << error.what();
  }
}

// Products with inputs rounded to 8 bits, which only some devices choose by themselves.
std::shared_ptr<Device> rounding_device() {
  static const std::shared_ptr<Device> device =
      vulkan::shared_gpu().gpu == nullptr ? nullptr
                                          : make_vulkan_device(vulkan::shared_gpu().gpu, VulkanProducts::integer);
  return device;
}

// Products of many rows by matrices of halves, where there are no cooperative ones by what stands for them.
std::shared_ptr<Device> matrix_device() {
  const auto make = [] {
    vulkan::emulate_matrices(*vulkan::shared_gpu().gpu);
    return make_vulkan_device(vulkan::shared_gpu().gpu, VulkanProducts::matrices);
  };
  static const std::shared_ptr<Device> device = vulkan::shared_gpu().gpu == nullptr ? nullptr : make();
  return device;
}

// The same, with all others by bytes.
std::shared_ptr<Device> matrix_and_byte_device() {
  const gpu::ChooseWays ways = [](const Program&, const Limits&) {
    return gpu::Ways{.rounds = true, .matrices = true};
  };
  const auto make = [&ways] {
    vulkan::emulate_matrices(*vulkan::shared_gpu().gpu);
    return gpu::make_device(machine_of_gpu(), ways);
  };
  static const std::shared_ptr<Device> device = vulkan::shared_gpu().gpu == nullptr ? nullptr : make();
  return device;
}

TEST_P(RoundedConformance, MultipliesFewRowsAndBesideExpertsAsTheReference) {
  const double most = rounded(0.6), mean_square = rounded_square(2e-3);
  compare({.width = 256, .head_size = 64, .hidden = 512, .format = Format::q4_k, .other = Format::q6_k}, KvType::f32,
          most, mean_square, {8, 3, 1});
  const Shape mixture{.width = 96,
                      .hidden = 160,
                      .experts = 4,
                      .used = 2,
                      .format = Format::q5_1,
                      .other = Format::mxfp4,
                      .bias = true,
                      .shared = true,
                      .adapters = 2};
  compare(mixture, KvType::f32, most, mean_square, {5, 1});
  compare(mixture, KvType::f32, most, mean_square, {40});  // of an input that is read both rounded and as it is
}

TEST_P(RoundedConformance, RoundsRowsHoweverFewAndAlikeWhereResultsMayNotDiffer) {
  const RandomProgram random = random_program({.width = 96, .hidden = 160, .format = Format::q4_0}, 9);
  const bool rounds_few = device() != matrix_device() || vulkan::shared_gpu().gpu->about().dots_bytes;
  for (const bool deterministic : {false, true}) {
    const Limits limits{.rows = 40, .pages = 8, .page_size = 8, .kv_type = KvType::f32, .deterministic = deterministic};
    const Text text = random_text({33}, 100, limits, 4);
    const auto logits = [&](Device& of, uint32_t step) { return logits_of(of, random.program, limits, text, step); };
    const auto one_by_one = logits(*device(), 1);
    EXPECT_EQ(one_by_one != logits(*device_of_gpu(), 1), rounds_few);
    for (const uint32_t step : {40u, 5u}) EXPECT_EQ(one_by_one == logits(*device(), step), deterministic || step == 5);
  }
}

INSTANTIATE_TEST_SUITE_P(Vulkan, RoundedConformance,
                         testing::Values(DeviceUnderTest{"vulkan_rounding", rounding_device, true},
                                         DeviceUnderTest{"vulkan_matrices", matrix_device, true},
                                         DeviceUnderTest{"vulkan_matrices_and_bytes", matrix_and_byte_device, true}),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace hearth
