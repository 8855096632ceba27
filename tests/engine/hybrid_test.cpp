// Models with linear attention, whose states cannot be cut: wherever an answer goes on from, it is the same.
#include <algorithm>
#include <future>

#include "hearth/hearth.h"
#include "tests/engine/greedy_request.h"
#include "tests/engine/same_result.h"
#include "tests/shared_data.h"

namespace hearth {
namespace {

Engine load_hybrid(const std::string& name, uint32_t parallel = 1) {
  EngineOptions options;
  options.parallel = parallel;
  options.context = 256;
  options.deterministic = true;  // rows of a step do not change each other's bits
  return Engine::load(shared_data("golden/models/" + name + ".gguf"), options);
}

Request asked(const std::string& prompt, uint32_t tokens = 12) {
  Request request = greedy(prompt, tokens);
  request.ignore_end = true;
  request.logprobs = 2;
  return request;
}

const std::string kBeginning = "A beginning that several prompts share, longer than a page of the cache by far. ";

class Hybrids : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override { HEARTH_REQUIRE_SHARED(shared_data(std::string("golden/models/") + GetParam() + ".gguf")); }
};

TEST_P(Hybrids, AnswersAreTheSameWhereverTheyGoOnFrom) {
  Engine engine = load_hybrid(GetParam());
  const std::string prompts[] = {kBeginning + "One.", kBeginning + "Two.", kBeginning + "Three.", kBeginning + "One."};
  std::vector<uint32_t> cached;
  for (const std::string& prompt : prompts) {
    const Result result = engine.generate(asked(prompt));
    cached.push_back(result.cached_tokens);
    expect_equal(result, load_hybrid(GetParam()).generate(asked(prompt)));
  }
  EXPECT_EQ(cached[0], 0u);
  EXPECT_EQ(cached[1], 0u) << "only now it is known what prompts share";
  EXPECT_GE(cached[2], 32u);
  EXPECT_GE(cached[3], 32u);
}

TEST_P(Hybrids, AConversationGoesOnWhereTheAnswerEnded) {
  Engine engine = load_hybrid(GetParam());
  std::vector<int32_t> tokens = engine.tokenize(kBeginning, false);
  for (int turn = 0; turn < 3; ++turn) {
    Request request = asked("");
    request.prompt = tokens;
    const Result result = engine.generate(request);
    if (turn > 0) EXPECT_GE(result.cached_tokens + 6, tokens.size()) << "all but what was not computed yet";
    expect_equal(result, load_hybrid(GetParam()).generate(request));
    for (const TokenLogprob& one : result.logprobs) tokens.push_back(one.id);
    tokens.insert(tokens.end(), {10, 20, 30, 40});
  }
}

TEST_P(Hybrids, ManyAtOnceGetWhatTheyWouldGetAlone) {
  Engine engine = load_hybrid(GetParam(), 3);
  std::vector<std::string> prompts;
  for (int i = 0; i < 9; ++i) prompts.push_back(kBeginning.substr(0, 20 + 7 * (i % 4)) + std::to_string(i % 5));
  std::vector<std::future<Result>> results;
  for (const std::string& prompt : prompts)
    results.push_back(std::async(std::launch::async, [&] { return engine.generate(asked(prompt)); }));
  Engine alone = load_hybrid(GetParam());
  for (size_t i = 0; i < prompts.size(); ++i) expect_equal(results[i].get(), alone.generate(asked(prompts[i])));
}

TEST_P(Hybrids, GuessesAreNotTried) {
  EngineOptions options;
  options.lookup = true;
  std::string told;
  options.on_log = [&](std::string_view line) { told += line; };
  Engine engine = Engine::load(shared_data(std::string("golden/models/") + GetParam() + ".gguf"), options);
  (void)engine.generate(asked(kBeginning + kBeginning));
  EXPECT_EQ(engine.statistics().guessed, 0u);
  EXPECT_NE(told.find("nothing is looked up"), std::string::npos) << told;
  options.draft = shared_data(std::string("golden/models/") + GetParam() + ".gguf");
  try {
    (void)Engine::load(options.draft, options);
    FAIL() << "a draft model was taken";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::invalid_argument);
    EXPECT_NE(std::string(error.what()).find("keeps states"), std::string::npos) << error.what();
  }
}

INSTANTIATE_TEST_SUITE_P(All, Hybrids, testing::Values("qwen3next", "qwen3next-fused", "qwen35", "qwen35moe"),
                         [](const auto& info) {
                           std::string name = info.param;
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

}  // namespace
}  // namespace hearth
