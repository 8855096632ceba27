// Endpoints of all protocols of a live server: what they have in common, and what only a server can show.
#include <gtest/gtest.h>
#include <zstd.h>

#include <set>

#include "tests/tools/serve/fake_provider.h"
#include "tests/tools/serve/live_server.h"

namespace hearth::serve {
namespace {

struct Endpoint {
  const char* path;
  const char* body;
  Json (*message)(const Json& error);  // of an error in the protocol's shape
};

Json openai_message(const Json& body) { return body["error"].contains("param") ? body["error"]["message"] : Json(); }
Json anthropic_message(const Json& body) { return body["type"] == "error" ? body["error"]["message"] : Json(); }
Json ollama_message(const Json& body) { return body["error"]; }
Json llama_message(const Json& body) { return body["error"].contains("param") ? Json() : body["error"]["message"]; }

constexpr Endpoint kEndpoints[] = {
    {"/v1/chat/completions", R"("messages":[{"role":"user","content":"x"}])", openai_message},
    {"/v1/completions", R"("prompt":"x")", openai_message},
    {"/v1/fim/completions", R"("prompt":"x","suffix":"y")", openai_message},
    {"/v1/messages", R"("max_tokens":9,"messages":[{"role":"user","content":"x"}])", anthropic_message},
    {"/v1/messages/count_tokens", R"("messages":[{"role":"user","content":"x"}])", anthropic_message},
    {"/v1/responses", R"("input":"x")", openai_message},
    {"/v1/responses/input_tokens", R"("input":"x")", openai_message},
    {"/v1/chat/completions/input_tokens", R"("messages":[{"role":"user","content":"x"}])", openai_message},
    {"/api/chat", R"("stream":false,"messages":[{"role":"user","content":"x"}])", ollama_message},
    {"/api/generate", R"("stream":false,"prompt":"x")", ollama_message},
    {"/infill", R"("input_prefix":"x","input_suffix":"y")", llama_message},
    {"/completion", R"("prompt":"x")", llama_message},
    {"/completions", R"("prompt":"x")", llama_message},
};

class Protocols : public testing::Test {
 protected:
  static void SetUpTestSuite() { server_ = new LiveServer; }
  static void TearDownTestSuite() { delete server_; }
  static uint16_t port() { return server_->port(); }
  static std::string body_of(const Endpoint& endpoint, const std::string& more = "") {
    return std::string("{") + endpoint.body + more + "}";
  }
  static LiveServer* server_;
};
LiveServer* Protocols::server_ = nullptr;

TEST_F(Protocols, AllAnswer) {
  for (const Endpoint& endpoint : kEndpoints) {
    const HttpAnswer answer = post(port(), endpoint.path, body_of(endpoint));
    EXPECT_EQ(answer.status, 200) << endpoint.path << answer.body;
    EXPECT_EQ(answer.header("X-Hearth-Served-By"), "local");
  }
}

TEST_F(Protocols, ErrorsAreInTheirShapes) {
  for (const Endpoint& endpoint : kEndpoints) {
    SCOPED_TRACE(endpoint.path);
    for (const std::string& body : {std::string("{"), body_of(endpoint, R"(,"model":7)")}) {
      const HttpAnswer answer = post(port(), endpoint.path, body);
      EXPECT_EQ(answer.status, 400);
      EXPECT_TRUE(endpoint.message(answer.json()).is_string()) << answer.body;
    }
    const HttpAnswer unknown = post(port(), endpoint.path, body_of(endpoint, R"(,"model":"nope")"));
    EXPECT_EQ(unknown.status, 404);
    EXPECT_NE(endpoint.message(unknown.json()).get<std::string>().find("nope"), std::string::npos) << unknown.body;
    const HttpAnswer wrong = get(port(), endpoint.path);
    EXPECT_EQ(wrong.status, endpoint.path == std::string("/v1/responses/input_tokens") ? 404 : 405);
    EXPECT_TRUE(endpoint.message(wrong.json()).is_string()) << wrong.body;
  }
}

TEST_F(Protocols, AllAreGuarded) {
  for (const Endpoint& endpoint : kEndpoints) {
    SCOPED_TRACE(endpoint.path);
    const std::string json = "Content-Type: application/json";
    EXPECT_EQ(ask(port(), {"POST", endpoint.path, body_of(endpoint), {"Content-Type: text/plain"}}).status, 415);
    EXPECT_EQ(ask(port(), {"POST", endpoint.path, body_of(endpoint), {json, "Origin: https://evil.example"}}).status,
              403);
    EXPECT_EQ(ask(port(), {"POST", endpoint.path, body_of(endpoint), {json}, "evil.example"}).status, 403);
    EXPECT_EQ(ask(port(), {"POST", endpoint.path, body_of(endpoint), {json, "Content-Encoding: gzip"}}).status, 415);
  }
}

TEST_F(Protocols, AllWantTheKey) {
  LiveServer keyed([](ServerOptions& options) { options.access.keys = {"right"}; });
  for (const Endpoint& endpoint : kEndpoints) {
    SCOPED_TRACE(endpoint.path);
    const std::string json = "Content-Type: application/json";
    const HttpAnswer refused = ask(keyed.port(), {"POST", endpoint.path, body_of(endpoint), {json}});
    EXPECT_EQ(refused.status, 401);
    EXPECT_TRUE(endpoint.message(refused.json()).is_string()) << refused.body;
    for (const char* key : {"x-api-key: right", "Authorization: Bearer right"})
      EXPECT_EQ(ask(keyed.port(), {"POST", endpoint.path, body_of(endpoint), {json, key}}).status, 200) << key;
  }
}

TEST_F(Protocols, ResponsesAreKeptForTheirKeyAlone) {
  LiveServer keyed([](ServerOptions& options) { options.access.keys = {"mine", "yours"}; });
  const std::string json = "Content-Type: application/json";
  const auto with = [&](const std::string& method, const std::string& path, const std::string& key) {
    const std::string body = method == "POST" ? R"({"model":"scripted","input":"#abc=","max_output_tokens":3})" : "";
    return ask(keyed.port(), {method, path, body, {json, "Authorization: Bearer " + key}});
  };
  const std::string path = "/v1/responses/" + with("POST", "/v1/responses", "mine").json()["id"].get<std::string>();
  EXPECT_EQ(with("GET", path, "yours").status, 404);
  EXPECT_EQ(with("DELETE", path, "yours").status, 404);
  EXPECT_EQ(with("GET", path, "mine").status, 200);
}

TEST_F(Protocols, UnknownFieldsAreIgnoredAndNamed) {
  for (const Endpoint& endpoint : kEndpoints) {
    const HttpAnswer answer = post(port(), endpoint.path, body_of(endpoint, R"(,"xyzzy":{"a":1})"));
    EXPECT_EQ(answer.status, 200) << endpoint.path << answer.body;
    EXPECT_EQ(answer.header("X-Hearth-Ignored-Fields"), "xyzzy") << endpoint.path;
  }
}

TEST_F(Protocols, ABodyMayBePacked) {
  const std::string text = body_of(kEndpoints[5]);
  std::string packed(ZSTD_compressBound(text.size()), '\0');
  packed.resize(ZSTD_compress(packed.data(), packed.size(), text.data(), text.size(), 3));
  const auto send = [&](const std::string& body) {
    return ask(port(), {"POST", "/v1/responses", body, {"Content-Type: application/json", "Content-Encoding: zstd"}});
  };
  EXPECT_EQ(send(packed).status, 200);
  EXPECT_EQ(send(text).status, 400);
}

TEST_F(Protocols, PromptsThatAreTooLongAreRefusedInTheWordsThatClientsKnow) {
  const std::string text(70'000, 'x');
  const HttpAnswer anthropic =
      post(port(), "/v1/messages", R"({"messages":[{"role":"user","content":")" + text + R"("}],"stream":true})");
  EXPECT_EQ(anthropic.status, 400);
  EXPECT_EQ(anthropic.json()["error"]["type"], "invalid_request_error");
  EXPECT_TRUE(anthropic.header("Request-Id").starts_with("req_"));
  EXPECT_EQ(anthropic.json()["error"]["message"], "prompt is too long: 70002 tokens > 65536 maximum");
  const HttpAnswer responses = post(port(), "/v1/responses", R"({"input":")" + text + R"(","stream":true})");
  EXPECT_EQ(responses.status, 400);
  EXPECT_EQ(responses.json()["error"]["code"], "context_length_exceeded");
  EXPECT_EQ(responses.json()["error"]["param"], "input");
  EXPECT_EQ(post(port(), "/completion", R"({"prompt":")" + text + "\"}").json()["error"]["n_prompt_tokens"], 70000);
}

TEST_F(Protocols, TheBillingHeaderIsKeptOutOfThePrompt) {
  const auto tokens = [&](const std::string& system) {
    return post(port(), "/v1/messages/count_tokens",
                R"({"messages":[{"role":"user","content":"x"}],"system":[)" + system + "]}")
        .json()["input_tokens"]
        .get<int>();
  };
  const std::string plain = R"({"type":"text","text":"be kind"})";
  EXPECT_EQ(tokens(R"({"type":"text","text":"x-anthropic-billing-header: cc_version=1;"},)" + plain), tokens(plain));
  tokens(R"({"type":"text","text":"x-anthropic-billing-header: cc_version=2;"},)" + plain);
  const std::string log = server_->log();
  const size_t first = log.find("x-anthropic-billing-header");
  EXPECT_NE(first, log.npos);
  EXPECT_EQ(log.find("x-anthropic-billing-header", first + 1), log.npos) << "it is logged once";
}

TEST_F(Protocols, AnAnswerGoesOnWhereItsLastTurnEnds) {
  const auto answer = [&](const std::string& more) {
    const std::string turn = R"({"role":"user","content":"hi"})";
    return post(port(), "/v1/messages", R"({"max_tokens":9,"messages":[)" + turn + more + "]}").json()["content"];
  };
  EXPECT_EQ(answer("")[0]["text"], "Greet with a comma");
  EXPECT_EQ(answer(R"(,{"role":"assistant","content":"#"})")[0]["text"].get<std::string>().find(" one two"), 0u);
}

TEST_F(Protocols, ToolsThatTheTemplateDoesNotShowAreTold) {
  const HttpAnswer answer = post(port(), "/v1/chat/completions",
                                 R"({"messages":[{"role":"user","content":"hi"}],"tools":[{"type":"function",)"
                                 R"("function":{"name":"f"}}]})");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.header("X-Hearth-Warning"), "left out: all tools, for the model's chat template knows none");
}

TEST_F(Protocols, ModelsAreListedInBothShapes) {
  EXPECT_EQ(get(port(), "/v1/models").json()["object"], "list");
  const HttpAsk anthropic{"GET", "/v1/models?limit=1000", "", {"anthropic-version: 2023-06-01"}};
  const Json list = ask(port(), anthropic).json();
  EXPECT_EQ(list["first_id"], "scripted");
  EXPECT_EQ(list["data"][1]["type"], "model");
  EXPECT_EQ(list["has_more"], false);
}

TEST_F(Protocols, AResponseIsKeptAndForgotten) {
  const std::string id = post(port(), "/v1/responses", R"({"input":"x"})").json()["id"];
  EXPECT_EQ(get(port(), "/v1/responses/" + id).json()["id"], id);
  const HttpAnswer next = post(port(), "/v1/responses", R"({"input":"y","previous_response_id":")" + id + "\"}");
  EXPECT_EQ(next.json()["previous_response_id"], id);
  EXPECT_EQ(ask(port(), {"DELETE", "/v1/responses/" + id, "", {}}).json()["deleted"], true);
  EXPECT_EQ(get(port(), "/v1/responses/" + id).status, 404);
  EXPECT_EQ(
      post(port(), "/v1/responses", R"({"input":"y","previous_response_id":")" + id + "\"}").json()["error"]["code"],
      "previous_response_not_found");
}

TEST_F(Protocols, AGapIsFilledWithOtherFilesAsFarAsTheyFit) {
  const HttpAnswer answer =
      post(port(), "/infill",
           R"({"input_prefix":"a","input_suffix":"b","prompt":"c","n_predict":5,
      "input_extra":[{"filename":"x","text":")" +
               std::string(60'000, 'x') + R"("},{"filename":"y","text":")" + std::string(10'000, 'y') +
               R"("}],"response_fields":["content","timings/prompt_n"]})");
  EXPECT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(answer.json()["content"], " gap");
  EXPECT_EQ(answer.header("X-Hearth-Warning"), "left out: 1 of the files of input_extra, for want of context");
}

