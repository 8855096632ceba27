// Routing end to end: a server, and a provider that says what a test wants.
#include <gtest/gtest.h>

#include <array>
#include <filesystem>

#include "tests/tools/policy/planted_secrets.h"
#include "tests/tools/serve/routed.h"
#include "tools/audit/verify.h"

namespace hearth::serve {
namespace {

// Says the words of the last message again, in a stream of pieces of seven bytes or as a whole.
std::string echo(const std::string& request) {
  const Json body = Json::parse(request);
  const std::string text = body["messages"].back()["content"].get<std::string>();
  const auto choice = [](const char* name, const std::string& said, const Json& finish) {
    return Json{
        {"choices",
         Json::array({{{"index", 0}, {name, {{"role", "assistant"}, {"content", said}}}, {"finish_reason", finish}}})}};
  };
  if (!body.value("stream", false)) return http_answer(choice("message", text, "stop").dump());
  std::string events;
  for (size_t at = 0; at < text.size(); at += 7) events += to_event(choice("delta", text.substr(at, 7), nullptr));
  return http_stream(events + to_event(choice("delta", "", "stop")) + "data: [DONE]\n\n");
}

TEST_F(Routed, AutoStaysHereUnlessSomethingAsksForTheCloud) {
  start(Answers{http_answer(kFar)});
  const HttpAnswer here = chat("auto");
  EXPECT_EQ(here.header("X-Hearth-Served-By"), "local") << here.body;
  EXPECT_EQ(here.header("X-Hearth-Rule"), "default");
  const HttpAnswer there = chat("auto", {"X-Hearth-Route: cloud"});
  EXPECT_EQ(there.header("X-Hearth-Served-By"), "remote cloud") << there.body;
  EXPECT_EQ(there.header("X-Hearth-Rule"), "header");
  EXPECT_EQ(content_of(there), "from afar");
  EXPECT_EQ(Json::parse(provider_->bodies().at(0))["model"], "large");
  EXPECT_EQ(chat("large", {"X-Hearth-Route: local"}).header("X-Hearth-Served-By"), "local");
  EXPECT_EQ(chat("auto", {"X-Hearth-Route: moon"}).status, 400);
  EXPECT_EQ(provider_->connections(), 1);
}

TEST_F(Routed, EveryDecisionIsRecordedWithWhatLeft) {
  start(Answers{http_answer(kFar)}, [](ServerOptions& options) {
    options.remotes[0].input_price = 1e6;
    options.access.keys = {"k1"};
    options.routing.clients = {{"ada", {"k1"}, {}}};
  });
  const HttpAnswer there =
      chat("large", {"Authorization: Bearer k1", "X-Hearth-Repository: acme/x", "X-Hearth-Task: review"});
  ASSERT_EQ(there.status, 200) << there.body;
  const std::vector<Json> now = rows();
  ASSERT_EQ(now.size(), 2u);
  EXPECT_EQ(now[0]["client"], "ada");
  EXPECT_EQ(now[0]["repository"], "acme/x");
  EXPECT_EQ(now[0]["task"], "chat,review");
  EXPECT_EQ(now[0]["rule"], "model");
  EXPECT_EQ(now[0]["remote"], "cloud");
  EXPECT_EQ(now[0]["request"], there.header("X-Request-Id"));
  const std::string sent = provider_->bodies().at(0);
  EXPECT_EQ(now[0]["sha256"], audit::sha256(sent));
  EXPECT_EQ(now[0]["bytes"], sent.size());
  EXPECT_EQ(now[1]["sent_body"], sent.size());
  EXPECT_EQ(now[1]["answer_sha256"], audit::sha256(kFar));
  EXPECT_EQ(now[1]["prompt_tokens"], 10);
  EXPECT_EQ(now[1]["cost"], 10.0);
}

TEST_F(Routed, LocalAnswersAreRecordedAndCounted) {
  start(Answers{http_answer(kFar)});
  for (int i = 0; i < 3; ++i) chat("auto");
  chat("large");
  EXPECT_TRUE(server_->becomes("hearth_decisions_total{route=\"local\",task=\"chat\"}", 3));
  EXPECT_TRUE(server_->becomes("hearth_decisions_total{route=\"remote\",task=\"chat\"}", 1));
  EXPECT_TRUE(server_->becomes("hearth_local_share{task=\"all\"}", 0.75));
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (rows().size() < 8 && std::chrono::steady_clock::now() < end)
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  EXPECT_EQ(rows().size(), 8u);
  EXPECT_TRUE(audit::verify(server_->audit_log()).whole());
}

TEST_F(Routed, NothingLeavesWhereTheLogCannotBeWritten) {
  start(Answers{http_answer(kFar)});
  write_text(server_->audit_log().string() + ".head", "damaged\n");
  const HttpAnswer refused = chat("large");
  EXPECT_EQ(refused.status, 503);
  EXPECT_EQ(refused.json()["error"]["code"], "audit_unavailable") << refused.body;
  EXPECT_NE(refused.body.find("nothing was sent"), std::string::npos);
  const HttpAnswer here = chat("auto", {"X-Hearth-Route: cloud"});
  EXPECT_EQ(here.header("X-Hearth-Served-By"), "local");
  EXPECT_NE(here.header("X-Hearth-Fallback").find("nothing was sent"), std::string::npos);
  EXPECT_EQ(provider_->connections(), 0);
}

TEST_F(Routed, APolicyForbidsWhateverAHeaderSays) {
  start(Answers{http_answer(kFar)}, [](ServerOptions& options) {
    options.routing.policy.rules = {{.name = "acme stays", .repositories = {"**/acme/**"}},
                                    {.name = "phoenix stays", .pattern = "(?i)phoenix"}};
  });
  const HttpAnswer here = chat("auto", {"X-Hearth-Route: cloud", "X-Hearth-Repository: /src/acme/x"});
  EXPECT_EQ(here.header("X-Hearth-Served-By"), "local");
  EXPECT_EQ(here.header("X-Hearth-Rule"), "acme stays");
  EXPECT_EQ(chat("auto", {"X-Hearth-Route: cloud"}, "On Project Phoenix").header("X-Hearth-Rule"), "phoenix stays");
  const HttpAnswer refused = chat("large", {}, "On Project Phoenix");
  EXPECT_EQ(refused.status, 403);
  EXPECT_EQ(refused.json()["error"]["code"], "policy_denied");
  EXPECT_NE(refused.body.find("phoenix stays"), std::string::npos);
  EXPECT_EQ(provider_->connections(), 0);
  EXPECT_EQ(chat("large").status, 200);
}

TEST_F(Routed, ARepositorysOwnFileForbids) {
  start(Answers{http_answer(kFar)});
  const TemporaryFolder repository;
  write_text(repository.path() / ".hearth.toml", "[policy]\noffline = true\n");
  const HttpAnswer refused = chat("large", {"X-Hearth-Repository: " + repository.path().string()});
  EXPECT_EQ(refused.status, 403);
  EXPECT_NE(refused.body.find("offline in .hearth.toml"), std::string::npos) << refused.body;
  EXPECT_EQ(provider_->connections(), 0);
}

TEST_F(Routed, SecretsStayAndComeBackInWholeAnswersAndStreams) {
  start(std::function<std::string(const std::string&)>(echo));
  std::string text;
  std::vector<std::string> secrets;
  for (const redact::Planted& planted : redact::planted_secrets()) {
    if (secrets.size() == 60) break;
    text += planted.text + "\n";
    secrets.push_back(planted.secret);
  }
  const HttpAnswer whole = chat("large", {}, text);
  EXPECT_EQ(content_of(whole), text);
  EXPECT_GE(std::stoi(whole.header("X-Hearth-Redactions")), 50);
  std::string streamed;
  for (const Json& chunk : chat("large", {}, text, true).chunks())
    streamed += chunk["choices"][0]["delta"].value("content", "");
  EXPECT_EQ(streamed, text);
  ASSERT_EQ(provider_->bodies().size(), 2u);
  for (const std::string& body : provider_->bodies())
    for (const std::string& secret : secrets) EXPECT_EQ(body.find(secret), std::string::npos) << secret;
  EXPECT_EQ(Json::parse(provider_->bodies()[0])["messages"], Json::parse(provider_->bodies()[1])["messages"])
      << "placeholders are stable";
  EXPECT_TRUE(rows()[0]["redactions"].contains("github-token")) << rows()[0];
}

TEST_F(Routed, SecretsMayForbidInsteadOfBeingReplaced) {
  start(Answers{http_answer(kFar)}, [](ServerOptions& options) { options.routing.policy.secrets_stay = true; });
  const HttpAnswer refused = chat("large", {}, "use ghp_abcdefghijklmnopqrstuvwxyz0123456789");
  EXPECT_EQ(refused.status, 403);
  EXPECT_NE(refused.body.find("secret github-token"), std::string::npos) << refused.body;
  EXPECT_EQ(provider_->connections(), 0);
}

TEST_F(Routed, WhatFailsThereIsAnsweredHereAndSaysSo) {
  const Answers failures = {http_answer("{}", "429 Too Many Requests"),
                            http_answer("{}", "500 Internal Server Error"),
                            http_answer("[1]"),
                            http_answer("nonsense"),
                            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{",
                            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{" + kThenStall,
                            kThenStall};
  start(failures, [](ServerOptions& options) { options.remotes[0].silence = std::chrono::seconds(1); });
  for (size_t i = 0; i < failures.size(); ++i) {
    const HttpAnswer answer = chat("auto", {"X-Hearth-Route: cloud"});
    EXPECT_EQ(answer.status, 200) << i << answer.body;
    EXPECT_EQ(answer.header("X-Hearth-Served-By"), "local") << i;
    EXPECT_EQ(answer.header("X-Hearth-Rule"), "fallback") << i;
    EXPECT_NE(answer.header("X-Hearth-Fallback").find("cloud: the remote provider failed"), std::string::npos) << i;
  }
  EXPECT_EQ(provider_->connections(), static_cast<int>(failures.size()));
  EXPECT_EQ(chat("large").status, 504) << "who asks for it by name is told";
  EXPECT_EQ(server_->metric("hearth_fallbacks_total{remote=\"cloud\"}"), static_cast<double>(failures.size()));
}

TEST_F(Routed, AStreamThatIsCutEndsWithAnErrorAndIsRecordedAsCut) {
  start(Answers{
      "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: 1000\r\n\r\ndata: {\"choices\":[]}\n\n"});
  const HttpAnswer answer = chat("auto", {"X-Hearth-Route: cloud"}, "Hello", true);
  EXPECT_NE(answer.body.find("remote_failed"), std::string::npos) << answer.body;
  EXPECT_EQ(rows().at(1)["result"], "cut");
}

TEST_F(Routed, ASessionStaysWhereItWentUntilThatFails) {
  start(Answers{http_answer(kFar), http_answer(kFar), http_answer("{}", "503 Service Unavailable")});
  const std::string session = "X-Hearth-Session: s1";
  EXPECT_EQ(chat("auto", {session}).header("X-Hearth-Served-By"), "local");
  EXPECT_EQ(chat("auto", {session, "X-Hearth-Route: cloud"}).header("X-Hearth-Served-By"), "remote cloud");
  EXPECT_EQ(chat("auto", {session}).header("X-Hearth-Rule"), "session");
  EXPECT_EQ(chat("auto", {"X-Hearth-Session: s2"}).header("X-Hearth-Served-By"), "local");
  EXPECT_EQ(chat("auto", {session}).header("X-Hearth-Rule"), "fallback");
  EXPECT_EQ(chat("auto", {session}).header("X-Hearth-Served-By"), "local");
}

TEST_F(Routed, MoneyAndRatesEndWhatMayLeave) {
  start(Answers{http_answer(kFar)}, [](ServerOptions& options) {
    options.remotes[0].output_price = 1e6;  // one for each token
    options.remotes[0].limits.money_per_day = 12;
  });
  EXPECT_EQ(chat("large").status, 200);  // sets 8 aside, takes 5
  EXPECT_EQ(chat("large").status, 429) << "5 are spent, and 8 more may be needed";
  const HttpAnswer here = chat("auto", {"X-Hearth-Route: cloud"});
  EXPECT_EQ(here.header("X-Hearth-Served-By"), "local");
  EXPECT_EQ(here.header("X-Hearth-Rule"), "money of remote cloud");
  EXPECT_EQ(provider_->connections(), 1);
}

TEST_F(Routed, ADoubtfulAnswerIsHandedOverBeforeTheClientHearsOfIt) {
  start(Answers{http_answer(kFar),
                http_stream("data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"far\"}}]}\n\ndata: [DONE]\n\n")},
        [](ServerOptions& options) {
          options.routing.policy.margin = 1.1;  // nothing is as sure
          options.routing.policy.confidence_tokens = 2;
        });
  const HttpAnswer answer = chat("auto", {"X-Hearth-Session: a"});
  EXPECT_EQ(content_of(answer), "from afar");
  EXPECT_EQ(answer.header("X-Hearth-Rule"), "confidence");
  EXPECT_NE(chat("auto", {"X-Hearth-Session: b"}, "Hello", true).body.find("\"far\""), std::string::npos);
  EXPECT_GT(rows()[0]["confidence"].get<double>(), 0.5);
}

TEST_F(Routed, AStreamEndsWhereTheLimitDoesAndSaysSo) {
  std::string events, blocks;
  for (int i = 0; i < 40; ++i) {
    events += "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"w \"}}]}\n\n";
    blocks +=
        "event: content_block_delta\ndata: "
        "{\"type\":\"content_block_delta\",\"index\":3,\"delta\":{\"type\":\"text_delta\",\"text\":\"w \"}}\n\n";
  }
  start(std::function<std::string(const std::string&)>([&](const std::string& request) {
          return http_stream(request.find("native") == std::string::npos ? events : blocks);
        }),
        [](ServerOptions& options) {
          options.remotes[0].output_price = 1e6;
          options.remotes[0].limits.money_per_day = 20;
          options.remotes.push_back(options.remotes[0]);
          options.remotes[1].name = "other";
          options.remotes[1].models = {"native"};
          options.remotes[1].api = RemoteApi::anthropic;
        });
  const HttpAnswer cut = chat("large", {}, "Hello", true);  // sets 8 aside
  const std::vector<Json> chunks = cut.chunks();
  EXPECT_EQ(chunks.back()["choices"][0]["finish_reason"], "length") << cut.body;
  EXPECT_NE(chunks.back().dump().find("money of remote cloud"), std::string::npos);
  const std::string native =
      post(server_->port(), "/v1/messages",
           R"({"model":"native","stream":true,"max_tokens":8,"messages":[{"role":"user","content":"native"}]})")
          .body;
  EXPECT_NE(native.find(R"({"type":"content_block_stop","index":3})"), std::string::npos) << native;
  EXPECT_NE(native.find(R"("stop_reason":"max_tokens")"), std::string::npos) << native;
  EXPECT_NE(native.find("message_stop"), std::string::npos);
  EXPECT_EQ(rows().at(1)["result"], "cut");
  EXPECT_EQ(rows().at(1)["error"], "the limit is reached: money of remote cloud");
  EXPECT_EQ(rows().at(1)["tokens_estimated"], true);
}

TEST_F(Routed, ADoubtedStreamGoesOnBehindAMark) {
  start(Answers{http_stream("data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"far\"}}]}\n\ndata: [DONE]\n\n"),
                http_answer(kFar), http_answer("{}", "500 Internal Server Error")},
        [](ServerOptions& options) {
          options.routing.policy.margin = 1.1;  // nothing is as sure
          options.routing.policy.confidence_tokens = 2;
          options.routing.policy.marks_switch = true;
        });
  const auto text_of = [](const HttpAnswer& answer) {
    std::string text;
    for (const Json& chunk : answer.chunks()) text += chunk["choices"][0]["delta"].value("content", "");
    return text;
  };
  const std::string there = text_of(chat("auto", {"X-Hearth-Session: a"}, "Hello", true));
  EXPECT_EQ(there, "Greet with\n\n[the local model was unsure (confidence); cloud answers]\n\nfar");
  HttpAsk messages{"POST", "/v1/messages",
                   R"({"model":"auto","stream":true,"max_tokens":9,"messages":[{"role":"user","content":"x"}]})"};
  const std::string other = ask(server_->port(), messages).body;
  EXPECT_EQ(other.find("event: message_start"), other.rfind("event: message_start")) << "one message: " << other;
  EXPECT_NE(other.find("from afar"), std::string::npos) << other;
  const std::string back = text_of(chat("auto", {"X-Hearth-Session: c"}, "Hello", true));
  EXPECT_EQ(back, "Greet with\n\n[cloud failed; the local model answers again]\n\nGreet with a comma");
  EXPECT_EQ(content_of(chat("auto", {"X-Hearth-Session: d"}, "{\"tools\"")), "Greet with a comma")
      << "told whole, held";
}

TEST_F(Routed, AnAnswerInCirclesIsHandedOver) {
  start(Answers{http_answer(kFar)}, [](ServerOptions& options) {
    options.routing.policy.repetition = true;
    options.routing.policy.quiet_tasks = {};
  });
  const HttpAnswer answer =
      post(server_->port(), "/v1/completions", R"({"model":"auto","max_tokens":400,"prompt":"#"})");
  EXPECT_EQ(answer.header("X-Hearth-Rule"), "repetition") << answer.body;
  EXPECT_NE(answer.body.find("from afar"), std::string::npos) << answer.body;
}

TEST_F(Routed, AStreamThatIsHeldBackIsKeptAliveAndHandedOverAllTheSame) {
  start(Answers{http_stream("data: {\"choices\":[{\"index\":0,\"text\":\"far\"}]}\n\ndata: [DONE]\n\n")},
        [](ServerOptions& options) {
          options.routing.policy.margin = 1.1;
          options.routing.policy.confidence_tokens = 200;
          options.routing.policy.quiet_tasks = {};
          options.silence_milliseconds = 1;
        });
  const HttpAnswer answer =
      post(server_->port(), "/v1/completions", R"({"model":"auto","stream":true,"max_tokens":300,"prompt":"#"})");
  EXPECT_EQ(answer.status, 200);
  EXPECT_TRUE(answer.body.starts_with(":")) << "it was begun by a comment: " << answer.body;
  EXPECT_NE(answer.body.find("\"far\""), std::string::npos) << answer.body;
  EXPECT_EQ(answer.body.find(" one"), std::string::npos) << answer.body;
}

TEST_F(Routed, ASureAnswerIsToldWithoutWhatWasWatched) {
  start(Answers{http_answer(kFar)}, [](ServerOptions& options) {
    options.routing.policy.margin = 0.2;
    options.routing.policy.confidence_tokens = 2;
  });
  const HttpAnswer answer = chat("auto", {}, "Hello", true);
  EXPECT_EQ(answer.header("X-Hearth-Served-By"), "local");
  EXPECT_GT(std::stod(answer.header("X-Hearth-Confidence")), 0.9);
  std::string text;
  for (const Json& chunk : answer.chunks()) {
    EXPECT_TRUE(chunk["choices"][0]["logprobs"].is_null());
    text += chunk["choices"][0]["delta"].value("content", "");
  }
  EXPECT_EQ(text, "Greet with a comma");
  EXPECT_EQ(provider_->connections(), 0);
}

TEST_F(Routed, ADoubtfulAnswerThatMustNotLeaveIsToldAllTheSame) {
  start(Answers{http_answer(kFar)}, [](ServerOptions& options) {
    options.routing.policy.margin = 1.1;
    options.routing.policy.confidence_tokens = 2;
    options.routing.policy.offline = true;
  });
  for (const bool stream : {false, true}) {
    const HttpAnswer answer = chat("auto", {}, "Hello", stream);
    EXPECT_EQ(answer.header("X-Hearth-Served-By"), "local");
    EXPECT_EQ(answer.header("X-Hearth-Rule"), "offline");
    EXPECT_NE(answer.body.find("comma"), std::string::npos) << answer.body;
  }
  EXPECT_EQ(provider_->connections(), 0);
}

TEST_F(Routed, APromptThatDoesNotFitHereGoesWhereItDoes) {
  start(Answers{http_answer(kFar)}, [](ServerOptions& options) { options.engine.context = 64; });
  std::string text;
  for (int i = 0; i < 20; ++i) text += "one two three ";
  const HttpAnswer answer = chat("auto", {}, text);
  EXPECT_EQ(answer.header("X-Hearth-Rule"), "long-prompt") << answer.body;
  EXPECT_EQ(content_of(answer), "from afar");
  EXPECT_EQ(chat("scripted", {}, text).status, 400);
}

TEST_F(Routed, EveryProtocolIsAnsweredFromAfarInItsOwnWords) {
  start(std::function<std::string(const std::string&)>(echo));
  const std::string secret = "ghp_abcdefghijklmnopqrstuvwxyz0123456789";
  for (const auto& [path, body] : std::initializer_list<std::array<const char*, 2>>{
           {"/v1/messages", R"({"model":"large","max_tokens":99,"messages":[{"role":"user","content":"say $"}])"},
           {"/v1/responses", R"({"model":"large","input":"say $")"},
           {"/api/chat", R"({"model":"large","messages":[{"role":"user","content":"say $"}])"}})
    for (const bool stream : {false, true}) {
      std::string text = std::string(body) + (stream ? R"(,"stream":true})" : R"(,"stream":false})");
      text.replace(text.find('$'), 1, secret);
      const HttpAnswer answer = post(server_->port(), path, text);
      EXPECT_EQ(answer.status, 200) << path << answer.body;
      EXPECT_EQ(answer.header("X-Hearth-Served-By"), "remote cloud") << path;
      // Pieces are quoted apart; without what stands between them the words are whole.
      EXPECT_EQ(answer.body.find("HEARTH_REDACTED"), std::string::npos) << answer.body;
      if (!stream) EXPECT_NE(answer.body.find("say " + secret), std::string::npos) << answer.body;
      if (stream) EXPECT_NE(answer.body.find(secret), std::string::npos) << answer.body;
      EXPECT_EQ(provider_->bodies().back().find(secret), std::string::npos);
    }
}

TEST_F(Routed, CallsAndReasoningSurviveTheHopIntoAnotherProtocol) {
  start(Answers{http_stream(
      R"(data: {"choices":[{"index":0,"delta":{"reasoning_content":"hm"}}]})"
      "\n\n"
      R"(data: {"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"c9","type":"function","function":{"name":"read","arguments":"{\"path\":"}}]}}]})"
      "\n\n"
      R"(data: {"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"\"a\"}"}}]},"finish_reason":"tool_calls"}]})"
      "\n\n"
      R"(data: {"choices":[],"usage":{"prompt_tokens":21,"completion_tokens":4}})"
      "\n\ndata: [DONE]\n\n")});
  const HttpAnswer answer = post(server_->port(), "/v1/messages",
                                 R"({"model":"large","max_tokens":99,"messages":[{"role":"user","content":"x"}],
               "tools":[{"name":"read","input_schema":{"type":"object"}}]})");
  const Json body = answer.json();
  EXPECT_EQ(body["stop_reason"], "tool_use") << answer.body;
  EXPECT_EQ(body["usage"]["input_tokens"], 21);
  EXPECT_EQ(body["content"][0]["thinking"], "hm");
  EXPECT_EQ(body["content"][1]["name"], "read");
  EXPECT_EQ(body["content"][1]["id"], "c9");
  EXPECT_EQ(body["content"][1]["input"], Json({{"path", "a"}}));
  const Json sent = Json::parse(provider_->bodies().at(0));
  EXPECT_EQ(sent["tools"][0]["function"]["name"], "read");
  EXPECT_EQ(sent["stream_options"]["include_usage"], true);
}

