// Adapters behind a live server: by the field lora, by name, as defaults, and side by side.
#include <gtest/gtest.h>

#include <thread>

#include "tests/engine/model/adapter_file.h"
#include "tests/tools/serve/live_server.h"

namespace hearth::serve {
namespace {

class ServerAdapters : public testing::Test {
 protected:
  // "tuned" is used unless a request says otherwise, "quiet" is not.
  void give_adapters(ServerOptions& options) {
    ModelSource& model = options.models.front();
    const Gguf file = Gguf::open(model.path);
    for (uint32_t i = 0; i < 2; ++i) {
      RandomAdapter adapter = random_adapter(file, 4, i + 1);
      adapter.alpha = 400;  // the model is very sure of what it says
      const auto path = folder_.path() / (std::to_string(i) + ".gguf");
      adapter.write(path);
      model.adapters.push_back({i == 0 ? "tuned" : "quiet", path, i == 0 ? 0.5f : 0.0f});
    }
    options.engine.deterministic = true;
    options.slot_folder = slots_.path();
  }
  HttpAnswer complete(const std::string& more) const {
    return post(server_.port(), "/v1/completions",
                R"({"prompt":"xyz and more of it, more than a page has","temperature":0,"max_tokens":6)" + more + "}");
  }
  std::string text(const std::string& more = "") const {
    const HttpAnswer answer = complete(more);
    EXPECT_EQ(answer.status, 200) << answer.body;
    return answer.json()["choices"][0]["text"].get<std::string>();
  }
  std::string refusal(const HttpAnswer& answer) const {
    EXPECT_EQ(answer.status, 400) << answer.body;
    return answer.json()["error"]["message"].get<std::string>();
  }