TEST_F(Protocols, RawPromptsMayHoldSpecialTokens) {
  EXPECT_EQ(post(port(), "/completion", R"({"prompt":"<|prefix|>a<|suffix|>b<|middle|>"})").json()["content"], " gap");
  EXPECT_EQ(post(port(), "/api/generate", R"({"prompt":"<|prefix|>a<|suffix|>b<|middle|>","raw":true,"stream":false})")
                .json()["response"],
            " gap");
  EXPECT_EQ(post(port(), "/api/generate", R"({"prompt":"a","suffix":"b","stream":false})").json()["response"], " gap");
}

TEST(OllamaPort, AnswersAsOllamaDoes) {
  LiveServer server([](ServerOptions& options) { options.ollama_port = 0; });
  ASSERT_NE(server.ollama_port(), 0);
  EXPECT_EQ(get(server.ollama_port(), "/").body, "Ollama is running\n");
  EXPECT_EQ(get(server.port(), "/").body, "Hearth is running\n");
  EXPECT_EQ(ask(server.ollama_port(), {"HEAD", "/", "", {}}).status, 200);
  EXPECT_EQ(get(server.ollama_port(), "/api/tags").json()["models"][0]["name"], "scripted:latest");
  EXPECT_EQ(post(server.ollama_port(), "/v1/responses", R"({"input":"x"})").status, 200);
  EXPECT_TRUE(get(server.ollama_port(), "/api/nothing").json()["error"].is_string());
}

