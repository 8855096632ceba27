// The public API used by many callers at once, and what a request may ask for besides text.
#include <chrono>
#include <cmath>
#include <future>
#include <limits>
#include <thread>

#include "hearth/hearth.h"
#include "tests/engine/greedy_request.h"
#include "tests/shared_data.h"

namespace hearth {
namespace {

Engine load(uint32_t parallel, const char* device = "reference") {
  EngineOptions options;
  options.device = device;
  options.parallel = parallel;
  options.context = 256;
  return Engine::load(shared_data("models/spark.gguf"), options);
}

// On the reference device a row is computed the same way whatever else is in the batch, so texts must be equal.
TEST(Batching, ManyCallersGetWhatTheyWouldGetAlone) {
  HEARTH_REQUIRE_SHARED(shared_data("models/spark.gguf"));
  Engine engine = load(3);
  const std::vector<std::string> prompts = {"import os\n", "class A:", "import os\nimport", "x ="};
  std::vector<std::future<Result>> results;
  for (const std::string& prompt : prompts)
    results.push_back(std::async(std::launch::async, [&] { return engine.generate(greedy(prompt, 8)); }));
  Engine alone = load(1);
  for (size_t i = 0; i < prompts.size(); ++i)
    EXPECT_EQ(results[i].get().text, alone.generate(greedy(prompts[i], 8)).text) << prompts[i];
  const Statistics statistics = engine.statistics();
  EXPECT_EQ(statistics.generated_tokens, 8 * prompts.size());
  EXPECT_EQ(statistics.running, 0u);
  EXPECT_LT(statistics.steps, 9 * prompts.size());  // some steps had several
}

TEST(Batching, StartTellsPiecesAndAnEnd) {
  HEARTH_REQUIRE_SHARED(shared_data("models/spark.gguf"));
  Engine engine = load(2, "cpu");
  std::promise<Result> done;
  std::string text;
  engine.start(greedy("import os\n", 16), [&](Event event) {
    text += event.text;
    if (event.result) done.set_value(*event.result);
  });
  EXPECT_EQ(done.get_future().get().text, text);
}

TEST(Batching, CancellingEndsAnAnswerThatOthersWaitBehind) {
  HEARTH_REQUIRE_SHARED(shared_data("models/spark.gguf"));
  Engine engine = load(1, "cpu");
  std::promise<Result> first, second;
  Request endless = greedy("import os\n", 200);
  endless.ignore_end = true;
  std::promise<void> begun;
  std::once_flag once;
  Running running = engine.start(endless, [&](Event event) {
    std::call_once(once, [&] { begun.set_value(); });
    if (event.result) first.set_value(*event.result);
  });
  engine.start(greedy("x =", 3), [&](Event event) {
    if (event.result) second.set_value(*event.result);
  });
  begun.get_future().get();
  running.cancel();
  EXPECT_EQ(first.get_future().get().reason, FinishReason::cancelled);
  EXPECT_EQ(second.get_future().get().generated_tokens, 3u);
}

TEST(Batching, TooManyWaitingRequestsAreRefused) {
  HEARTH_REQUIRE_SHARED(shared_data("models/spark.gguf"));
  EngineOptions options;
  options.most_waiting = 0;
  Engine engine = Engine::load(shared_data("models/spark.gguf"), options);
  std::promise<Result> first;
  engine.start(greedy("import", 200), [&](Event event) {
    if (event.result) first.set_value(*event.result);
  });
  try {
    engine.generate(greedy("x", 1));
    FAIL() << "was not refused";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::busy);
  }
  EXPECT_GT(first.get_future().get().generated_tokens, 0u);  // one that finds a place does not wait
}

TEST(Batching, AnEngineThatGoesEndsItsRequests) {
  HEARTH_REQUIRE_SHARED(shared_data("models/spark.gguf"));
  int ends = 0;
  {
    Engine engine = load(2, "cpu");
    for (int i = 0; i < 5; ++i)
      engine.start(greedy("import", 200), [&](Event event) { ends += event.result || event.error ? 1 : 0; });
  }
  EXPECT_EQ(ends, 5);
}

TEST(Batching, WhatCallbacksThrowHarmsNobodyElse) {
  HEARTH_REQUIRE_SHARED(shared_data("models/spark.gguf"));
  EngineOptions options;
  options.parallel = 3;
  options.context = 256;
  options.on_log = [](std::string_view) { throw std::runtime_error("log"); };
  Engine engine = Engine::load(shared_data("models/spark.gguf"), options);
  const std::string expected = engine.generate(greedy("import os\n", 8)).text;
  for (int i = 0; i < 10; ++i)
    EXPECT_THROW(
        engine.generate(greedy("import os\n", 100), [](std::string_view) -> bool { throw std::range_error("mine"); }),
        std::range_error);
  Request failing = greedy("import os\n", 100);
  failing.cancelled = []() -> bool { throw std::runtime_error("mine"); };
  EXPECT_THROW(engine.generate(failing), Error);
  std::promise<void> called;
  std::once_flag once;
  engine.start(greedy("x = 1\n", 8), [&](Event) {
    std::call_once(once, [&] { called.set_value(); });
    throw std::runtime_error("event");
  });
  called.get_future().get();
  EXPECT_EQ(engine.generate(greedy("import os\n", 8)).text, expected);
  EXPECT_THROW(engine.start(greedy("x", 1), {}), Error);
}

TEST(Batching, ACallbackThatWaitsForTheEngineIsRefused) {
  HEARTH_REQUIRE_SHARED(shared_data("models/spark.gguf"));
  Engine engine = load(1, "cpu");
  std::promise<ErrorCode> code;
  std::once_flag once;
  engine.start(greedy("import os\n", 2), [&](Event) {
    std::call_once(once, [&] {
      try {
        engine.generate(greedy("x", 1));
        code.set_value(ErrorCode{});
      } catch (const Error& error) {
        code.set_value(error.code());
      }
    });
  });
  EXPECT_EQ(code.get_future().get(), ErrorCode::invalid_argument);
}

// The cache holds one of the two alone.
TEST(Batching, LogitsOfATaskThatWasSetBackAreComplete) {
  HEARTH_REQUIRE_SHARED(shared_data("models/spark.gguf"));
  EngineOptions options;
  options.parallel = 2;
  options.context = options.cache_tokens = 512;
  Engine engine = Engine::load(shared_data("models/spark.gguf"), options);
  Request long_answer = greedy("import os\n", 400);
  long_answer.ignore_end = true;
  std::promise<void> begun, ended;
  std::once_flag once;
  engine.start(long_answer, [&](Event event) {
    std::call_once(once, [&] { begun.set_value(); });
    if (event.result || event.error) ended.set_value();
  });
  begun.get_future().get();
  std::vector<int32_t> ids(400, 5);
  std::vector<uint32_t> positions(400);
  for (uint32_t i = 0; i < 400; ++i) positions[i] = i;
  EXPECT_EQ(engine.logits(ids, positions).size(), 400u);
  ended.get_future().get();
}

TEST(Batching, AnEmbeddingThatWasCutOffIsAnError) {
  HEARTH_REQUIRE_SHARED(shared_data("models/spark.gguf"));
  std::optional<Embedding> embedding;
  {
    EngineOptions options;
    options.embeddings = true;
    options.context = 8192;
    Engine engine = Engine::load(shared_data("models/spark.gguf"), options);
    const std::vector<int32_t> ids(8000, 5);  // sixteen steps
    engine.start_embedding(ids, Pooling::mean, [&](Embedding made) { embedding = std::move(made); });
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  ASSERT_TRUE(embedding);
  EXPECT_TRUE(embedding->error) << "a vector of " << embedding->values.size();
}

TEST(Requests, ARequestMayHaveASmallerContext) {
  HEARTH_REQUIRE_SHARED(shared_data("models/spark.gguf"));
  Engine engine = load(1, "cpu");
  Request request = greedy("import os\nimport sys\n", 100);
  request.ignore_end = true;
  request.context = 16;
  const Result result = engine.generate(request);
  EXPECT_EQ(result.reason, FinishReason::context_full);
  EXPECT_EQ(result.prompt_tokens + result.generated_tokens, 16u);
}

TEST(Requests, LogprobsAreThoseOfTheLogits) {
  HEARTH_REQUIRE_SHARED(shared_data("models/spark.gguf"));
  Engine engine = load(1);
  Request request = greedy("import os\n", 3);
  request.logprobs = 4;
  request.prompt_logprobs = true;
  const Result result = engine.generate(request);
  ASSERT_EQ(result.logprobs.size(), 3u);
  std::vector<int32_t> ids = engine.prompt_tokens(request);
  ASSERT_EQ(result.prompt_logprobs.size(), ids.size() - 1);
  const uint32_t last[] = {static_cast<uint32_t>(ids.size()) - 1};
  const std::vector<float> logits = engine.logits(ids, last)[0];
  double sum = 0;
  for (const float logit : logits) sum += std::exp(double{logit});
  const TokenLogprob& first = result.logprobs[0];
  EXPECT_NEAR(first.logprob, double{logits[static_cast<size_t>(first.id)]} - std::log(sum), 1e-5);
  ASSERT_EQ(first.top.size(), 4u);
  EXPECT_EQ(first.top[0].id, first.id);  // greedy
  EXPECT_GE(first.top[0].logprob, first.top[1].logprob);
  std::string bytes;
  for (const TokenLogprob& token : result.logprobs) bytes += token.bytes;
  EXPECT_EQ(bytes, result.text);
}

TEST(Requests, BiasesForbidAndForceTokens) {
  HEARTH_REQUIRE_SHARED(shared_data("models/spark.gguf"));
  Engine engine = load(1, "cpu");
  Request request = greedy("import os\n", 1);
  request.logprobs = 0;
  const int32_t likeliest = engine.generate(request).logprobs[0].id;
  request.sampling.logit_bias = {{likeliest, -std::numeric_limits<float>::infinity()}};
  EXPECT_NE(engine.generate(request).logprobs[0].id, likeliest);
  request.sampling.logit_bias = {{77, 1000.0f}};
  EXPECT_EQ(engine.generate(request).logprobs[0].id, 77);
  for (const float temperature : {0.0f, 1.0f}) {
    request.sampling.temperature = temperature;
    request.sampling.logit_bias = {{5, 3e38f}, {5, 3e38f}};  // infinity together
    EXPECT_EQ(engine.generate(request).logprobs[0].id, 5);
    request.sampling.logit_bias.clear();
    for (int32_t id = 0; id < static_cast<int32_t>(engine.info().vocabulary); ++id)
      request.sampling.logit_bias.emplace_back(id, -std::numeric_limits<float>::infinity());
    EXPECT_THROW(engine.generate(request), Error);
  }
}

TEST(Requests, AGapIsFilledBetweenItsTwoTexts) {
  HEARTH_REQUIRE_SHARED(shared_data("models/spark.gguf"));
  Engine engine = load(1, "cpu");
  EXPECT_TRUE(engine.info().has_infill);
  Request request = greedy("", 8);
  request.prompt = Infill{"def add(a, b):\n    return ", "\n", {}, ""};
  const std::vector<int32_t> ids = engine.prompt_tokens(request);
  EXPECT_NE(engine.detokenize(ids, true).find("fim_middle"), std::string::npos) << engine.detokenize(ids, true);
  EXPECT_GT(engine.generate(request).prompt_tokens, 10u);
}

TEST(Requests, EmbeddingsAreUnitVectorsThatKnowLikeFromUnlike) {
  HEARTH_REQUIRE_SHARED(shared_data("models/spark.gguf"));
  const auto dot = [](const std::vector<float>& a, const std::vector<float>& b) {
    double sum = 0;
    for (size_t i = 0; i < a.size(); ++i) sum += double{a[i]} * double{b[i]};
    return sum;
  };
  EngineOptions options;
  options.embeddings = true;
  Engine engine = Engine::load(shared_data("models/spark.gguf"), options);
  options.device = "reference";
  Engine exact = Engine::load(shared_data("models/spark.gguf"), options);
  for (const Pooling pooling : {Pooling::mean, Pooling::last}) {
    const auto embed = [&](Engine& from, const char* text) { return from.embed(from.tokenize(text), pooling); };
    const std::vector<float> one = embed(engine, "def read_lines(path):"), two = embed(engine, "def read_line(path):"),
                             other = embed(engine, "\"\"\"A long comment about nothing.\"\"\"");
    ASSERT_EQ(one.size(), engine.info().embedding_width);
    EXPECT_NEAR(dot(one, one), 1, 1e-5);
    EXPECT_GT(dot(one, two), dot(one, other));
    // Q8_0 weights times rounded activations: a part in a thousand of the direction.
    EXPECT_NEAR(dot(one, embed(exact, "def read_lines(path):")), 1, 1e-3);
  }
  try {
    Engine plain = load(1, "cpu");
    plain.embed(plain.tokenize("x"));
    FAIL() << "was not refused";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::invalid_argument);
  }
}

TEST(Requests, NoTokensMayBeAskedFor) {
  HEARTH_REQUIRE_SHARED(shared_data("models/spark.gguf"));
  Engine engine = load(1, "cpu");
  const Result result = engine.generate(greedy("import", 0));
  EXPECT_EQ(result.text, "");
  EXPECT_EQ(result.reason, FinishReason::max_tokens);
}

}  // namespace
}  // namespace hearth
