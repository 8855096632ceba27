// Embeddings through the public API: encoders, pooling as files state it, what has no text to give.
#include <cmath>
#include <fstream>
#include <functional>
#include <future>
#include <nlohmann/json.hpp>

#include "hearth/hearth.h"
#include "tests/engine/greedy_request.h"
#include "tests/shared_data.h"

namespace hearth {
namespace {

std::vector<float> normalised(std::vector<float> values) {
  double squares = 0;
  for (const float value : values) squares += double{value} * double{value};
  for (float& value : values) value = static_cast<float>(double{value} / std::sqrt(squares));
  return values;
}

// Several at once, so that they share steps.
TEST(Embeddings, EncodersGiveTheRecordedVectors) {
  for (const std::string name : {"bert", "nomic-bert", "qwen3-embedding"}) {
    const auto path = shared_data("golden/models/" + name + ".gguf");
    HEARTH_REQUIRE_SHARED(path);
    EngineOptions options;
    options.context = 96;
    options.embeddings = true;
    options.cache_type = CacheType::f32;
    Engine engine = Engine::load(path, options);
    EXPECT_EQ(engine.info().makes_text, name == "qwen3-embedding");
    const auto golden = nlohmann::json::parse(std::ifstream(shared_data("golden/models/" + name + ".golden.json")));
    std::vector<std::promise<Embedding>> done(golden.at("cases").size());
    for (size_t i = 0; i < done.size(); ++i) {
      const std::vector<int32_t> tokens = golden.at("cases")[i].at("tokens");
      engine.start_embedding(tokens, Pooling::stated,
                             [&done, i](Embedding made) { done[i].set_value(std::move(made)); });
    }
    for (size_t i = 0; i < done.size(); ++i) {
      const auto& one = golden.at("cases")[i];
      const Embedding found = done[i].get_future().get();
      ASSERT_FALSE(found.error);
      const std::vector<float> expected =
          normalised(one.at(one.contains("exact") ? "exact" : "embedding").get<std::vector<float>>());
      ASSERT_EQ(found.values.size(), expected.size());
      for (size_t j = 0; j < expected.size(); ++j) EXPECT_NEAR(found.values[j], expected[j], 1e-4) << name << " " << i;
    }
  }
}

TEST(Embeddings, EncodersMakeNoText) {
  const auto path = shared_data("golden/models/bert.gguf");
  HEARTH_REQUIRE_SHARED(path);
  Engine engine = Engine::load(path);
  const auto refused = [](const std::function<void()>& action) {
    try {
      action();
      return std::string();
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::invalid_argument);
      return std::string(error.what());
    }
  };
  const std::string told = "a model of the architecture bert makes embeddings, no text";
  EXPECT_EQ(refused([&] { engine.generate(greedy("import", 1)); }), told);
  EXPECT_EQ(refused([&] { engine.logits(std::vector<int32_t>{5, 6}, std::vector<uint32_t>{1}); }), told);
  Request request;
  request.prompt = "a";
  const std::vector<int32_t> ids = engine.embedding_tokens(request);
  EXPECT_EQ(ids.front(), 2);  // [CLS]
  EXPECT_EQ(ids.back(), 3);   // [SEP]
  EXPECT_EQ(engine.embed(ids).size(), engine.info().embedding_width);
}

}  // namespace
}  // namespace hearth