TEST(OllamaModels, AreLoadedAndUnloadedAsAsked) {
  LiveServer server;
  const std::string loaded = "hearth_model_loaded{model=\"other\"}";
  EXPECT_EQ(post(server.port(), "/api/generate", R"({"model":"other:latest","stream":false})").json()["done_reason"],
            "load");
  EXPECT_EQ(server.metric(loaded), 1);
  EXPECT_EQ(get(server.port(), "/api/ps").json()["models"].size(), 2u);
  EXPECT_EQ(
      post(server.port(), "/api/generate", R"({"model":"other","keep_alive":0,"stream":false})").json()["done_reason"],
      "unload");
  EXPECT_TRUE(server.becomes(loaded, 0));
}

TEST(RemoteModels, AreReachedByConversationsInAllProtocolsAndByPlainCompletions) {
  if (!can_send_off_machine()) GTEST_SKIP() << "built without HEARTH_REMOTE";
  LiveServer server([](ServerOptions& options) {
    options.remotes = {{"cloud", "http://127.0.0.1:1/v1", "", {"far"}}};
  });
  const std::set<std::string> sent = {"/v1/chat/completions", "/v1/completions", "/v1/messages", "/v1/responses",
                                      "/api/chat"};
  for (const Endpoint& endpoint : kEndpoints) {
    const std::string path = endpoint.path;
    const HttpAnswer answer = post(server.port(), path, std::string("{") + endpoint.body + R"(,"model":"far"})");
    EXPECT_EQ(answer.status, sent.contains(path) ? 502 : 400) << path << answer.body;
    EXPECT_NE(endpoint.message(answer.json()).get<std::string>().find("remote"), std::string::npos) << answer.body;
  }
}

