// The cache in files: as clients save and restore it, and over the end of a server.
#include <gtest/gtest.h>

#include "tests/tools/serve/live_server.h"
#include "tools/serve/kept_caches.h"
#include "tools/serve/slot_routes.h"

namespace hearth::serve {
namespace {

// Longer than a page of the cache.
const std::string kLongPrompt(100, 'x');

class Slots : public testing::Test {
 protected:
  static HttpAnswer change(const LiveServer& server, const std::string& action, const std::string& body) {
    return post(server.port(), "/slots/0?action=" + action, body);
  }
  // How many tokens of the prompt were found in the cache.
  static int cached(const LiveServer& server, const std::string& prompt = kLongPrompt) {
    const Json body = {{"prompt", prompt}, {"max_tokens", 2}, {"temperature", 0}};
    const Json answer = post(server.port(), "/v1/completions", to_text(body)).json();
    return answer["usage"]["prompt_tokens_details"].value("cached_tokens", 0);
  }
  static void expect_error(const HttpAnswer& answer, int status, const std::string& what) {
    EXPECT_EQ(answer.status, status) << answer.body;
    EXPECT_NE(answer.body.find(what), std::string::npos) << answer.body;
    EXPECT_EQ(answer.json()["error"]["code"], status) << "as llama.cpp words errors";
  }
  std::function<void(ServerOptions&)> with_slots() {
    return [this](ServerOptions& options) { options.slot_folder = folder_.path(); };
  }
  std::function<void(ServerOptions&)> with_caches() {
    return [this](ServerOptions& options) { options.cache_folder = folder_.path(); };
  }

  TemporaryFolder folder_;
};

TEST_F(Slots, AreSavedAndRestoredByAnotherServer) {
  Json saved;
  {
    LiveServer server(with_slots());
    EXPECT_EQ(cached(server), 0);
    saved = change(server, "save", R"({"filename":"one.bin"})").json();
    EXPECT_EQ(saved["id_slot"], 0);
    EXPECT_EQ(saved["filename"], "one.bin");
    EXPECT_GT(saved["n_saved"], 100);
    EXPECT_EQ(saved["n_written"], std::filesystem::file_size(folder_.path() / "one.bin"));
    EXPECT_TRUE(saved["timings"]["save_ms"].is_number());
  }
  LiveServer server(with_slots());
  const Json restored = change(server, "restore", R"({"filename":"one.bin"})").json();
  EXPECT_EQ(restored["n_restored"], saved["n_saved"]);
  EXPECT_EQ(restored["n_read"], saved["n_written"]);
  EXPECT_TRUE(restored["timings"]["restore_ms"].is_number());
  EXPECT_GE(cached(server), 96);
  EXPECT_EQ(post(server.port(), "/slots/3?action=erase", "").json()["id_slot"], 3);
  EXPECT_EQ(cached(server), 0);
}

TEST_F(Slots, OnePromptOrConversationIsSavedAlone) {
  LiveServer server(with_slots());
  const std::string other(80, 'y');
  cached(server), cached(server, other);
  const Json saved = change(server, "save", to_text({{"filename", "y"}, {"prompt", other}})).json();
  EXPECT_GE(saved["n_saved"], 80);
  EXPECT_LE(saved["n_saved"], 82);
  const Json chat = {{"messages", {{{"role", "user"}, {"content", std::string(70, 'z')}}}}};
  EXPECT_EQ(post(server.port(), "/v1/chat/completions", to_text(chat)).status, 200);
  Json body = chat;
  body["filename"] = "z";
  EXPECT_GE(change(server, "save", to_text(body)).json()["n_saved"], 70);
  expect_error(change(server, "save", R"({"filename":"n","prompt":"never asked"})"), 400, "holds nothing of these");
  change(server, "erase", "{}");
  EXPECT_EQ(change(server, "restore", R"({"filename":"y"})").json()["n_restored"], saved["n_saved"]);
  EXPECT_EQ(cached(server), 0);
  EXPECT_GE(cached(server, other), 64);
}

TEST_F(Slots, OfEachModelAreItsOwn) {
  LiveServer server(with_slots());
  cached(server);
  expect_error(change(server, "save", R"({"filename":"a","model":"other"})"), 400, "holds nothing");
  EXPECT_EQ(change(server, "save", R"({"filename":"a","model":"scripted"})").status, 200);
  expect_error(change(server, "save", R"({"filename":"a","model":"nobody"})"), 404, "does not exist");
}

TEST_F(Slots, StayInTheirFolder) {
  LiveServer server(with_slots());
  cached(server);
  for (const char* name :
       {"../x", "/etc/passwd", "a/b", "..", ".", "", ".hidden", "a\\\\b", "a\\u0000b", "a\\nb", "x.partial"}) {
    const std::string body = R"({"filename":")" + std::string(name) + "\"}";
    expect_error(change(server, "save", body), 400, "plain file name");
    expect_error(change(server, "restore", body), 400, "plain file name");
  }
  expect_error(change(server, "save", R"({"filename":")" + std::string(300, 'x') + "\"}"), 400, "plain file name");
  EXPECT_TRUE(std::filesystem::is_empty(folder_.path()));
  EXPECT_EQ(change(server, "save", R"({"filename":"Ein Name, größer.bin"})").status, 200);
}

