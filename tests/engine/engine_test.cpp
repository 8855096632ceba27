// The public API on small trained models.
#include <fstream>
#include <functional>
#include <limits>
#include <nlohmann/json.hpp>

#include "hearth/hearth.h"
#include "hearth/hearth_c.h"
#include "tests/engine/greedy_request.h"
#include "tests/shared_data.h"

namespace hearth {
namespace {

std::filesystem::path stories() { return shared_data("models/stories260K.gguf"); }

ErrorCode code_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos) << error.what();
    return error.code();
  }
  return ErrorCode{};
}

TEST(Engine, TellsTheRecordedStoryOnEveryDevice) {
  HEARTH_REQUIRE_SHARED(stories());
  const auto golden = nlohmann::json::parse(std::ifstream(shared_data("models/stories260K.golden.json")));
  for (const char* device : {"cpu", "reference"}) {
    EngineOptions options;
    options.device = device;
    Engine engine = Engine::load(stories(), options);
    std::string streamed;
    const Result result = engine.generate(greedy("", golden.at("n")), [&](std::string_view text) {
      streamed += text;
      return true;
    });
    EXPECT_EQ(result.text, golden.at("text")) << device;
    EXPECT_EQ(streamed, result.text);
  }
}

TEST(Engine, TheSameSeedGivesTheSameText) {
  HEARTH_REQUIRE_SHARED(stories());
  Engine engine = Engine::load(stories());
  Request request = greedy("One day", 40);
  request.sampling.temperature = 1;
  request.sampling.seed = 7;
  const Result first = engine.generate(request);
  EXPECT_EQ(engine.generate(request).text, first.text);
  request.sampling.seed = 8;
  EXPECT_NE(engine.generate(request).text, first.text);
}

// With logprobs all logits are looked at, without them only as many of the largest as sampling needs.
TEST(Engine, TheLargestLogitsGiveTheTextThatAllOfThemGive) {
  HEARTH_REQUIRE_SHARED(stories());
  for (const char* device : {"cpu", "reference"}) {
    EngineOptions options;
    options.device = device;
    Engine engine = Engine::load(stories(), options);
    for (const Request& request : sampled_requests("One day", 40)) {
      Request all = request;
      all.logprobs = 0;
      EXPECT_EQ(engine.generate(request).text, engine.generate(all).text) << device;
    }
  }
}

TEST(Engine, APromptThatGoesOnIsTakenFromTheCache) {
  HEARTH_REQUIRE_SHARED(stories());
  Engine engine = Engine::load(stories());
  const Result first = engine.generate(greedy("Once upon a time", 20));
  EXPECT_EQ(first.cached_tokens, 0u);
  const Result again = engine.generate(greedy("Once upon a time", 20));
  EXPECT_EQ(again.cached_tokens, again.prompt_tokens - 1);
  EXPECT_EQ(again.text, first.text);
}

TEST(Engine, StopTextsEndTheAnswerAndAreNoPartOfIt) {
  HEARTH_REQUIRE_SHARED(stories());
  Engine engine = Engine::load(stories());
  const std::string whole = engine.generate(greedy("Once upon a time", 40)).text;
  Request request = greedy("Once upon a time", 40);
  request.stop = {"girl named"};
  const Result result = engine.generate(request);
  EXPECT_EQ(result.reason, FinishReason::stop);
  EXPECT_EQ(result.text, whole.substr(0, whole.find("girl named")));
}

TEST(Engine, CancellingEndsTheAnswer) {
  HEARTH_REQUIRE_SHARED(stories());
  Engine engine = Engine::load(stories());
  std::string seen;
  const Result result = engine.generate(greedy("Once", 100), [&](std::string_view text) {
    seen += text;
    return false;
  });
  EXPECT_EQ(result.reason, FinishReason::cancelled);
  EXPECT_EQ(result.text, seen);
  EXPECT_LT(seen.size(), 20u);
}

