// Saving and restoring the cache by the public API: what is computed after it, and what is refused.
#include <sys/resource.h>

#include <csignal>
#include <fstream>
#include <future>
#include <nlohmann/json.hpp>

#include "hearth/hearth.h"
#include "tests/engine/greedy_request.h"
#include "tests/formats/gguf_bytes.h"
#include "tests/shared_data.h"

namespace hearth {
namespace {

struct Setting {
  const char* device = "cpu";
  CacheType type = CacheType::f16;
  bool deterministic = true;
  uint32_t context = 256, cache_tokens = 0;
};

Engine open_model(const std::filesystem::path& path, const Setting& setting = {}) {
  EngineOptions options;
  options.device = setting.device;
  options.cache_type = setting.type;
  options.deterministic = setting.deterministic;
  options.context = setting.context;
  options.cache_tokens = setting.cache_tokens;
  options.parallel = 2;
  options.chat_template = false;
  return Engine::load(path, options);
}

std::filesystem::path spark() { return shared_data("models/spark.gguf"); }

std::vector<int32_t> some_tokens(const Engine& engine, size_t count) {
  std::vector<int32_t> tokens;
  for (size_t i = 0; i < count; ++i)
    tokens.push_back(static_cast<int32_t>((i * i * 7 + 3 * i + 11) % engine.info().vocabulary));
  return tokens;
}

// One line that names the file.
Error error_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos) << error.what();
    return error;
  }
  ADD_FAILURE() << "was not refused";
  return {ErrorCode{}, ""};
}

// A prompt of tokens, and the answer's tokens with their likeliest rivals: any bit of a logit that differs shows.
Result answer_to(Engine& engine, const std::vector<int32_t>& tokens, uint32_t count = 6) {
  Request request;
  request.prompt = tokens;
  request.max_tokens = count;
  request.sampling.temperature = 0;
  request.ignore_end = true;
  request.logprobs = 20;
  return engine.generate(request);
}

void expect_same_bits(const Result& a, const Result& b) {
  ASSERT_EQ(a.logprobs.size(), b.logprobs.size());
  for (size_t i = 0; i < a.logprobs.size(); ++i) {
    EXPECT_EQ(a.logprobs[i].id, b.logprobs[i].id);
    EXPECT_EQ(a.logprobs[i].logprob, b.logprobs[i].logprob);
    ASSERT_EQ(a.logprobs[i].top.size(), b.logprobs[i].top.size());
    for (size_t j = 0; j < a.logprobs[i].top.size(); ++j) {
      EXPECT_EQ(a.logprobs[i].top[j].id, b.logprobs[i].top[j].id);
      EXPECT_EQ(a.logprobs[i].top[j].logprob, b.logprobs[i].top[j].logprob);
    }
  }
}

class SavedCache : public testing::Test {
 protected:
  TemporaryFolder folder_;
  std::filesystem::path file_ = folder_.path() / "cache";
};

// Rotations of all kinds, sliding windows, sinks, mixtures, latent vectors and tables of positions.
constexpr const char* kArchitectures[] = {"llama-gqa-rope-freqs",
                                          "llama-mha",
                                          "llama-moe",
                                          "llama-rope-yarn",
                                          "qwen2",
                                          "qwen3moe",
                                          "gemma2",
                                          "gemma3",
                                          "gemma3-rope-linear",
                                          "gpt-oss",
                                          "gpt-oss-mxfp4",
                                          "deepseek2",
                                          "deepseek2-mla",
                                          "phi3-longrope-long",
                                          "olmo2-swa",
                                          "gpt2",
                                          "falcon",
                                          "granitemoe"};

TEST_F(SavedCache, GoesOnWithTheSameBitsInEveryArchitecture) {
  size_t tried = 0;
  for (const char* name : kArchitectures) {
    const auto path = shared_data(std::filesystem::path("golden/models") / (std::string(name) + ".gguf"));
    if (!std::filesystem::exists(path)) continue;
    for (const CacheType type : {CacheType::f32, CacheType::f16, CacheType::q8_0}) {
      SCOPED_TRACE(name);
      const Setting setting{.type = type, .context = 192};
      std::optional<Engine> first;
      try {
        first.emplace(open_model(path, setting));
      } catch (const Error& error) {  // heads that are no multiples of 32
        EXPECT_EQ(type, CacheType::q8_0) << error.what();
        continue;
      }
      const std::vector<int32_t> tokens = some_tokens(*first, 130);
      const Result expected = answer_to(*first, tokens);
      const CacheContent saved = first->save_cache(file_);
      EXPECT_EQ(saved.tokens, 135u) << "all but the last token, which nobody computed";
      Engine second = open_model(path, setting);
      EXPECT_EQ(second.load_cache(file_).tokens, saved.tokens);
      const Result again = answer_to(second, tokens);
      EXPECT_EQ(again.cached_tokens, 129u);
      expect_same_bits(again, expected);
      ++tried;
    }
  }
  EXPECT_GE(tried, 12u);
}

