// Speculation changes the steps that an answer takes, and nothing else.
#include <future>

#include "hearth/hearth.h"
#include "tests/engine/greedy_request.h"
#include "tests/engine/same_result.h"
#include "tests/shared_data.h"

namespace hearth {
namespace {

const char* const kPrompt = "import os\nimport sys\n\ndef main():\n    import os\n    import";

Engine load(bool lookup, bool draft, uint32_t parallel = 1) {
  EngineOptions options;
  options.parallel = parallel;
  options.context = 512;
  options.deterministic = true;  // rows of a step do not change each other's bits
  options.lookup = lookup;
  if (draft) options.draft = shared_data("models/spark.gguf");
  return Engine::load(shared_data("models/spark.gguf"), options);
}

Request drawn(uint32_t seed) {
  Request request = greedy(kPrompt, 60);
  request.sampling.temperature = 0.8f;
  request.sampling.repeat_penalty = 1.1f;
  request.sampling.seed = seed;
  request.logprobs = 2;
  return request;
}

TEST(Speculation, AnswersAreTheSameToTheLastBit) {
  HEARTH_REQUIRE_SHARED(shared_data("models/spark.gguf"));
  Engine plain = load(false, false);
  uint64_t guessed = 0;
  for (const auto& [lookup, draft] : {std::pair(true, false), {false, true}, {true, true}}) {
    Engine engine = load(lookup, draft);
    expect_equal(engine.generate(greedy(kPrompt, 200)), plain.generate(greedy(kPrompt, 200)));
    for (const uint32_t seed : {1u, 2u, 3u}) expect_equal(engine.generate(drawn(seed)), plain.generate(drawn(seed)));
    Request format = greedy(kPrompt, 60);
    format.constraint = JsonSchema{R"({"type": "array", "items": {"enum": ["one", "two"]}, "maxItems": 9})"};
    expect_equal(engine.generate(format), plain.generate(format));
    Request stopped = greedy(kPrompt, 200);
    stopped.stop = {"\n\n"};
    expect_equal(engine.generate(stopped), plain.generate(stopped));
    guessed += engine.statistics().guessed;
  }
  EXPECT_GT(guessed, 0u) << "nothing was tried";
}

// Of guessed rows, too, sampling gets no more logits than it needs, which are as many more as guesses may be weakened.
TEST(Speculation, TheLargestLogitsGiveTheTextThatAllOfThemGive) {
  HEARTH_REQUIRE_SHARED(shared_data("models/spark.gguf"));
  Engine plain = load(false, false), engine = load(true, true);
  for (const Request& request : sampled_requests(kPrompt, 60)) {
    Request all = request;
    all.logprobs = 0;
    EXPECT_EQ(engine.generate(request).text, plain.generate(all).text);
  }
  EXPECT_GT(engine.statistics().guessed, 0u) << "nothing was tried";
}

TEST(Speculation, ManyAtOnceGetWhatTheyWouldGetAlone) {
  HEARTH_REQUIRE_SHARED(shared_data("models/spark.gguf"));
  Engine plain = load(false, false), engine = load(true, true, 4);
  std::vector<std::future<Result>> results;
  for (uint32_t seed = 0; seed < 5; ++seed)
    results.push_back(std::async(std::launch::async, [&, seed] { return engine.generate(drawn(seed)); }));
  for (uint32_t seed = 0; seed < 5; ++seed) expect_equal(results[seed].get(), plain.generate(drawn(seed)));
}

TEST(Speculation, AnAnswerFillsItsContextAndNoMore) {
  HEARTH_REQUIRE_SHARED(shared_data("models/spark.gguf"));
  Engine engine = load(true, true);
  Request endless = greedy(kPrompt, UINT32_MAX);
  endless.ignore_end = true;
  const Result result = engine.generate(endless);
  EXPECT_EQ(result.reason, FinishReason::context_full);
  EXPECT_EQ(result.prompt_tokens + result.generated_tokens, 512u);
}

TEST(Speculation, ADraftModelWithAnotherVocabularyIsRefused) {
  HEARTH_REQUIRE_SHARED(shared_data("models/stories260K.gguf"));
  EngineOptions options;
  options.draft = shared_data("models/stories260K.gguf");
  try {
    Engine::load(shared_data("models/spark.gguf"), options);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::invalid_argument);
    EXPECT_NE(std::string(error.what()).find("vocabulary"), std::string::npos) << error.what();
  }
}

}  // namespace
}  // namespace hearth
