// The C interface on a model whose answers are known.
#include <gtest/gtest.h>

#include "hearth/hearth_c.h"
#include "tests/engine/model/adapter_file.h"
#include "tests/formats/gguf_bytes.h"
#include "tests/tools/serve/scripted_model.h"

namespace hearth {
namespace {

int append(const char* text, size_t size, void* user) {
  static_cast<std::string*>(user)->append(text, size);
  return 1;
}

class CInterface : public testing::Test {
 protected:
  void SetUp() override {
    const auto path = folder_.path() / "scripted.gguf";
    write_scripted_model(path);
    hearth_options options;
    hearth_default_options(&options);
    options.threads = 1;
    ASSERT_EQ(hearth_load(path.c_str(), &options, &engine_, &error_), HEARTH_OK) << error_.message;
    hearth_default_sampling(&sampling_);
  }
  void TearDown() override { hearth_free(engine_); }

  int complete(const char* prompt) {
    text_.clear();
    return hearth_complete(engine_, prompt, &sampling_, append, &text_, &error_);
  }
  int chat(const char* conversation) {
    text_.clear();
    return hearth_chat(engine_, conversation, &sampling_, append, &text_, &error_);
  }

  TemporaryFolder folder_;
  hearth_engine* engine_ = nullptr;
  hearth_sampling sampling_;
  hearth_error error_;
  std::string text_;
};

TEST_F(CInterface, AdaptersAreLoadedWithTheModel) {
  const auto model = folder_.path() / "scripted.gguf", file = folder_.path() / "adapter.gguf";
  RandomAdapter adapter = random_adapter(Gguf::open(model), 4, 1);
  adapter.alpha = 400;
  adapter.write(file);
  sampling_.temperature = 0;
  sampling_.max_tokens = 6;
  ASSERT_EQ(complete("x"), HEARTH_OK);
  const std::string plain = text_;
  for (const float scale : {0.5f, 0.0f}) {
    hearth_free(engine_);
    hearth_options options;
    hearth_default_options(&options);
    const char* const paths[] = {file.c_str()};
    options.adapters = paths;
    options.adapter_scales = &scale;
    options.adapter_count = 1;
    ASSERT_EQ(hearth_load(model.c_str(), &options, &engine_, &error_), HEARTH_OK) << error_.message;
    ASSERT_EQ(complete("x"), HEARTH_OK);
    EXPECT_EQ(text_ == plain, scale == 0);
  }
  hearth_options options;
  hearth_default_options(&options);
  options.adapter_count = 1;
  hearth_engine* none = nullptr;
  EXPECT_EQ(hearth_load(model.c_str(), &options, &none, &error_), HEARTH_INVALID_ARGUMENT);
  const char* const paths[] = {model.c_str()};
  options.adapters = paths;
  EXPECT_EQ(hearth_load(model.c_str(), &options, &none, &error_), HEARTH_BAD_MODEL);
  EXPECT_EQ(none, nullptr);
}

TEST_F(CInterface, LayersAreForGpusAlone) {
  const std::string model = HEARTH_SOURCE_DIR "/tests/data/models/spark.gguf";
  hearth_engine* none = nullptr;
  for (const int32_t layers : {-2, -1, 3}) {
    hearth_options options;
    hearth_default_options(&options);
    options.gpu_layers = layers;
    EXPECT_EQ(hearth_load(model.c_str(), &options, &none, &error_), HEARTH_INVALID_ARGUMENT) << layers;
  }
}

TEST_F(CInterface, GuessesChangeNoAnswer) {
  const auto model = folder_.path() / "scripted.gguf";
  sampling_.temperature = 0;
  ASSERT_EQ(complete("x"), HEARTH_OK);
  const std::string plain = text_;
  hearth_options options;
  hearth_default_options(&options);
  EXPECT_EQ(options.lookup, 0);
  EXPECT_EQ(options.draft, nullptr);
  options.lookup = 1;
  const auto copy = folder_.path() / "draft.gguf";
  std::filesystem::copy(model, copy);
  for (const char* draft : {static_cast<const char*>(nullptr), copy.c_str()}) {
    hearth_free(engine_);
    engine_ = nullptr;
    options.draft = draft;
    ASSERT_EQ(hearth_load(model.c_str(), &options, &engine_, &error_), HEARTH_OK) << error_.message;
    ASSERT_EQ(complete("x"), HEARTH_OK);
    EXPECT_EQ(text_, plain);
  }
  hearth_engine* none = nullptr;
  options.draft = "/no/such/draft.gguf";
  EXPECT_EQ(hearth_load(model.c_str(), &options, &none, &error_), HEARTH_BAD_MODEL);
  EXPECT_NE(std::string(error_.message).find("draft.gguf"), std::string::npos);
}

TEST_F(CInterface, CachesAreSavedAndLoaded) {
  const auto file = folder_.path() / "cache";
  sampling_.max_tokens = 3;
  EXPECT_EQ(hearth_save_cache(engine_, file.c_str(), nullptr, &error_), HEARTH_INVALID_ARGUMENT) << "it is empty";
  ASSERT_EQ(complete(std::string(100, 'x').c_str()), HEARTH_OK);
  uint64_t saved = 0, loaded = 0;
  ASSERT_EQ(hearth_save_cache(engine_, file.c_str(), &saved, &error_), HEARTH_OK) << error_.message;
  EXPECT_GE(saved, 100u);
  hearth_free(engine_);
  ASSERT_EQ(hearth_load((folder_.path() / "scripted.gguf").c_str(), nullptr, &engine_, &error_), HEARTH_OK);
  ASSERT_EQ(hearth_load_cache(engine_, file.c_str(), &loaded, &error_), HEARTH_OK) << error_.message;
  EXPECT_EQ(loaded, saved);
  EXPECT_EQ(hearth_load_cache(engine_, file.c_str(), nullptr, nullptr), HEARTH_OK) << "what is not wanted may be NULL";

  std::filesystem::resize_file(file, std::filesystem::file_size(file) - 1);
  EXPECT_EQ(hearth_load_cache(engine_, file.c_str(), nullptr, &error_), HEARTH_BAD_CACHE);
  write_text(file, "a letter");
  EXPECT_EQ(hearth_load_cache(engine_, file.c_str(), nullptr, &error_), HEARTH_OTHER_CACHE);
  EXPECT_EQ(hearth_save_cache(engine_, file.c_str(), nullptr, &error_), HEARTH_OTHER_CACHE);
  for (const auto call : {hearth_save_cache, hearth_load_cache}) {
    EXPECT_EQ(call(nullptr, file.c_str(), nullptr, &error_), HEARTH_INVALID_ARGUMENT);
    EXPECT_EQ(call(engine_, nullptr, nullptr, &error_), HEARTH_INVALID_ARGUMENT);
  }
}

TEST_F(CInterface, ChatsGoThroughTheTemplate) {
  EXPECT_EQ(chat(R"({"messages":[{"role":"user","content":"Hi"}]})"), HEARTH_OK) << error_.message;
  EXPECT_EQ(text_, "Greet with a comma");
  // Without the assistant's turn the text merely goes on.
  EXPECT_EQ(chat(R"({"messages":[{"role":"user","content":"Hi"}],"add_generation_prompt":false})"), HEARTH_OK);
  EXPECT_EQ(text_, " Hello, world!");
}

TEST_F(CInterface, ConversationsThatCannotBeAreRefused) {
  for (const char* wrong : {"", "{", R"({"messages":)"}) EXPECT_EQ(chat(wrong), HEARTH_BAD_TEMPLATE) << wrong;
  for (const char* wrong : {"[]", "7"}) EXPECT_EQ(chat(wrong), HEARTH_INVALID_ARGUMENT) << wrong;
  EXPECT_NE(error_.message[0], '\0');
  EXPECT_EQ(text_, "");
  EXPECT_EQ(hearth_chat(engine_, nullptr, nullptr, nullptr, nullptr, &error_), HEARTH_INVALID_ARGUMENT);
  EXPECT_EQ(hearth_chat(nullptr, "{}", nullptr, nullptr, nullptr, nullptr), HEARTH_INVALID_ARGUMENT);
}

TEST_F(CInterface, StopTextsEndAnAnswerAndMaySpanTokens) {
  const char* const stops[] = {"?", ", wor"};
  sampling_.stop = stops;
  sampling_.stop_count = 2;
  EXPECT_EQ(complete("x"), HEARTH_OK) << error_.message;
  EXPECT_EQ(text_, " Hello");
  EXPECT_EQ(chat(R"({"messages":[{"role":"user","content":"Hi"}]})"), HEARTH_OK);
  EXPECT_EQ(text_, "Greet with a comma");
  sampling_.stop_count = 1;
  EXPECT_EQ(complete("x"), HEARTH_OK);
  EXPECT_EQ(text_, " Hello, world!");
}

TEST_F(CInterface, StopTextsThatCannotBeAreRefused) {
  const char* const missing[] = {nullptr};
  const char* const empty[] = {"ok", ""};
  sampling_.stop_count = 1;
  EXPECT_EQ(complete("x"), HEARTH_INVALID_ARGUMENT);
  sampling_.stop = missing;
  EXPECT_EQ(complete("x"), HEARTH_INVALID_ARGUMENT);
  sampling_.stop = empty;
  sampling_.stop_count = 2;
  EXPECT_EQ(complete("x"), HEARTH_INVALID_ARGUMENT);
  EXPECT_EQ(text_, "");
}

}  // namespace
}  // namespace hearth