TEST_F(Routed, WhatFailsInAnotherProtocolIsAnsweredHereToo) {
  start(Answers{http_answer(R"({"error":{"message":"too busy"}})", "429 Too Many Requests")});
  HttpAsk asked{"POST", "/v1/messages",
                R"({"model":"auto","max_tokens":9,"messages":[{"role":"user","content":"x"}]})"};
  asked.headers.push_back("X-Hearth-Route: cloud");
  const HttpAnswer here = ask(server_->port(), asked);
  EXPECT_EQ(here.header("X-Hearth-Rule"), "fallback") << here.body;
  EXPECT_EQ(here.json()["type"], "message");
  asked.body.replace(asked.body.find("auto"), 4, "large");
  const HttpAnswer refused = ask(server_->port(), asked);
  EXPECT_EQ(refused.status, 429);
  EXPECT_EQ(refused.json()["type"], "error");
  EXPECT_NE(refused.body.find("too busy"), std::string::npos) << refused.body;
}

TEST_F(Routed, WhatIsNoConversationStaysHereByAuto) {
  start(Answers{http_answer(kFar)});
  const HttpAnswer answer = post(server_->port(), "/api/generate", R"({"model":"auto","prompt":"x","stream":false})");
  EXPECT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(answer.header("X-Hearth-Rule"), "endpoint");
  EXPECT_EQ(post(server_->port(), "/v1/chat/completions/input_tokens",
                 R"({"model":"auto","messages":[{"role":"user","content":"Hello"}]})")
                .status,
            200);
}

TEST_F(Routed, AnAliasNamesAModelAndATask) {
  start(Answers{http_answer(kFar)}, [](ServerOptions& options) {
    options.routing.policy.aliases = {{"reviewer", "auto", "review"}, {"fast", "scripted", ""}};
    options.routing.policy.rules = {{.name = "reviews", .then = route::Then::cloud, .tasks = {"review"}}};
  });
  EXPECT_EQ(chat("reviewer").header("X-Hearth-Rule"), "reviews");
  EXPECT_EQ(chat("fast").header("X-Hearth-Served-By"), "local");
  EXPECT_TRUE(server_->becomes("hearth_decisions_total{route=\"remote\",task=\"review\"}", 1));
}

}  // namespace
}  // namespace hearth::serve
