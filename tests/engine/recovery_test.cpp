// A lost device ends what runs on it with an error, and nothing else: the engine makes it anew, or goes on with the
// CPU.
#include <gtest/gtest.h>

#include <future>
#include <mutex>
#include <thread>

#include "backends/cuda/device.h"
#include "backends/vulkan/device.h"
#include "hearth/hearth.h"
#include "tests/backends/losing_gpu.h"
#include "tests/engine/greedy_request.h"
#include "tests/formats/gguf_bytes.h"
#include "tests/tools/serve/scripted_model.h"

namespace hearth {
namespace {

class Recovery : public testing::Test {
 protected:
  void SetUp() override {
    losing_gpu().reset();
    write_scripted_model(model());
    options_.device = "cuda";
    options_.threads = 1;
    options_.context = 512;
    options_.on_recovery = [this](const std::string& line) {
      const std::lock_guard lock(mutex_);
      told_ += line + "\n";
    };
  }
  void TearDown() override {
    EXPECT_EQ(losing_gpu().plans, 0) << "plans were not given back";
    EXPECT_FALSE(losing_gpu().overlapped) << "a device was made before the lost one had gone";
  }

  std::filesystem::path model() const { return folder_.path() / "scripted.gguf"; }
  Engine load() { return Engine::load(model(), options_); }
  std::string told() {
    const std::lock_guard lock(mutex_);
    return told_;
  }
  bool tells(const std::string& words) { return told().find(words) != std::string::npos; }
  // The code of the error that it ends with, or nothing.
  static std::optional<ErrorCode> failure(Engine& engine, const Request& request) {
    try {
      engine.generate(request);
    } catch (const Error& error) {
      return error.code();
    }
    return std::nullopt;
  }
  static void expect_answer(Engine& engine) { EXPECT_EQ(engine.generate(greedy("Say:", 8)).text, " Hello, world!"); }
  static void lose(Engine& engine, int64_t steps) {
    losing_gpu().lose_after(steps);
    EXPECT_EQ(failure(engine, greedy("#", 20)), ErrorCode::device_lost);
  }

  TemporaryFolder folder_;
  EngineOptions options_;
  std::mutex mutex_;
  std::string told_;
};

TEST_F(Recovery, TheRequestThatRanEndsWithAnErrorAndLaterOnesAreAnswered) {
  for (const bool waits : {false, true})
    for (const int64_t steps : {0, 1, 5}) {
      losing_gpu().reset();
      losing_gpu().waits = waits;
      Engine engine = load();
      losing_gpu().lose_after(steps);
      std::string text;
      try {
        engine.generate(greedy("#", 20), [&](std::string_view piece) {
          text += piece;
          return true;
        });
        ADD_FAILURE() << "no error";
      } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::device_lost);
        EXPECT_EQ(std::string(error.what()), "cuda: the losing GPU: it was lost");
      }
      EXPECT_EQ(text.empty(), steps == 0) << text;
      expect_answer(engine);
      EXPECT_EQ(engine.statistics().device, "cuda");
      EXPECT_EQ(engine.statistics().devices_lost, 1u);
      EXPECT_EQ(losing_gpu().devices, 2);
    }
  EXPECT_TRUE(tells("it was lost\n")) << told();
  EXPECT_TRUE(tells("the device cuda was made anew; its cache is empty\n")) << told();
}

TEST_F(Recovery, OnlyThoseThatRunEndAndThoseThatWaitAreAnswered) {
  options_.parallel = 3;
  Engine engine = load();
  losing_gpu().lose_after(10);
  std::vector<std::future<std::optional<ErrorCode>>> ends;
  for (int i = 0; i < 12; ++i)
    ends.push_back(std::async(std::launch::async, [&engine, i] {
      return failure(engine, greedy(std::string(static_cast<size_t>(i), 'x') + "#", 40));
    }));
  int lost = 0;
  for (auto& end : ends) {
    const std::optional<ErrorCode> code = end.get();
    if (!code) continue;
    EXPECT_EQ(*code, ErrorCode::device_lost);
    ++lost;
  }
  EXPECT_GE(lost, 1);
  EXPECT_LE(lost, 3);
  expect_answer(engine);
  EXPECT_EQ(engine.statistics().devices_lost, 1u);
}