TEST_F(Slots, WhatCannotBeIsRefusedAndNamed) {
  LiveServer server(with_slots());
  expect_error(change(server, "restore", R"({"filename":"absent"})"), 400, "\"absent: cannot be opened");
  write_text(folder_.path() / "letter", "a letter to somebody");
  expect_error(change(server, "restore", R"({"filename":"letter"})"), 400, "letter: is no cache that Hearth wrote");
  cached(server);
  expect_error(change(server, "save", R"({"filename":"letter"})"), 400, "left as it is");
  EXPECT_EQ(text_of_file(folder_.path() / "letter"), "a letter to somebody");
  change(server, "save", R"({"filename":"cut"})");
  std::filesystem::resize_file(folder_.path() / "cut", 1000);
  const HttpAnswer cut = change(server, "restore", R"({"filename":"cut"})");
  expect_error(cut, 400, "cut: the file is ");
  EXPECT_EQ(cut.body.find(folder_.path().string()), std::string::npos) << "the server's folders are its own";
  EXPECT_GE(cached(server), 96) << "it goes on";
  expect_error(change(server, "save", "{}"), 400, "filename");
  expect_error(change(server, "dance", R"({"filename":"a"})"), 400, "action=save");
  expect_error(post(server.port(), "/slots/0", R"({"filename":"a"})"), 400, "action=save");
  expect_error(post(server.port(), "/slots/x?action=save", R"({"filename":"a"})"), 400, "must be a number");
  expect_error(post(server.port(), "/slots/99999999999?action=erase", "{}"), 400, "must be a number");
}

TEST_F(Slots, AFolderThatIsGoneIsNoFaultOfTheRequest) {
  const auto gone = folder_.path() / "gone";
  std::filesystem::create_directory(gone);
  LiveServer server([&](ServerOptions& options) { options.slot_folder = gone; });
  cached(server);
  std::filesystem::remove(gone);
  expect_error(change(server, "save", R"({"filename":"a"})"), 500, "a: ");
}

TEST_F(Slots, AreOffUnlessAFolderIsNamed) {
  LiveServer server;
  for (const char* action : {"save", "restore", "erase"})
    expect_error(change(server, action, R"({"filename":"a"})"), 501, "--slot-save-path");
  EXPECT_THROW(LiveServer([](ServerOptions& options) { options.slot_folder = "/no/such/folder"; }), Error);
  EXPECT_THROW(LiveServer([](ServerOptions& options) { options.cache_folder = "/no/such/folder"; }), Error);
}

TEST_F(Slots, CachesSurviveTheServer) {
  {
    LiveServer server(with_caches());
    EXPECT_EQ(cached(server), 0);
  }
  EXPECT_TRUE(std::filesystem::exists(folder_.path() / "scripted.cache"));
  EXPECT_FALSE(std::filesystem::exists(folder_.path() / "other.cache")) << "it was not loaded";
  {
    LiveServer server(with_caches());
    EXPECT_NE(server.log().find("scripted: restored "), std::string::npos) << server.log();
    EXPECT_GE(cached(server), 96);
  }
  LiveServer server(with_caches());
  EXPECT_GE(cached(server), 96) << "and again";
}

TEST_F(Slots, CachesSurviveUnloading) {
  LiveServer server([&](ServerOptions& options) {
    options.cache_folder = folder_.path();
    options.keep_alive_seconds = 1;
  });
  cached(server);
  ASSERT_TRUE(server.becomes("hearth_model_loaded{model=\"scripted\"}", 0));
  EXPECT_GE(cached(server), 96);
}

TEST_F(Slots, ACacheThatDoesNotFitIsToldAndReplaced) {
  {
    LiveServer server(with_caches());
    cached(server);
  }
  {
    LiveServer server([&](ServerOptions& options) {
      options.cache_folder = folder_.path();
      options.engine.cache_type = CacheType::f32;
    });
    EXPECT_NE(server.log().find("scripted: its cache begins empty: "), std::string::npos) << server.log();
    EXPECT_NE(server.log().find("a cache of the type f16"), std::string::npos) << server.log();
    EXPECT_EQ(cached(server), 0);
  }
  write_text(folder_.path() / "other.cache", "a letter");
  LiveServer server([&](ServerOptions& options) {
    options.cache_folder = folder_.path();
    options.engine.cache_type = CacheType::f32;
  });
  EXPECT_GE(cached(server), 96);
  const Json body = {{"prompt", kLongPrompt}, {"model", "other"}, {"max_tokens", 1}};
  EXPECT_EQ(post(server.port(), "/v1/completions", to_text(body)).status, 200);
  server.stop();
  server.join();
  EXPECT_EQ(text_of_file(folder_.path() / "other.cache"), "a letter");
}

TEST(KeptCaches, HaveFilesOfTheirOwn) {
  const KeptCaches caches{"/folder", {}};
  EXPECT_EQ(caches.file_of("coder"), "/folder/coder.cache");
  EXPECT_EQ(caches.file_of("hf.co/Qwen/X-GGUF:Q4_K_M"), "/folder/hf.co%2FQwen%2FX-GGUF%3AQ4_K_M.cache");
  EXPECT_EQ(caches.file_of("../%"), "/folder/%2E.%2F%25.cache");
}

}  // namespace
}  // namespace hearth::serve