TEST(Engine, TheContextIsNeverPassed) {
  HEARTH_REQUIRE_SHARED(stories());
  EngineOptions options;
  options.context = 16;
  Engine engine = Engine::load(stories(), options);
  const Result result = engine.generate(greedy("Once upon a time", 100));
  EXPECT_EQ(result.reason, FinishReason::context_full);
  EXPECT_LE(result.prompt_tokens + result.generated_tokens, 16u);
  std::string text;
  for (int i = 0; i < 50; ++i) text += "word ";
  try {
    engine.generate(greedy(text, 1));
    FAIL() << "a prompt past the context was taken";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::prompt_too_long);
    EXPECT_NE(std::string(error.what()).find("16"), std::string::npos) << error.what();
  }
}

TEST(Engine, BadOptionsAndFilesAreErrors) {
  HEARTH_REQUIRE_SHARED(stories());
  EngineOptions options;
  options.device = "abacus";
  EXPECT_EQ(code_of([&] { Engine::load(stories(), options); }), ErrorCode::device);
  options = {};
  options.kernels = "mmx";
  EXPECT_EQ(code_of([&] { Engine::load(stories(), options); }), ErrorCode::device);
  const std::vector<std::function<void(EngineOptions&)>> impossible = {
      [](EngineOptions& one) { one.context = UINT32_MAX; },
      [](EngineOptions& one) { one.parallel = UINT32_MAX; },
      [](EngineOptions& one) { one.cache_tokens = UINT32_MAX; },
      [](EngineOptions& one) { one.longest_wait = -1; },
      [](EngineOptions& one) { one.longest_wait = std::numeric_limits<double>::quiet_NaN(); },
      [](EngineOptions& one) { one.cache_type = static_cast<CacheType>(77); }};
  for (size_t i = 0; i < impossible.size(); ++i) {
    options = {};
    impossible[i](options);
    EXPECT_EQ(code_of([&] { Engine::load(stories(), options); }), ErrorCode::invalid_argument) << i;
  }
  EXPECT_EQ(code_of([&] { Engine::load("no such file"); }), ErrorCode::bad_model);
  EXPECT_EQ(code_of([&] { Engine::load("/"); }), ErrorCode::bad_model);
  EXPECT_EQ(code_of([&] { Engine::load(HEARTH_SOURCE_DIR "/README.md"); }), ErrorCode::bad_model);
  Engine engine = Engine::load(stories());
  Request request = greedy("x", 1);
  request.sampling.temperature = -1;
  EXPECT_EQ(code_of([&] { engine.generate(request); }), ErrorCode::invalid_argument);
  request.sampling = {};
  request.sampling.logit_bias = {{-1, 1.0f}};
  EXPECT_EQ(code_of([&] { engine.generate(request); }), ErrorCode::invalid_argument);
  request.sampling = {};
  request.prompt = std::vector<int32_t>{100000};
  EXPECT_EQ(code_of([&] { engine.generate(request); }), ErrorCode::invalid_argument);
  request.prompt = std::vector<Message>{{"user", "hello"}};
  EXPECT_EQ(code_of([&] { engine.generate(request); }), ErrorCode::bad_template);
}

TEST(CApi, CompletesAndReportsErrors) {
  HEARTH_REQUIRE_SHARED(stories());
  hearth_error error = {};
  hearth_engine* engine = nullptr;
  EXPECT_EQ(hearth_load("no such file", nullptr, &engine, &error), HEARTH_BAD_MODEL);
  EXPECT_STRNE(error.message, "");
  ASSERT_EQ(hearth_load(stories().c_str(), nullptr, &engine, &error), HEARTH_OK) << error.message;
  hearth_sampling sampling;
  hearth_default_sampling(&sampling);
  sampling.temperature = 0;
  sampling.max_tokens = 5;
  std::string text;
  const auto append = [](const char* piece, size_t size, void* user) {
    static_cast<std::string*>(user)->append(piece, size);
    return 1;
  };
  EXPECT_EQ(hearth_complete(engine, "Once", &sampling, append, &text, &error), HEARTH_OK) << error.message;
  EXPECT_FALSE(text.empty());
  size_t count = 0;
  EXPECT_EQ(hearth_tokenize(engine, "Once", nullptr, 0, &count, &error), HEARTH_OK);
  EXPECT_GT(count, 0u);
  EXPECT_EQ(hearth_complete(nullptr, "Once", nullptr, nullptr, nullptr, nullptr), HEARTH_INVALID_ARGUMENT);
  hearth_free(engine);
}

}  // namespace
}  // namespace hearth