TEST_F(SavedCache, StatesOfLinearAttentionAreSavedToo) {
  for (const char* name : {"qwen3next", "qwen35", "qwen35moe"}) {
    SCOPED_TRACE(name);
    const auto path = shared_data(std::filesystem::path("golden/models") / (std::string(name) + ".gguf"));
    HEARTH_REQUIRE_SHARED(path);
    Engine first = open_model(path, {.context = 192});
    const std::vector<int32_t> tokens = some_tokens(first, 130);
    const Result expected = answer_to(first, tokens);
    first.save_cache(file_);
    Engine second = open_model(path, {.context = 192});
    second.load_cache(file_);
    const Result again = answer_to(second, tokens);
    EXPECT_EQ(again.cached_tokens, 128u) << "whole pages";
    expect_same_bits(again, expected);
    std::vector<int32_t> longer = tokens;
    for (size_t i = 0; i + 1 < expected.logprobs.size(); ++i) longer.push_back(expected.logprobs[i].id);
    longer.insert(longer.end(), {1, 2, 3});
    Engine third = open_model(path, {.context = 192});
    third.load_cache(file_);
    const Result more = answer_to(third, longer);
    EXPECT_EQ(more.cached_tokens, 135u) << "all that was computed";
    expect_same_bits(more, answer_to(first, longer));
  }
}

TEST_F(SavedCache, GoesOnOnTheReferenceDevice) {
  const auto path = shared_data("golden/models/deepseek2-mla.gguf");
  HEARTH_REQUIRE_SHARED(path);
  for (const CacheType type : {CacheType::f32, CacheType::f16}) {
    const Setting setting{.device = "reference", .type = type};
    Engine first = open_model(path, setting), second = open_model(path, setting);
    const std::vector<int32_t> tokens = some_tokens(first, 70);
    const Result expected = answer_to(first, tokens, 2);
    first.save_cache(file_);
    second.load_cache(file_);
    const Result again = answer_to(second, tokens, 2);
    EXPECT_EQ(again.cached_tokens, 69u);
    expect_same_bits(again, expected);
  }
}

TEST_F(SavedCache, SavesATextWithItsAnswer) {
  HEARTH_REQUIRE_SHARED(spark());
  Engine first = open_model(spark()), second = open_model(spark());
  const std::string text = "import os\nimport sys\nimport json\nimport argparse\nfrom pathlib import Path\n\n\n";
  Request request = greedy(text + "def read_lines(path):\n    with open(path) as file:\n", 30);
  const Result answer = first.generate(request);
  first.generate(greedy("class Other:\n", 5));
  std::vector<int32_t> tokens = first.prompt_tokens(request);
  const size_t prompt = tokens.size();
  for (const int32_t id : first.tokenize(answer.text)) tokens.push_back(id);
  const CacheContent saved = first.save_cache(tokens, file_);
  EXPECT_GT(saved.tokens, prompt);
  EXPECT_EQ(second.load_cache(file_).tokens, saved.tokens);
  EXPECT_EQ(second.generate(greedy("class Other:\n", 5)).cached_tokens, 0u);
  const Result again = second.generate(request);
  EXPECT_EQ(again.text, answer.text);
  EXPECT_GE(again.cached_tokens, 32u);
  EXPECT_EQ(error_of([&] {
              first.save_cache(std::vector<int32_t>{1, 2, 3}, file_);
            }).code(),
            ErrorCode::invalid_argument);
}

TEST_F(SavedCache, AnEmptyCacheIsNotSaved) {
  HEARTH_REQUIRE_SHARED(spark());
  Engine engine = open_model(spark());
  write_text(file_, "");
  EXPECT_EQ(error_of([&] { engine.save_cache(file_); }).code(), ErrorCode::invalid_argument);
  engine.generate(greedy("import", 2));
  EXPECT_GT(engine.clear_cache(), 0u);
  EXPECT_EQ(engine.clear_cache(), 0u);
  EXPECT_EQ(error_of([&] { engine.save_cache(file_); }).code(), ErrorCode::invalid_argument);
  EXPECT_EQ(engine.generate(greedy("import", 2)).cached_tokens, 0u);
}