  TemporaryFolder folder_;
  TemporaryFolder slots_;
  LiveServer server_{[this](ServerOptions& options) { give_adapters(options); }};
};

TEST_F(ServerAdapters, AreUsedAsTheRequestSays) {
  const std::string plain = text(R"(,"lora":[])"), tuned = text(R"(,"lora":[{"id":0,"scale":0.5}])"),
                    quiet = text(R"(,"lora":[{"id":1,"scale":1.0}])");
  EXPECT_EQ(plain, " Hello, world!");
  EXPECT_NE(tuned, plain);
  EXPECT_NE(quiet, plain);
  EXPECT_NE(quiet, tuned);
  EXPECT_EQ(text(), tuned) << "what is said at start counts where the request says nothing";
  EXPECT_EQ(text(R"(,"model":"other")"), plain);
  EXPECT_EQ(text(R"(,"lora":[{"id":0}])"), plain) << "no scale is 0, as for llama.cpp";
  EXPECT_EQ(text(R"(,"model":"tuned")"), tuned);
  EXPECT_EQ(text(R"(,"model":"tuned:latest")"), tuned);
  EXPECT_EQ(text(R"(,"model":"quiet")"), quiet) << "by its name it is used alone, and not with 0";
  EXPECT_EQ(text(R"(,"model":"quiet","lora":[])"), plain);
  const Json named = complete(R"(,"model":"quiet")").json();
  EXPECT_EQ(named["model"], "quiet");
}

TEST_F(ServerAdapters, ArePartOfWhatASlotIsSavedOf) {
  const std::string body = R"({"filename":"one","prompt":"xyz and more of it, more than a page has")";
  const auto save = [&](const std::string& more) {
    return post(server_.port(), "/slots/0?action=save", body + more + "}");
  };
  text(R"(,"lora":[{"id":1,"scale":0.75}])");
  EXPECT_NE(refusal(save("")).find("holds nothing of these"), std::string::npos);
  EXPECT_NE(refusal(save(R"(,"lora":[])")).find("holds nothing of these"), std::string::npos);
  EXPECT_GT(save(R"(,"lora":[{"id":1,"scale":0.75}])").json()["n_saved"], 32);
  EXPECT_NE(refusal(save(R"(,"lora":[{"id":2,"scale":1}])")).find("'lora' names adapter 2"), std::string::npos);
  text(R"(,"model":"quiet")");
  EXPECT_GT(save(R"(,"model":"quiet")").json()["n_saved"], 32) << "an adapter's name";
}

TEST_F(ServerAdapters, EveryProtocolTakesThem) {
  const auto answer = [&](const std::string& path, const std::string& body) {
    const HttpAnswer found = post(server_.port(), path, body);
    EXPECT_EQ(found.status, 200) << path << found.body;
    EXPECT_EQ(found.header("X-Hearth-Ignored-Fields"), "") << path;
    return found.json();
  };
  const std::string chat = R"({"messages":[{"role":"user","content":"x"}],"max_tokens":4,"temperature":0,)";
  const std::string none = R"("lora":[]})", all = R"("lora":[{"id":0,"scale":0.5},{"id":1,"scale":0.5}]})";
  const auto content = [](const Json& json) { return to_text(json["choices"][0]["message"]["content"]); };
  EXPECT_EQ(content(answer("/v1/chat/completions", chat + none)), R"("Greet with a comma")");
  EXPECT_NE(content(answer("/v1/chat/completions", chat + all)), R"("Greet with a comma")");
  const std::string raw = R"({"prompt":"x","n_predict":4,"temperature":0,)";
  EXPECT_NE(answer("/completion", raw + none)["content"], answer("/completion", raw + all)["content"]);
  const std::string gap = R"({"input_prefix":"x","input_suffix":"y","n_predict":4,"temperature":0,)";
  EXPECT_NE(answer("/infill", gap + none)["content"], answer("/infill", gap + all)["content"]);
  const std::string input = R"({"input":"x","max_output_tokens":16,"temperature":0,)";
  EXPECT_NE(answer("/v1/responses", input + none)["output"][0]["content"][0]["text"],
            answer("/v1/responses", input + all)["output"][0]["content"][0]["text"]);
  const std::string message = R"({"model":"scripted",)" + chat.substr(1);
  EXPECT_NE(answer("/v1/messages", message + none)["content"], answer("/v1/messages", message + all)["content"]);
  const std::string generate =
      R"({"model":"MODEL","prompt":"x","stream":false,"options":{"temperature":0,"num_predict":4}})";
  const auto named = [&](const std::string& name) {
    return answer("/api/generate", std::string(generate).replace(generate.find("MODEL"), 5, name))["response"];
  };
  EXPECT_NE(named("quiet"), named("other"));
}

TEST_F(ServerAdapters, AreListedAndScaledAsLlamaCppDoes) {
  const Json list = get(server_.port(), "/lora-adapters").json();
  ASSERT_EQ(list.size(), 2u);
  EXPECT_EQ(list[0]["id"], 0);
  EXPECT_EQ(list[0]["name"], "tuned");
  EXPECT_EQ(list[0]["path"], (folder_.path() / "0.gguf").string());
  EXPECT_EQ(list[0]["scale"], 0.5);
  EXPECT_EQ(list[1]["scale"], 0.0);
  EXPECT_EQ(get(server_.port(), "/lora-adapters?model=other").json(), Json::array());
  EXPECT_EQ(get(server_.port(), "/lora-adapters?model=nobody").status, 404);

  const std::string quiet = text(R"(,"lora":[{"id":1,"scale":0.5}])"), tuned = text();
  const HttpAnswer set = post(server_.port(), "/lora-adapters", R"([{"id":1,"scale":0.5}])");
  EXPECT_EQ(set.status, 200);
  EXPECT_EQ(set.json()["success"], true);
  EXPECT_EQ(get(server_.port(), "/lora-adapters").json()[0]["scale"], 0.0);
  EXPECT_EQ(text(), quiet);
  EXPECT_EQ(text(R"(,"model":"tuned")"), tuned) << "a name stands for the scale that was given with it";
  post(server_.port(), "/lora-adapters", "[]");
  EXPECT_EQ(text(), " Hello, world!");
}

TEST_F(ServerAdapters, AreListedAmongTheModels) {
  const Json models = get(server_.port(), "/v1/models").json()["data"];
  std::vector<std::string> names;
  for (const Json& model : models) names.push_back(model["id"]);
  EXPECT_EQ(names, (std::vector<std::string>{"scripted", "other", "tuned", "quiet"}));
  EXPECT_EQ(models[2]["parent"], "scripted");
  EXPECT_EQ(get(server_.port(), "/v1/models/quiet").json()["parent"], "scripted");
  EXPECT_NE(get(server_.port(), "/api/tags").body.find("\"quiet:latest\""), std::string::npos);
  const HttpAnswer shown = post(server_.port(), "/api/show", R"({"model":"tuned"})");
  EXPECT_EQ(shown.json()["details"]["parent_model"], "scripted") << shown.body;
}

TEST_F(ServerAdapters, WhatCannotBeIsRefused) {
  EXPECT_EQ(refusal(complete(R"(,"lora":{"id":0})")), "'lora' must be an array of objects with id and scale");
  EXPECT_EQ(refusal(complete(R"(,"lora":[7])")), "'lora[0]' must be an object");
  EXPECT_EQ(refusal(complete(R"(,"lora":[{"scale":1}])")), "'lora[0].id' is missing");
  EXPECT_EQ(refusal(complete(R"(,"lora":[{"id":-1,"scale":1}])")),
            "'lora[0].id' must be an integer from 0 to 2147483647");
  EXPECT_EQ(refusal(complete(R"(,"lora":[{"id":0,"scale":"much"}])")),
            "'lora[0].scale' must be a number from -1000000 to 1000000");
  EXPECT_EQ(refusal(complete(R"(,"lora":[{"id":2,"scale":1}])")), "'lora' names adapter 2, but the model has 2");
  EXPECT_EQ(refusal(complete(R"(,"model":"other","lora":[{"id":0,"scale":1}])")),
            "'lora' names adapter 0, but the model has 0");
  for (const char* body : {"{}", "7", R"([{"id":2,"scale":1}])", R"([{"id":0,"scale":"x"}])", "[", ""})
    EXPECT_EQ(post(server_.port(), "/lora-adapters", body).status, 400) << body;
  EXPECT_EQ(get(server_.port(), "/lora-adapters").json()[0]["scale"], 0.5) << "what is refused changes nothing";
}

TEST_F(ServerAdapters, ClientsWithDifferentOnesGetWhatTheyWouldGetAlone) {
  const std::vector<std::string> all = {R"(,"lora":[])", R"(,"lora":[{"id":0,"scale":0.5}])",
                                        R"(,"lora":[{"id":0,"scale":0.25}])", R"(,"lora":[{"id":1,"scale":1}])"};
  std::vector<std::string> alone, together(all.size());
  for (const std::string& lora : all) {
    const LiveServer fresh([this](ServerOptions& options) { give_adapters(options); });
    alone.push_back(
        post(fresh.port(), "/v1/completions",
             R"({"prompt":"xyz and more of it, more than a page has","temperature":0,"max_tokens":6)" + lora + "}")
            .json()["choices"][0]["text"]);
  }
  for (int round = 0; round < 3; ++round) {
    std::vector<std::thread> clients;
    for (size_t i = 0; i < all.size(); ++i) clients.emplace_back([&, i] { together[i] = text(all[i]); });
    for (std::thread& client : clients) client.join();
    EXPECT_EQ(together, alone);
  }
}

TEST(ServerAdapter, OfAnotherModelIsAnErrorAtStart) {
  const TemporaryFolder folder;
  try {
    const LiveServer server([&](ServerOptions& options) {
      RandomAdapter adapter = random_adapter(Gguf::open(options.models[0].path), 4, 1);
      adapter.architecture = "qwen2";
      adapter.write(folder.path() / "a.gguf");
      options.models[1].adapters.push_back({"a", folder.path() / "a.gguf", 1});
    });
    FAIL() << "it was started";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("is for models of the architecture \"qwen2\""), std::string::npos)
        << error.what();
  }
}

}  // namespace
}  // namespace hearth::serve
