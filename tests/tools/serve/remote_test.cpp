// Forwarding: one live server is the remote provider of another.
#include <gtest/gtest.h>

#include <cstdlib>

#include "tests/tools/serve/fake_provider.h"
#include "tests/tools/serve/live_server.h"
#include "tools/serve/config.h"

namespace hearth::serve {
namespace {

class Forwarding : public testing::Test {
 protected:
  Forwarding()
      : provider_([](ServerOptions& options) { options.access.keys = {"secret"}; }), server_([this](auto& options) {
          const std::string url = "http://127.0.0.1:" + std::to_string(provider_.port()) + "/v1";
          options.models.resize(1);
          options.models[0].name = "local";
          options.remotes = {{"cloud", url, "secret", {"scripted"}}, {"gone", "http://127.0.0.1:1/v1", "", {"absent"}}};
        }) {
    if (!can_send_off_machine()) skipped_ = true;
  }
  void SetUp() override {
    if (skipped_) GTEST_SKIP() << "built without HEARTH_REMOTE";
  }

  HttpAnswer complete(const std::string& fields) { return post(server_.port(), "/v1/completions", "{" + fields + "}"); }

  LiveServer provider_, server_;
  bool skipped_ = false;
};

TEST_F(Forwarding, ARemoteModelIsUsedThroughTheSameEndpoint) {
  const HttpAnswer answer = complete(R"("model":"scripted","prompt":"x")");
  EXPECT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(answer.header("X-Hearth-Served-By"), "remote cloud");
  EXPECT_EQ(answer.json()["choices"][0]["text"], " Hello, world!");
  const HttpAnswer own = complete(R"("model":"local","prompt":"x")");
  EXPECT_EQ(own.header("X-Hearth-Served-By"), "local");
  EXPECT_EQ(own.json()["choices"][0]["text"], " Hello, world!");
}

TEST_F(Forwarding, StreamsAreHandedOn) {
  const HttpAnswer answer = complete(R"("model":"scripted","prompt":"x","stream":true)");
  EXPECT_EQ(answer.header("Content-Type"), "text/event-stream");
  std::string text;
  for (const Json& chunk : answer.chunks()) text += chunk["choices"][0]["text"].get<std::string>();
  EXPECT_EQ(text, " Hello, world!");
}

TEST_F(Forwarding, ErrorsAreHandedOn) {
  const HttpAnswer answer = complete(R"("model":"scripted","prompt":"x","temperature":9)");
  EXPECT_EQ(answer.status, 400);
  EXPECT_EQ(answer.json()["error"]["param"], "temperature");
}

TEST_F(Forwarding, AProviderThatIsNotThereIsABadGateway) {
  const HttpAnswer answer = complete(R"("model":"absent","prompt":"x")");
  EXPECT_EQ(answer.status, 502);
  EXPECT_EQ(answer.json()["error"]["code"], "remote_failed");
}

TEST_F(Forwarding, AClientThatGoesAwayEndsTheRemoteAnswerToo) {
  const std::string running = "hearth_requests_gone_total{model=\"scripted\"}";
  {
    ClientSocket socket(server_.port());
    socket.send(to_wire({"POST", "/v1/completions", R"({"model":"scripted","prompt":"#","stream":true})"}));
    EXPECT_NE(socket.receive(" one").find(" one"), std::string::npos);
  }
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  const auto gone = [&] {
    const HttpAnswer metrics = ask(provider_.port(), {"GET", "/metrics", "", {"Authorization: Bearer secret"}});
    return metrics.body.find(running + " 1") != std::string::npos;
  };
  while (!gone() && std::chrono::steady_clock::now() < end) std::this_thread::sleep_for(std::chrono::milliseconds(20));
  EXPECT_TRUE(gone());
}

TEST_F(Forwarding, RemoteModelsAreListed) {
  const Json list = get(server_.port(), "/v1/models").json()["data"];
  ASSERT_EQ(list.size(), 4u);
  EXPECT_EQ(list[1]["id"], "scripted");
  EXPECT_EQ(list[1]["owned_by"], "cloud");
  EXPECT_EQ(get(server_.port(), "/v1/models/scripted").json()["owned_by"], "cloud");
  EXPECT_EQ(list[3]["id"], "auto");
  EXPECT_EQ(list[3]["owned_by"], "hearth");
}

TEST(StandingNames, AreListedWithWhatTheyStandFor) {
  LiveServer server([](ServerOptions& options) {
    route::Alias alias;
    alias.name = "reviewer";
    alias.model = "other";
    options.routing.policy.aliases = {alias};
  });
  const Json list = get(server.port(), "/v1/models").json()["data"];
  ASSERT_EQ(list.size(), 3u) << "without remotes there is no choice: " << list;
  EXPECT_EQ(list[2]["id"], "reviewer");
  EXPECT_EQ(list[2]["alias_of"], "other");
  EXPECT_EQ(get(server.port(), "/v1/models/reviewer").json()["owned_by"], "hearth");
}

// What a client gets for a request that a provider with these answers serves, and the connections that it took.
struct Forwarded {
  HttpAnswer answer;
  int connections;
};
Forwarded forwarded(std::vector<std::string> answers) {
  FakeProvider provider(std::move(answers));
  LiveServer server([&](ServerOptions& options) { options.remotes = {{"fake", provider.base_url(), "", {"far"}}}; });
  const HttpAnswer answer = post(server.port(), "/v1/completions", R"({"model":"far","prompt":"x","stream":true})");
  return {answer, provider.connections()};
}

const std::string kAnswered =
    "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 12\r\nConnection: "
    "close\r\n\r\n{\"far\":true}";

TEST(RemoteFailures, AConnectionThatBreaksIsTriedAgain) {
  if (!can_send_off_machine()) GTEST_SKIP() << "built without HEARTH_REMOTE";
  const Forwarded forward = forwarded({"", "", kAnswered});
  EXPECT_EQ(forward.answer.status, 200) << forward.answer.body;
  EXPECT_EQ(forward.connections, 3);
}

TEST(RemoteFailures, ButNotForEver) {
  if (!can_send_off_machine()) GTEST_SKIP() << "built without HEARTH_REMOTE";
  const Forwarded forward = forwarded({""});
  EXPECT_EQ(forward.answer.status, 502);
  EXPECT_EQ(forward.answer.json()["error"]["code"], "remote_failed");
  EXPECT_EQ(forward.answer.header("X-Hearth-Served-By"), "remote fake");
  EXPECT_EQ(forward.connections, 3);
}

TEST(RemoteFailures, WhatHasAnsweredIsNotAskedAgain) {
  if (!can_send_off_machine()) GTEST_SKIP() << "built without HEARTH_REMOTE";
  const Forwarded busy = forwarded(
      {"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 7\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}"});
  EXPECT_EQ(busy.answer.status, 429);
  EXPECT_EQ(busy.answer.header("Retry-After"), "7");
  EXPECT_EQ(busy.connections, 1);
  const Forwarded moved = forwarded(
      {"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"});
  EXPECT_EQ(moved.answer.status, 302);
  EXPECT_EQ(moved.connections, 1);
}

TEST(RemoteFailures, AStreamThatBreaksEndsWithAnError) {
  if (!can_send_off_machine()) GTEST_SKIP() << "built without HEARTH_REMOTE";
  const Forwarded forward =
      forwarded({"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
                 "c\r\ndata: {\"a\":1\r\n4\r\n}\n\nd\r\n"});
  EXPECT_EQ(forward.answer.status, 200);
  const auto events = forward.answer.events();
  ASSERT_EQ(events.size(), 2u) << forward.answer.body;
  EXPECT_EQ(events.front(), R"({"a":1})");
  EXPECT_EQ(Json::parse(events.back())["error"]["code"], "remote_failed") << forward.answer.body;
  EXPECT_EQ(forward.connections, 1);
}

TEST(RemoteFailures, AStreamThatStopsWithoutSayingWhyIsNoAnswer) {
  if (!can_send_off_machine()) GTEST_SKIP() << "built without HEARTH_REMOTE";
  const std::string head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n";
  const std::string begun = R"(data: {"choices":[{"index":0,"delta":{"content":"a"},"finish_reason":null}]})"
                            "\n\n";
  const auto cut = forwarded({head + begun + "data: {\"choi"}).answer.events();
  ASSERT_EQ(cut.size(), 2u);
  EXPECT_EQ(Json::parse(cut.back())["error"]["code"], "remote_failed");
  const auto whole =
      forwarded({head + begun + R"(data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]})" + "\n\n"})
          .answer;
  EXPECT_EQ(whole.events().size(), 2u) << whole.body;
  EXPECT_EQ(whole.body.find("remote_failed"), std::string::npos);
}

TEST(RemoteFailures, HalfAnAnswerIsNone) {
  if (!can_send_off_machine()) GTEST_SKIP() << "built without HEARTH_REMOTE";
  const Forwarded forward = forwarded(
      {"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100\r\nConnection: close\r\n\r\n{\"a\":"});
  EXPECT_EQ(forward.answer.status, 502);
  EXPECT_EQ(forward.answer.json()["error"]["code"], "remote_failed") << forward.answer.body;
  EXPECT_EQ(forward.connections, 1);
}

TEST(RemoteConfig, KeysComeFromTheEnvironmentAndTravelEncrypted) {
  if (!can_send_off_machine()) GTEST_SKIP() << "built without HEARTH_REMOTE";
  const TemporaryFolder folder;
  const auto path = folder.path() / "hearth.toml";
  const auto read = [&](const std::string& url) {
    write_text(path, "[[remote]]\nname = 'c'\nbase_url = '" + url + "'\nkey_env = 'HEARTH_TEST_KEY'\nmodels = ['m']\n");
    ServerOptions options;
    read_config(path, options);
    return options.remotes.at(0);
  };
  write_text(path, "[[remote]]\nname = \"a\\r\\nb\"\nbase_url = 'https://api.example/v1'\nmodels = ['m']\n");
  ServerOptions unused;
  EXPECT_THROW(read_config(path, unused), Error);
  unsetenv("HEARTH_TEST_KEY");
  EXPECT_THROW(read("https://api.example/v1"), Error);
  setenv("HEARTH_TEST_KEY", "k", 1);
  EXPECT_EQ(read("https://api.example/v1/").base_url, "https://api.example/v1");
  EXPECT_EQ(read("https://api.example/v1").key, "k");
  EXPECT_THROW(read("http://api.example/v1"), Error);
  EXPECT_THROW(read("http://127.0.0.1.evil.example/v1"), Error);
  EXPECT_THROW(read("ftp://api.example/v1"), Error);
  EXPECT_EQ(read("https://api.example/v1'\napi = 'anthropic'\nmax_tokens = 9\nthinking = 'budget").shape.usual_tokens,
            9u);
  EXPECT_THROW(read("https://api.example/v1'\nmax_tokens = 9\napi = 'openai"), Error);
  EXPECT_THROW(read("https://api.example/v1'\napi = 'other"), Error);
  EXPECT_EQ(read("https://api.example/v1'\nproxy = 'http://proxy:3128").proxy, "http://proxy:3128");
  EXPECT_EQ(read("https://api.example/v1").proxy, "");
  EXPECT_THROW(read("https://api.example/v1'\nproxy = 'proxy:3128"), Error);
  EXPECT_THROW(read("http://127.0.0.1:1/v1'\nproxy = 'http://proxy:3128"), Error);
}

}  // namespace
}  // namespace hearth::serve