TEST_F(Recovery, ASecondLossIsLikeTheFirst) {
  Engine engine = load();
  for (uint64_t losses = 1; losses <= 3; ++losses) {
    lose(engine, 2);
    expect_answer(engine);
    EXPECT_EQ(engine.statistics().device, "cuda");
    EXPECT_EQ(engine.statistics().devices_lost, losses);
  }
}

TEST_F(Recovery, ADeviceThatIsLostAgainBeforeItAnswersIsNotTriedAgain) {
  Engine engine = load();
  expect_answer(engine);
  lose(engine, 2);
  lose(engine, 2);
  expect_answer(engine);
  EXPECT_EQ(engine.statistics().device, "cpu");
  EXPECT_EQ(engine.statistics().devices_lost, 2u);
  EXPECT_EQ(engine.info().device, "cuda");
  EXPECT_EQ(losing_gpu().devices, 2);
  EXPECT_TRUE(tells("is not tried again\n")) << told();
}

TEST_F(Recovery, TheCpuComputesWhereTheDeviceCannotBeMadeAnew) {
  options_.before_reopening = [this] { options_.on_recovery("asked"); };
  Engine engine = load();
  losing_gpu().refuses = 1;
  lose(engine, 2);
  expect_answer(engine);
  EXPECT_EQ(engine.statistics().device, "cpu");
  EXPECT_TRUE(tells("asked\n")) << told();
  EXPECT_TRUE(tells("the device cannot be made anew: cuda: the losing GPU is gone\n")) << told();
  EXPECT_TRUE(tells("the CPU computes until the model is loaded again")) << told();
}

// The products that Vulkan was asked for, each time.
std::vector<VulkanProducts>& asked() {
  static std::vector<VulkanProducts> products;
  return products;
}

TEST_F(Recovery, TheCpuTakesOverFromADeviceWhoseProductsAreNamed) {
  options_.device = "vulkan";
  for (const auto& [name, products] :
       {std::pair("integer", VulkanProducts::integer), std::pair("matrices", VulkanProducts::matrices)}) {
    losing_gpu().reset();
    asked().clear();
    options_.vulkan_products = name;
    Engine engine = load();
    lose(engine, 2);
    expect_answer(engine);
    EXPECT_EQ(asked(), std::vector<VulkanProducts>(2, products)) << "made anew, it multiplies as it did";
    losing_gpu().refuses = 1;
    lose(engine, 2);
    expect_answer(engine);
    EXPECT_EQ(engine.statistics().device, "cpu");
  }
}

TEST_F(Recovery, ALossWhileItIsMadeAnewIsSurvived) {
  Engine engine = load();
  losing_gpu().breaks = 1;
  lose(engine, 2);
  expect_answer(engine);
  EXPECT_EQ(engine.statistics().device, "cpu");
  EXPECT_TRUE(tells("the device cannot be made anew: cuda: the losing GPU: it was lost\n")) << told();
}

TEST_F(Recovery, ALogThatFailsStopsNone) {
  options_.on_recovery = [tell = options_.on_recovery](const std::string& line) {
    tell(line);
    throw std::runtime_error("a log that fails");
  };
  Engine engine = load();
  lose(engine, 2);
  expect_answer(engine);
  EXPECT_EQ(engine.statistics().device, "cuda");
  EXPECT_TRUE(tells("cuda: all 1 layers, ")) << told();
}

TEST_F(Recovery, ADriverThatIsNotSoundIsNotOpenedAgain) {
  options_.before_reopening = [] { throw std::runtime_error("its driver crashes"); };
  Engine engine = load();
  lose(engine, 2);
  expect_answer(engine);
  EXPECT_EQ(engine.statistics().device, "cpu");
  EXPECT_EQ(losing_gpu().devices, 1);
  EXPECT_TRUE(tells("the device cannot be made anew: its driver crashes\n")) << told();
}

