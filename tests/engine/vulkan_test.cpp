// The public API on Vulkan: the same texts as on the CPU, several at once.
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <thread>

#include "backends/devices.h"
#include "tests/backends/vulkan/gpu_for_tests.h"
#include "tests/engine/greedy_request.h"
#include "tests/shared_data.h"

namespace hearth {
namespace {

using VulkanEngine = vulkan::WithGpu;

Engine engine_on(const char* device, const char* file, uint32_t parallel = 1, const char* products = "") {
  EngineOptions options;
  options.vulkan_products = products;
  options.device = device;
  options.parallel = parallel;
  options.context = 512;
  return Engine::load(shared_data(file), options);
}

TEST_F(VulkanEngine, TellsTheRecordedStory) {
  HEARTH_REQUIRE_SHARED(shared_data("models/stories260K.gguf"));
  const auto golden = nlohmann::json::parse(std::ifstream(shared_data("models/stories260K.golden.json")));
  Engine engine = engine_on("vulkan", "models/stories260K.gguf");
  EXPECT_EQ(engine.generate(greedy("", golden.at("n"))).text, golden.at("text"));
}

TEST_F(VulkanEngine, WritesWhatTheCpuWrites) {
  HEARTH_REQUIRE_SHARED(shared_data("models/spark.gguf"));
  const Request request = greedy("def fibonacci(n):", 32);
  Engine cpu = engine_on("cpu", "models/spark.gguf"), gpu = engine_on("vulkan:0", "models/spark.gguf");
  EXPECT_EQ(gpu.info().device, "vulkan");
  EXPECT_EQ(gpu.generate(request).text, cpu.generate(request).text);
}

// With logprobs all logits come to the host, without them those that sampling needs.
TEST_F(VulkanEngine, TheLargestLogitsGiveTheTextThatAllOfThemGive) {
  HEARTH_REQUIRE_SHARED(shared_data("models/stories260K.gguf"));
  Engine engine = engine_on("vulkan", "models/stories260K.gguf");
  for (const Request& request : sampled_requests("One day", 24)) {
    Request all = request;
    all.logprobs = 0;
    EXPECT_EQ(engine.generate(request).text, engine.generate(all).text);
  }
}

TEST_F(VulkanEngine, AnswersSeveralAtOnceAsOneByOne) {
  HEARTH_REQUIRE_SHARED(shared_data("models/stories260K.gguf"));
  Engine engine = engine_on("vulkan", "models/stories260K.gguf", 3);
  const std::vector<std::string> prompts = {"One day", "Lily had a", "Once upon a time there was a"};
  std::vector<std::string> alone, together(prompts.size());
  for (const std::string& prompt : prompts) alone.push_back(engine.generate(greedy(prompt, 24)).text);
  std::vector<std::thread> threads;
  for (size_t i = 0; i < prompts.size(); ++i)
    threads.emplace_back([&, i] { together[i] = engine.generate(greedy(prompts[i], 24)).text; });
  for (std::thread& one : threads) one.join();
  EXPECT_EQ(together, alone);
}

TEST_F(VulkanEngine, SplitsAModelWithTheCpu) {
  HEARTH_REQUIRE_SHARED(shared_data("models/stories260K.gguf"));
  const auto golden = nlohmann::json::parse(std::ifstream(shared_data("models/stories260K.golden.json")));
  for (const uint32_t layers : {0u, 2u}) {
    EngineOptions options;
    options.device = "vulkan";
    options.gpu_layers = layers;
    options.context = 512;
    std::string told;
    options.on_placement = [&](const std::string& line) { told = line; };
    Engine engine = Engine::load(shared_data("models/stories260K.gguf"), options);
    EXPECT_EQ(engine.info().device, layers == 0 ? "cpu" : "cpu+vulkan");
    EXPECT_EQ(engine.info().placement, told);
    EXPECT_FALSE(told.empty());
    EXPECT_EQ(engine.generate(greedy("", golden.at("n"))).text, golden.at("text")) << layers;
  }
}

TEST_F(VulkanEngine, ExchangesCachesBetweenASplitModelAndAWhole) {
  HEARTH_REQUIRE_SHARED(shared_data("models/stories260K.gguf"));
  const auto path = std::filesystem::temp_directory_path() / ("hearth-split-" + std::to_string(getpid()) + ".cache");
  EngineOptions options;
  options.device = "vulkan";
  options.gpu_layers = 3;
  options.context = 512;
  Engine split = Engine::load(shared_data("models/stories260K.gguf"), options);
  Engine whole = engine_on("cpu", "models/stories260K.gguf");
  const std::string sentence = "Once upon a time there was a little girl who lived in a big house and had a dog. ";
  const Request request = greedy(sentence + sentence + sentence, 16);
  const Result first = split.generate(request);
  split.save_cache(path);
  EXPECT_GT(whole.load_cache(path).tokens, 0u);
  const Result second = whole.generate(request);
  std::filesystem::remove(path);
  EXPECT_GT(second.cached_tokens, 0u);
  EXPECT_EQ(second.text, first.text);
}

TEST_F(VulkanEngine, RefusesLayersForTheCpu) {
  HEARTH_REQUIRE_SHARED(shared_data("models/stories260K.gguf"));
  EngineOptions options;
  options.gpu_layers = 2;
  try {
    Engine::load(shared_data("models/stories260K.gguf"), options);
    ADD_FAILURE() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::invalid_argument);
  }
}

TEST_F(VulkanEngine, SaysThatADeviceDoesNotExist) {
  HEARTH_REQUIRE_SHARED(shared_data("models/stories260K.gguf"));
  try {
    engine_on("vulkan:no such GPU", "models/stories260K.gguf");
    ADD_FAILURE() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::device);
    EXPECT_NE(std::string(error.what()).find("no such GPU"), std::string::npos) << error.what();
  }
}

