// Engines with adapters: what requests, defaults and neighbours make of them.
#include <algorithm>
#include <future>
#include <limits>

#include "hearth/hearth.h"
#include "tests/engine/greedy_request.h"
#include "tests/engine/model/adapter_file.h"
#include "tests/formats/gguf_bytes.h"
#include "tests/shared_data.h"

namespace hearth {
namespace {

class Adapters : public testing::Test {
 protected:
  void SetUp() override {
    HEARTH_REQUIRE_SHARED(path_);
    const Gguf file = Gguf::open(path_);
    for (uint32_t i = 0; i < 2; ++i) {
      const auto adapter = folder_.path() / ("adapter" + std::to_string(i) + ".gguf");
      random_adapter(file, 4 + i, i + 1).write(adapter);
      options_.adapters.push_back({"", adapter, 0});
    }
    options_.context = 256;
    options_.parallel = 6;
    options_.deterministic = true;
  }
  Engine load() const { return Engine::load(path_, options_); }
  static Request request(std::optional<std::vector<AdapterUse>> adapters, uint32_t tokens = 12) {
    Request request =
        greedy("import os\nimport sys\n\n\ndef read_lines(path):\n    with open(path) as file:\n", tokens);
    request.adapters = std::move(adapters);
    request.ignore_end = true;
    return request;
  }
  template <class Action>
  static std::string refusal(Action&& action) {
    try {
      action();
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::invalid_argument);
      return error.what();
    }
    return "";
  }

  const std::filesystem::path path_ = shared_data("models/spark.gguf");
  TemporaryFolder folder_;
  EngineOptions options_;
};

TEST_F(Adapters, RequestsOfOneBatchMayUseDifferentOnes) {
  using Uses = std::vector<AdapterUse>;
  const std::vector<std::optional<Uses>> all = {
      std::nullopt, Uses{{0, 0.5f}}, Uses{{1, 0.5f}}, Uses{{0, 0.5f}, {1, 0.5f}}, Uses{{0, 0.25f}}, Uses{}};
  std::vector<std::string> alone;
  for (const auto& uses : all) alone.push_back(load().generate(request(uses)).text);
  EXPECT_EQ(alone[0], alone[5]) << "an adapter that is given with a scale of 0 is not used";
  std::vector<std::string> distinct(alone.begin(), alone.end() - 1);
  std::sort(distinct.begin(), distinct.end());
  EXPECT_EQ(std::unique(distinct.begin(), distinct.end()), distinct.end());
  Engine engine = load();
  for (int round = 0; round < 2; ++round) {  // the second one finds its prompts in the cache
    std::vector<std::future<Result>> results;
    for (const auto& uses : all)
      results.push_back(std::async(std::launch::async, [&] { return engine.generate(request(uses)); }));
    for (size_t i = 0; i < all.size(); ++i) EXPECT_EQ(results[i].get().text, alone[i]) << i;
  }
}

TEST_F(Adapters, PromptsAreTakenFromTheCacheOfTheSameSettingAlone) {
  Engine engine = load();
  const auto cached = [&](const std::optional<std::vector<AdapterUse>>& uses) {
    return engine.generate(request(uses, 1)).cached_tokens;
  };
  EXPECT_EQ(cached({}), 0u);
  EXPECT_EQ(cached({{{0, 0.5f}}}), 0u);
  EXPECT_EQ(cached({{{0, 0.25f}}}), 0u);
  EXPECT_EQ(cached({{{1, 0.5f}}}), 0u);
  const uint32_t again = cached({{{0, 0.5f}}});
  EXPECT_GT(again, 0u);
  EXPECT_EQ(cached({{{0, 0.5f}, {1, 0}}}), again) << "not to use one and to use it with 0 is the same";
  EXPECT_EQ(cached({{}}), again);
}

TEST_F(Adapters, TheUsualScalesAreThoseOfLoadingUntilTheyAreSet) {
  options_.adapters[1].scale = 0.5f;
  Engine engine = load();
  EXPECT_EQ(engine.info().adapters, (std::vector<std::string>{"adapter0", "adapter1"}));
  EXPECT_EQ(engine.adapter_scales(), (std::vector<float>{0, 0.5f}));
  EXPECT_EQ(engine.generate(request({})).text, engine.generate(request({{{1, 0.5f}}})).text);
  const std::vector<int32_t> tokens = {5, 6, 7};
  const std::vector<uint32_t> last = {2};
  const auto with = engine.logits(tokens, last);
  engine.set_adapter_scales(std::vector<float>{0, 0});
  EXPECT_EQ(engine.generate(request({})).text, engine.generate(request({{}})).text);
  EXPECT_NE(engine.logits(tokens, last), with);
  options_.adapters.clear();
  EXPECT_EQ(load().logits(tokens, last), engine.logits(tokens, last)) << "without any, to the last bit";
}

TEST_F(Adapters, GuessesChangeNoAnswer) {
  const std::string expected = load().generate(request({{{0, 0.5f}}}, 60)).text;
  options_.lookup = true;
  EXPECT_EQ(load().generate(request({{{0, 0.5f}}}, 60)).text, expected);
  options_.draft = path_;  // the model without its adapters
  EXPECT_EQ(load().generate(request({{{0, 0.5f}}}, 60)).text, expected);
}

TEST_F(Adapters, WhatCannotBeIsRefused) {
  Engine engine = load();
  EXPECT_EQ(refusal([&] { engine.generate(request({{{2, 1}}})); }), "there is no adapter 2; the model has 2");
  const std::string number = "the scale of an adapter must be a number";
  EXPECT_EQ(refusal([&] { engine.generate(request({{{0, std::numeric_limits<float>::quiet_NaN()}}})); }), number);
  EXPECT_EQ(refusal([&] { engine.set_adapter_scales(std::vector<float>{1}); }), "1 scales were given for 2 adapters");
  EXPECT_EQ(refusal([&] {
              engine.set_adapter_scales(std::vector<float>{1, std::numeric_limits<float>::infinity()});
            }),
            number);
  EXPECT_EQ(engine.adapter_scales(), (std::vector<float>{0, 0}));
  options_.adapters[1].name = "adapter0";
  EXPECT_EQ(refusal([&] { (void)load(); }), "two adapters have the name \"adapter0\"");
}

}  // namespace
}  // namespace hearth
