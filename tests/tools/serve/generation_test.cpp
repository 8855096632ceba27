// What clients get from a live server, word for word.
#include <gtest/gtest.h>

#include <thread>

#include "tests/tools/serve/live_server.h"
#include "tests/tools/serve/scripted_model.h"

namespace hearth::serve {
namespace {

const std::string kChat = R"("messages":[{"role":"user","content":"Read greet.js"}])";

class Generation : public testing::Test {
 protected:
  static void SetUpTestSuite() { server_ = new LiveServer; }
  static void TearDownTestSuite() { delete server_; }

  static HttpAnswer chat(const std::string& more) {
    return post(server_->port(), "/v1/chat/completions", "{" + kChat + more + "}");
  }
  static HttpAnswer complete(const std::string& fields) {
    return post(server_->port(), "/v1/completions", "{" + fields + "}");
  }
  static std::string text_of(const HttpAnswer& answer) {
    return answer.status == 200 ? answer.json()["choices"][0]["text"].get<std::string>() : answer.body;
  }

  static LiveServer* server_;
};
LiveServer* Generation::server_ = nullptr;

TEST_F(Generation, AChatIsAnswered) {
  const HttpAnswer answer = chat("");
  ASSERT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(answer.header("X-Hearth-Served-By"), "local");
  EXPECT_EQ(answer.header("X-Hearth-Ignored-Fields"), "");
  Json body = answer.json();
  EXPECT_TRUE(body["id"].get<std::string>().starts_with("chatcmpl-"));
  EXPECT_GT(body["created"], 1'700'000'000);
  body["id"] = "", body["created"] = 0;
  body["usage"]["prompt_tokens_details"]["cached_tokens"] = 0;
  EXPECT_EQ(body, Json::parse(R"({"id":"","object":"chat.completion","created":0,"model":"scripted","choices":[
      {"index":0,"message":{"role":"assistant","content":"Greet with a comma","refusal":null},"logprobs":null,
       "finish_reason":"stop"}],
      "usage":{"prompt_tokens":15,"completion_tokens":4,"total_tokens":19,
               "prompt_tokens_details":{"cached_tokens":0},"completion_tokens_details":{"reasoning_tokens":0}}})"));
}

TEST_F(Generation, AStreamTellsRoleTextsReasonAndUsage) {
  const HttpAnswer answer = chat(R"(,"stream":true,"stream_options":{"include_usage":true})");
  EXPECT_TRUE(answer.header("Content-Type").starts_with("text/event-stream"));
  const auto chunks = answer.chunks();
  ASSERT_EQ(chunks.size(), 7u) << answer.body;
  EXPECT_EQ(chunks[0]["choices"][0]["delta"]["role"], "assistant");
  std::string text;
  for (const Json& chunk : chunks) {
    EXPECT_EQ(chunk["object"], "chat.completion.chunk");
    EXPECT_EQ(chunk["id"], chunks[0]["id"]);
    if (!chunk["choices"].empty()) text += chunk["choices"][0]["delta"].value("content", "");
  }
  EXPECT_EQ(text, "Greet with a comma");
  EXPECT_EQ(chunks[5]["choices"][0]["finish_reason"], "stop");
  EXPECT_TRUE(chunks[6]["choices"].empty());
  EXPECT_EQ(chunks[6]["usage"]["completion_tokens"], 4);
  EXPECT_TRUE(chunks[4]["usage"].is_null());
}

TEST_F(Generation, WithoutUsageNoChunkHasIt) {
  for (const Json& chunk : chat(R"(,"stream":true)").chunks()) EXPECT_FALSE(chunk.contains("usage"));
}

TEST_F(Generation, ARepeatedPromptIsFoundInTheCache) {
  const std::string prompt = R"("max_tokens":1,"prompt":")" + std::string(300, 'x') + "\"";
  complete(prompt);
  EXPECT_GE(complete(prompt).json()["usage"]["prompt_tokens_details"]["cached_tokens"], 256);
}

TEST_F(Generation, TextGoesOn) {
  EXPECT_EQ(text_of(complete(R"("prompt":"x")")), " Hello, world!");
  EXPECT_EQ(text_of(complete(R"("prompt":[120])")), " Hello, world!");
  EXPECT_EQ(text_of(complete(R"("prompt":"x","echo":true,"max_tokens":1)")), "x Hello");
  EXPECT_EQ(text_of(complete(R"("prompt":"x","echo":true,"max_tokens":0)")), "x");
  EXPECT_EQ(text_of(complete(R"("prompt":"x","suffix":"y")")), " gap");
}

// Answers come from the cache's pages, which requests share where they begin alike: nobody may get another's.
TEST_F(Generation, EveryRequestGetsItsOwnNonceBack) {
  const std::string prefix(200, 'y');
  std::vector<std::string> texts(12);
  std::vector<std::thread> clients;
  const auto nonce = [](size_t client) {
    std::string letters;
    for (size_t i = 0; i < kNonceLength; ++i)
      letters += kNonceLetters[(client * 7 + i * (client + 3)) % kNonceLetters.size()];
    return letters;
  };
  for (size_t client = 0; client < texts.size(); ++client)
    clients.emplace_back([&, client] {
      texts[client] = client % 2 == 0
                          ? text_of(complete("\"prompt\":\"" + prefix + nonce(client) + "=\""))
                          : post(server_->port(), "/v1/chat/completions",
                                 R"({"messages":[{"role":"user","content":")" + prefix + nonce(client) + "\"}]}")
                                .json()["choices"][0]["message"]["content"]
                                .get<std::string>();
    });
  for (std::thread& client : clients) client.join();
  for (size_t client = 0; client < texts.size(); ++client) EXPECT_EQ(texts[client], nonce(client)) << client;
  const std::string again = nonce(1) + "B";
  EXPECT_EQ(text_of(complete("\"max_tokens\":40,\"prompt\":\"" + again + "\"")), (again + again + again).substr(0, 40));
  EXPECT_TRUE(server_->becomes("hearth_cache_used_tokens{model=\"scripted\"}", 0));
}