TEST_F(VulkanEngine, MultipliesPromptsAsItIsTold) {
  HEARTH_REQUIRE_SHARED(shared_data("models/spark.gguf"));
  // A text in which no two tokens are so near that rounding decides, as it does between kernels of the CPU elsewhere.
  const Request request = greedy("def main():\n    parser = argparse.ArgumentParser()\n", 16);
  const std::string expected = engine_on("cpu", "models/spark.gguf").generate(request).text;
  for (const char* products : {"scalar", "integer", "auto"})
    EXPECT_EQ(engine_on("vulkan", "models/spark.gguf", 1, products).generate(request).text, expected) << products;
}

TEST_F(VulkanEngine, RefusesProductsThatItCannotMake) {
  HEARTH_REQUIRE_SHARED(shared_data("models/stories260K.gguf"));
  const auto error_of = [](const char* device, const char* products) -> std::string {
    try {
      engine_on(device, "models/stories260K.gguf", 1, products);
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  };
  if (gpu().matrix_threads() == 0)
    EXPECT_NE(error_of("vulkan", "matrices").find("cannot multiply by cooperative matrices, for it lacks"),
              std::string::npos);
  EXPECT_NE(error_of("vulkan", "complex").find("there are no products \"complex\""), std::string::npos);
  EXPECT_NE(error_of("cpu", "scalar").find("the device cpu has no products to choose from"), std::string::npos);
}

TEST_F(VulkanEngine, IsAmongTheDevices) {
  const std::vector<DeviceDescription> devices = list_devices();
  ASSERT_GE(devices.size(), 2u);
  EXPECT_EQ(devices[0].name, "cpu");
  EXPECT_EQ(devices[1].name, "vulkan:0");
  EXPECT_FALSE(devices[1].about.empty());
  EXPECT_GT(devices[1].memory, 0u);
  if (!devices[1].missing.empty()) return;
  EXPECT_GT(devices[1].read_gb_s, 0);
  EXPECT_NE(devices[1].about.find("prompts by "), std::string::npos) << devices[1].about;
}

TEST_F(VulkanEngine, IsDescribedWithTheProductsThatAreNamed) {
  const auto about = [](const char* products) {
    return describe_device({.name = "vulkan:0", .products = products}).about;
  };
  for (const char* products : {"scalar", "integer"})
    EXPECT_TRUE(about(products).ends_with(", prompts by " + std::string(products) + " products, as named"))
        << about(products);
  EXPECT_EQ(about("auto").find("as named"), std::string::npos) << about("auto");
  if (gpu().matrix_threads() == 0)
    EXPECT_NE(describe_device({.name = "vulkan:0", .products = "matrices"}).missing.find("cooperative matrices"),
              std::string::npos);
}

}  // namespace
}  // namespace hearth