// A client that hears nothing for a while gives up; each protocol has a way to say that there is more to come.
TEST(Silence, IsBrokenInTheWordsOfTheProtocol) {
  LiveServer server([](ServerOptions& options) {
    options.silence_milliseconds = 20;
    options.engine.parallel = 1;
  });
  ClientSocket busy(server.port());
  busy.send(to_wire({"POST", "/v1/completions", R"({"prompt":"#","stream":true})"}));
  busy.receive(" one");
  for (const auto& [path, body, sign] : std::initializer_list<std::array<const char*, 3>>{
           {"/v1/messages", R"("messages":[{"role":"user","content":"x"}])", "event: ping"},
           {"/v1/responses", R"("input":"x")", "\"type\":\"keepalive\""},
           {"/v1/chat/completions", R"("messages":[{"role":"user","content":"x"}])", ": working"},
           {"/api/chat", R"("messages":[{"role":"user","content":"x"}])", "\"content\":\"\"},\"done\":false"}}) {
    ClientSocket waiting(server.port());
    waiting.send(to_wire({"POST", path, std::string("{\"stream\":true,") + body + "}"}));
    for (int time = 0; time < 3; ++time) {
      const std::string heard = waiting.receive(sign);
      EXPECT_NE(heard.find(sign), heard.npos) << path << heard;
    }
  }
}

}  // namespace
}  // namespace hearth::serve