TEST_F(Generation, StopsMaySpanTokens) {
  const Json answer = complete(R"("prompt":"x","stop":", wor")").json();
  EXPECT_EQ(answer["choices"][0]["text"], " Hello");
  EXPECT_EQ(answer["choices"][0]["finish_reason"], "stop");
  EXPECT_EQ(text_of(complete(R"("prompt":"x","stop":["?","!"])")), " Hello, world");
}

TEST_F(Generation, TheMostTokensAndTheContextEndAnAnswer) {
  const Json answer = complete(R"("prompt":"#","max_tokens":3)").json();
  EXPECT_EQ(answer["choices"][0]["text"], " one two three");
  EXPECT_EQ(answer["choices"][0]["finish_reason"], "length");
  const Json full = complete(R"("prompt":"#","num_ctx":8)").json();
  EXPECT_EQ(full["usage"]["total_tokens"], 8);
  EXPECT_EQ(full["choices"][0]["finish_reason"], "length");
}

TEST_F(Generation, ChoicesOfSeveralPromptsKeepTheirOrder) {
  const Json answer = complete(R"("prompt":["x","#"],"n":2,"max_tokens":2)").json();
  ASSERT_EQ(answer["choices"].size(), 4u);
  for (size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(answer["choices"][i]["index"], i);
    EXPECT_EQ(answer["choices"][i]["text"], i < 2 ? " Hello," : " one two");
  }
  EXPECT_EQ(answer["usage"]["prompt_tokens"], 2);
  EXPECT_EQ(answer["usage"]["completion_tokens"], 8);
}

TEST_F(Generation, StreamedChoicesCarryTheirIndex) {
  std::string texts[2];
  for (const Json& chunk : chat(R"(,"stream":true,"n":2)").chunks()) {
    const Json& choice = chunk["choices"][0];
    texts[choice["index"].get<size_t>()] += choice["delta"].value("content", "");
  }
  EXPECT_EQ(texts[0], "Greet with a comma");
  EXPECT_EQ(texts[1], "Greet with a comma");
}

TEST_F(Generation, ProbabilitiesAreTold) {
  const Json chosen = chat(R"(,"logprobs":true,"top_logprobs":2)").json()["choices"][0]["logprobs"]["content"];
  ASSERT_EQ(chosen.size(), 4u);
  EXPECT_EQ(chosen[0]["token"], "Greet");
  EXPECT_EQ(chosen[0]["bytes"], Json::parse("[71,114,101,101,116]"));
  EXPECT_GT(chosen[0]["logprob"], -0.01);
  EXPECT_EQ(chosen[0]["top_logprobs"].size(), 2u);

  const Json plain = complete(R"("prompt":"xy","echo":true,"logprobs":1,"max_tokens":1)").json();
  const Json& probabilities = plain["choices"][0]["logprobs"];
  EXPECT_EQ(probabilities["tokens"], Json::parse(R"(["x","y"," Hello"])"));
  EXPECT_EQ(probabilities["text_offset"], Json::parse("[0,1,2]"));
  EXPECT_TRUE(probabilities["token_logprobs"][0].is_null());
  EXPECT_LT(probabilities["token_logprobs"][1], -10);
  EXPECT_EQ(probabilities["top_logprobs"][1].begin().key(), " Hello");
}

TEST_F(Generation, ABiasForbidsAToken) {
  const Json tokens = post(server_->port(), "/tokenize", R"({"content":"Greet"})").json();
  EXPECT_EQ(tokens["count"], 5);  // no merges: bytes
  const std::string text = text_of(complete(R"("prompt":"x","temperature":0,"max_tokens":1,"logit_bias":{"120":100})"));
  EXPECT_EQ(text, "x");
}

TEST_F(Generation, TheTemplateGetsMessagesAndTools) {
  const auto render = [](const std::string& body) {
    return post(server_->port(), "/apply-template", body).json()["prompt"].get<std::string>();
  };
  EXPECT_EQ(render(R"({"messages":[{"role":"developer","content":[{"type":"text","text":"a"},
                                                                  {"type":"text","text":"b"}]}]})"),
            "<|system|>ab<|assistant|>");
  EXPECT_EQ(render(R"({"messages":[{"role":"user","content":"a"}],"tools":[{"z":1,"a":2}],
                       "add_generation_prompt":false})"),
            R"(<|tools|>[{"z": 1, "a": 2}]<|user|>a)");
}