TEST_F(Recovery, TheCacheIsForgottenWithTheDevice) {
  options_.deterministic = true;
  Engine engine = load();
  const Request request = greedy(std::string(200, 'x'), 4);
  const std::string text = engine.generate(request).text;
  EXPECT_GT(engine.generate(request).cached_tokens, 0u);
  const auto path = folder_.path() / "cache";
  engine.save_cache(path);
  losing_gpu().refuses = 1;
  lose(engine, 0);
  const Result again = engine.generate(request);
  EXPECT_EQ(again.cached_tokens, 0u);
  EXPECT_EQ(again.text, text);
  EXPECT_GT(engine.generate(request).cached_tokens, 0u);
  // What the GPU computed is not what the CPU would have.
  try {
    engine.load_cache(path);
    ADD_FAILURE() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::other_cache) << error.what();
  }
  engine.save_cache(path);
  EXPECT_GT(engine.load_cache(path).tokens, 0u);
}

TEST_F(Recovery, WhoCopiesTheCacheFindsALossToo) {
  Engine engine = load();
  expect_answer(engine);
  const auto path = folder_.path() / "cache";
  engine.save_cache(path);
  for (const bool loads : {false, true}) {
    engine.clear_cache();
    if (!loads) expect_answer(engine);
    losing_gpu().lose_after(0);
    try {
      loads ? engine.load_cache(path) : engine.save_cache(folder_.path() / "other");
      ADD_FAILURE() << "no error";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::device_lost) << error.what();
    }
    EXPECT_EQ(engine.load_cache(path).left_out, 0u);
    expect_answer(engine);
    EXPECT_EQ(engine.statistics().device, "cuda");
  }
}

TEST_F(Recovery, TextsAndEmbeddingsRecoverTogether) {
  options_.embeddings = true;
  Engine engine = load();
  const std::vector<int32_t> tokens = engine.tokenize("Say:");
  const std::vector<float> expected = engine.embed(tokens);
  losing_gpu().lose_after(0);
  try {
    engine.embed(tokens);
    ADD_FAILURE() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::device_lost);
  }
  expect_answer(engine);
  EXPECT_EQ(engine.embed(tokens), expected);
  lose(engine, 1);
  EXPECT_EQ(engine.embed(tokens), expected);
}

TEST_F(Recovery, ADraftModelAndASplitModelAreMadeAnewToo) {
  options_.draft = model();
  for (const uint32_t layers : {1u, 99u}) {
    losing_gpu().reset();
    options_.gpu_layers = layers;
    Engine engine = load();
    const std::string text = engine.generate(greedy("#", 40)).text;
    for (const int refuses : {0, 1}) {
      losing_gpu().refuses = refuses;
      lose(engine, 4);
      const uint64_t guessed = engine.statistics().guessed;
      EXPECT_EQ(engine.generate(greedy("#", 40)).text, text);
      EXPECT_GT(engine.statistics().guessed, guessed) << "the draft model is asked again";
      EXPECT_EQ(engine.statistics().device, refuses == 0 ? engine.info().device : "cpu");
    }
  }
}

TEST_F(Recovery, AnEngineMayGoWhileItRecovers) {
  options_.parallel = 2;
  for (int64_t steps = 0; steps < 12; ++steps) {
    losing_gpu().reset();
    std::atomic<int> ends = 0;
    {
      Engine engine = load();
      losing_gpu().refuses = static_cast<int>(steps % 2);
      losing_gpu().lose_after(steps);
      for (int i = 0; i < 4; ++i)
        engine.start(greedy("#", 30), [&](const Event& event) { ends += event.result || event.error ? 1 : 0; });
    }
    EXPECT_EQ(ends, 4);
  }
}

}  // namespace

// The same GPU in the place of the Vulkan backend, too.
std::unique_ptr<Device> make_vulkan_device(std::string_view which, VulkanProducts products) {
  asked().push_back(products);
  return make_cuda_device(which);
}
std::vector<VulkanDeviceInfo> vulkan_devices() { return {}; }
VulkanDeviceInfo find_vulkan_device(std::string_view) { return {}; }
VulkanDeviceTrial try_vulkan_device(std::string_view, VulkanProducts) { return {}; }

}  // namespace hearth
