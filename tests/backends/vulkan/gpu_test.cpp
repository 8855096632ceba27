// Choosing a device, copies, one shader, and what goes wrong.
#include <numeric>

#include "backends/backend.h"
#include "kernels/gpu/parameters.h"
#include "tests/backends/vulkan/gpu_for_tests.h"

namespace hearth::vulkan {
using gpu::EmbedParameters, gpu::HeaderWord, gpu::kHeaderWords;

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