TEST_F(Generation, TokensGoToTextAndBack) {
  const auto port = server_->port();
  EXPECT_EQ(post(port, "/tokenize", R"({"content":"#x"})").json()["tokens"], Json::parse("[35,120]"));
  EXPECT_EQ(post(port, "/tokenize", R"({"content":"#x","xyzzy":1})").header("X-Hearth-Ignored-Fields"), "xyzzy");
  EXPECT_EQ(post(port, "/detokenize", R"({"tokens":[35,120]})").json()["content"], "#x");
  EXPECT_EQ(post(port, "/detokenize", R"({"tokens":[100000]})").status, 400);
  EXPECT_EQ(post(port, "/tokenize", R"({"messages":[{"role":"user","content":"x"}]})").json()["count"], 3);
}

TEST_F(Generation, UnknownFieldsAreNamedInAHeader) {
  const HttpAnswer answer = chat(R"(,"store":true,"stream_options":{"x":1},"bad\r\nname: 1":2,"verbosity":"low")");
  EXPECT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(answer.header("X-Hearth-Ignored-Fields"), "stream_options.x, store, verbosity");
}

TEST_F(Generation, APromptPastTheContextStatesBothNumbers) {
  const HttpAnswer answer = complete(R"("prompt":")" + std::string(70'000, 'x') + "\"");
  EXPECT_EQ(answer.status, 400);
  const Json error = answer.json()["error"];
  EXPECT_EQ(error["code"], "context_length_exceeded");
  EXPECT_EQ(error["type"], "invalid_request_error");
  EXPECT_EQ(error["param"], "prompt");
  EXPECT_NE(error["message"].get<std::string>().find("70000"), std::string::npos) << error;
  EXPECT_NE(error["message"].get<std::string>().find("65536"), std::string::npos) << error;
}

TEST_F(Generation, AClientThatGoesAwayFreesItsPlace) {
  {
    ClientSocket socket(server_->port());
    socket.send(to_wire({"POST", "/v1/completions", R"({"prompt":"#","stream":true})"}));
    EXPECT_NE(socket.receive(" one").find(" one"), std::string::npos);
  }
  EXPECT_TRUE(server_->becomes("hearth_requests_running{model=\"scripted\"}", 0));
  EXPECT_TRUE(server_->becomes("hearth_requests_gone_total{model=\"scripted\"}", 1));
}

TEST_F(Generation, AClientThatGoesAwayBeforeAWholeAnswerFreesItsPlaceToo) {
  const double before = std::max(0.0, server_->metric("hearth_requests_gone_total{model=\"scripted\"}"));
  {
    ClientSocket socket(server_->port());
    socket.send(to_wire({"POST", "/v1/completions", R"({"prompt":"#"})"}));
    EXPECT_TRUE(server_->becomes("hearth_requests_running{model=\"scripted\"}", 1));
  }
  EXPECT_TRUE(server_->becomes("hearth_requests_running{model=\"scripted\"}", 0));
  EXPECT_TRUE(server_->becomes("hearth_requests_gone_total{model=\"scripted\"}", before + 1));
}

TEST_F(Generation, OneConnectionTakesSeveralRequestsAndAlsoAhead) {
  const std::string body = R"({"prompt":"x","max_tokens":1})";
  const std::string one =
      "POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
      "Content-Length: " +
      std::to_string(body.size()) + "\r\n\r\n" + body;
  ClientSocket socket(server_->port());
  socket.send(one + one);
  socket.send(to_wire({"GET", "/health", "", {}}));
  const std::string all = socket.receive();
  size_t answers = 0;
  for (size_t at = all.find("HTTP/1.1 200"); at != all.npos; at = all.find("HTTP/1.1 200", at + 1)) ++answers;
  EXPECT_EQ(answers, 3u) << all;
}

}  // namespace
}  // namespace hearth::serve