TEST_F(SavedCache, OfAnotherModelOrOptionsIsRefusedAndNothingChanges) {
  HEARTH_REQUIRE_SHARED(spark());
  Engine first = open_model(spark());
  const std::vector<int32_t> tokens = some_tokens(first, 60);
  const Result expected = answer_to(first, tokens);
  first.save_cache(file_);
  const auto refused = [&](const std::filesystem::path& model, const Setting& setting, const std::string& what) {
    Engine engine = open_model(model, setting);
    const Error error = error_of([&] { engine.load_cache(file_); });
    EXPECT_EQ(error.code(), ErrorCode::other_cache) << error.what();
    EXPECT_NE(std::string(error.what()).find(what), std::string::npos) << error.what();
    EXPECT_EQ(engine.statistics().cache_held, 0u);
    EXPECT_EQ(answer_to(engine, std::vector<int32_t>(40, 5), 2).cached_tokens, 0u);
  };
  refused(spark(), {.type = CacheType::q8_0}, "a cache of the type f16, but here is one of the type q8_0");
  refused(spark(), {.device = "reference"}, "the arithmetic of \"cpu ");
  refused(shared_data("golden/models/llama-mha.gguf"), {}, "was saved with another model");
  refused(shared_data("golden/models/qwen2.gguf"), {}, "was saved with another model");
  // Elsewhere, where no bits are promised, it serves.
  Engine other = open_model(spark(), {.device = "reference", .deterministic = false});
  EXPECT_GT(other.load_cache(file_).tokens, 0u);
  EXPECT_EQ(answer_to(other, tokens, 1).cached_tokens, 32u);
  other.save_cache(file_);
  EXPECT_NE(std::string(error_of([&] { first.load_cache(file_); }).what()).find("depend on what else was decoded"),
            std::string::npos);
}

TEST_F(SavedCache, ScaledPositionsMustBeThoseOfTheContext) {
  const auto path = shared_data("golden/models/phi3-longrope-long.gguf");
  HEARTH_REQUIRE_SHARED(path);
  Engine wide = open_model(path, {.context = 256}), narrow = open_model(path, {.context = 48});
  answer_to(wide, some_tokens(wide, 40), 2);
  wide.save_cache(file_);
  const Error error = error_of([&] { narrow.load_cache(file_); });
  EXPECT_EQ(error.code(), ErrorCode::other_cache);
  EXPECT_NE(std::string(error.what()).find("another scaling of positions"), std::string::npos) << error.what();
}

// A byte of a weight, a number of the metadata, a name.
TEST_F(SavedCache, ModelsThatDifferInLittleAreToldApart) {
  HEARTH_REQUIRE_SHARED(spark());
  std::string bytes = text_of_file(spark());
  const auto path = folder_.path() / "other.gguf";
  write_text(path, bytes);
  {
    Engine same = open_model(path), first = open_model(spark());
    answer_to(first, some_tokens(first, 40), 2);
    first.save_cache(file_);
    EXPECT_GT(same.load_cache(file_).tokens, 0u) << "it is called otherwise, and the same";
  }
  const Gguf file = Gguf::open(spark());
  const GgufTensor& norm = *file.find_tensor("output_norm.weight");
  const auto begin = reinterpret_cast<const char*>(norm.bytes.data());
  const size_t at = bytes.find(std::string(begin, norm.bytes.size()));
  ASSERT_NE(at, std::string::npos);
  bytes[at + norm.bytes.size() / 2] = static_cast<char>(bytes[at + norm.bytes.size() / 2] ^ 1);
  write_text(path, bytes);
  Engine other = open_model(path);
  EXPECT_EQ(error_of([&] { other.load_cache(file_); }).code(), ErrorCode::other_cache);
}

TEST_F(SavedCache, DamagedFilesChangeNothing) {
  HEARTH_REQUIRE_SHARED(spark());
  Engine first = open_model(spark()), second = open_model(spark());
  const std::vector<int32_t> tokens = some_tokens(first, 60);
  const Result expected = answer_to(first, tokens);
  first.save_cache(file_);
  const std::string good = text_of_file(file_);
  const auto refused = [&](const std::string& text) {
    write_text(file_, text);
    const Error error = error_of([&] { second.load_cache(file_); });
    EXPECT_EQ(error.code(), text.starts_with("HEARTHKV") ? ErrorCode::bad_cache : ErrorCode::other_cache);
    EXPECT_TRUE(std::string(error.what()).starts_with(file_.string() + ": ")) << error.what();
    EXPECT_EQ(second.statistics().cache_held, 0u);
  };
  for (size_t size = 0; size < good.size(); size += 1 + good.size() / 97) refused(good.substr(0, size));
  for (size_t at = 0; at < good.size(); at += 1 + good.size() / 97) {
    std::string text = good;
    text[at] = static_cast<char>(text[at] ^ 64);
    refused(text);
  }
  refused(text_of_file(spark()));
  std::filesystem::remove(file_);
  EXPECT_EQ(error_of([&] { second.load_cache(file_); }).code(), ErrorCode::bad_cache);
  EXPECT_EQ(error_of([&] { second.load_cache(folder_.path()); }).code(), ErrorCode::bad_cache);
  const Result without = answer_to(second, tokens);
  EXPECT_EQ(without.cached_tokens, 0u);
  expect_same_bits(without, expected);
}

TEST_F(SavedCache, ASmallerCacheTakesABeginning) {
  HEARTH_REQUIRE_SHARED(spark());
  Engine first = open_model(spark()), small = open_model(spark(), {.context = 64});
  const std::vector<int32_t> tokens = some_tokens(first, 200);
  answer_to(first, tokens);
  first.save_cache(file_);
  const CacheContent restored = small.load_cache(file_);
  EXPECT_EQ(restored.tokens, 128u) << "two sequences of 64";
  EXPECT_EQ(restored.left_out, 205u - 128u);
  EXPECT_EQ(answer_to(small, {tokens.begin(), tokens.begin() + 50}, 2).cached_tokens, 32u);
}

// A disk that is full, as far as a process can have one of its own.
TEST_F(SavedCache, WhereTheDiskIsFullTheOldFileStays) {
  HEARTH_REQUIRE_SHARED(spark());
  Engine engine = open_model(spark());
  const std::vector<int32_t> tokens = some_tokens(engine, 100);
  answer_to(engine, tokens);
  engine.save_cache(file_);
  const std::string before = text_of_file(file_);
  rlimit limit{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &limit), 0);
  const rlimit small{before.size() / 2, limit.rlim_max};
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
  const Error error = error_of([&] { engine.save_cache(file_); });
  setrlimit(RLIMIT_FSIZE, &limit);
  std::signal(SIGXFSZ, handler);
  EXPECT_EQ(error.code(), ErrorCode::bad_cache);
  EXPECT_NE(std::string(error.what()).find("cannot be written"), std::string::npos) << error.what();
  EXPECT_EQ(text_of_file(file_), before);
  EXPECT_FALSE(std::filesystem::exists(file_.native() + ".partial"));
}

TEST_F(SavedCache, SavingWhileAnotherRequestRunsDisturbsNobody) {
  HEARTH_REQUIRE_SHARED(spark());
  Engine engine = open_model(spark()), alone = open_model(spark());
  const std::vector<int32_t> tokens = some_tokens(engine, 50), other = some_tokens(engine, 90);
  const Result expected = answer_to(alone, tokens, 150);
  answer_to(engine, other, 2);
  auto running = std::async(std::launch::async, [&] { return answer_to(engine, tokens, 150); });
  for (int i = 0; i < 10; ++i) {
    engine.save_cache(file_);
    engine.load_cache(file_);
  }
  expect_same_bits(running.get(), expected);
  Engine second = open_model(spark());
  second.load_cache(file_);
  EXPECT_GE(answer_to(second, other, 2).cached_tokens, 64u);
}

TEST_F(SavedCache, IsNotForEncodersNorForCallbacks) {
  HEARTH_REQUIRE_SHARED(spark());
  Engine engine = open_model(spark());
  std::promise<ErrorCode> code;
  std::once_flag once;
  engine.start(greedy("import os\n", 2), [&](Event) {
    std::call_once(once, [&] { code.set_value(error_of([&] { engine.save_cache(file_); }).code()); });
  });
  EXPECT_EQ(code.get_future().get(), ErrorCode::invalid_argument);
  const auto bert = shared_data("golden/models/bert.gguf");
  HEARTH_REQUIRE_SHARED(bert);
  Engine encoder = Engine::load(bert);
  for (const auto& action : std::vector<std::function<void()>>{
           [&] { encoder.save_cache(file_); }, [&] { encoder.load_cache(file_); }, [&] { encoder.clear_cache(); }})
    EXPECT_EQ(error_of(action).code(), ErrorCode::invalid_argument);
}

}  // namespace
}  // namespace hearth
