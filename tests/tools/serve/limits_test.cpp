// What a live server refuses, and how.
#include <gtest/gtest.h>

#include "tests/tools/serve/live_server.h"

namespace hearth::serve {
namespace {

using namespace std::chrono_literals;

HttpAnswer with_headers(uint16_t port, std::vector<std::string> headers, const std::string& host = "localhost") {
  return ask(port, {"GET", "/v1/models", "", std::move(headers), host});
}

std::string code_of(const HttpAnswer& answer) {
  return answer.status == 0 ? "no answer" : answer.json()["error"]["code"].get<std::string>();
}

TEST(ServerLimits, OnlyItsOwnNamesAreAnswered) {
  LiveServer server([](ServerOptions& options) { options.access.hosts = {"hearth.example"}; });
  for (const char* host : {"localhost", "127.0.0.1:11435", "[::1]:80", "LOCALHOST", "hearth.example"})
    EXPECT_EQ(with_headers(server.port(), {}, host).status, 200) << host;
  for (const char* host : {"evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "[::1"})
    EXPECT_EQ(with_headers(server.port(), {}, host).status, 403) << host;
}

TEST(ServerLimits, ARequestMustSayWhomItAsks) {
  LiveServer server;
  for (const char* version : {"1.0", "1.1"}) {
    ClientSocket without(server.port());
    without.send("GET /v1/models HTTP/" + std::string(version) + "\r\nConnection: close\r\n\r\n");
    const HttpAnswer answer = parse_answer(without.receive());
    EXPECT_EQ(answer.status, 400) << version;
    EXPECT_EQ(code_of(answer), "missing_host") << version;
  }
  ClientSocket old(server.port());
  old.send("GET /v1/models HTTP/1.0\r\nHost: localhost\r\n\r\n");
  EXPECT_EQ(parse_answer(old.receive()).status, 200);
}

TEST(ServerLimits, ATargetThatNamesAHostIsCheckedLikeAHeader) {
  LiveServer server;
  const auto status = [&](const char* target, const char* host) {
    return ask(server.port(), {"GET", target, "", {}, host}).status;
  };
  EXPECT_EQ(status("http://127.0.0.1:11435/v1/models", "127.0.0.1:11435"), 200);
  EXPECT_EQ(status("HTTP://localhost/v1/models?limit=7", "evil.example"), 200);  // the header does not count then
  EXPECT_EQ(status("http://localhost", "localhost"), 200);
  EXPECT_EQ(status("http://localhost?x", "localhost"), 200);
  EXPECT_EQ(status("http://localhost/v1/nothing", "localhost"), 404);
  EXPECT_EQ(status("http://evil.example/v1/models", "localhost"), 403);
  EXPECT_EQ(status("http:///v1/models", "localhost"), 400);
  const Json answer = post(server.port(), "http://localhost/v1/completions", R"({"prompt":"x"})").json();
  EXPECT_EQ(answer["choices"][0]["text"], " Hello, world!");
}

TEST(ServerLimits, TwoHostsAreRefused) {
  LiveServer server;
  ClientSocket client(server.port());
  client.send("GET /v1/models HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n");
  EXPECT_EQ(parse_answer(client.receive()).status, 400);
}

TEST(ServerLimits, PagesOfOtherOriginsMayNotAsk) {
  LiveServer server([](ServerOptions& options) { options.access.origins = {"https://editor.example"}; });
  for (const char* origin : {"http://localhost:3000", "http://127.0.0.1", "https://editor.example"}) {
    const HttpAnswer answer = with_headers(server.port(), {std::string("Origin: ") + origin});
    EXPECT_EQ(answer.status, 200) << origin;
    EXPECT_EQ(answer.header("Access-Control-Allow-Origin"), origin);
  }
  for (const char* origin : {"https://evil.example", "null", "http://localhost.evil.example", "file://"}) {
    const HttpAnswer answer = with_headers(server.port(), {std::string("Origin: ") + origin});
    EXPECT_EQ(answer.status, 403) << origin;
    EXPECT_EQ(answer.header("Access-Control-Allow-Origin"), "");
  }
  EXPECT_EQ(ask(server.port(), {"OPTIONS", "/v1/chat/completions", "", {"Origin: http://localhost:1"}}).status, 204);
}

TEST(ServerLimits, KeysAreAsked) {
  LiveServer server([](ServerOptions& options) { options.access.keys = {"secret", "other"}; });
  EXPECT_EQ(with_headers(server.port(), {"Authorization: Bearer secret"}).status, 200);
  EXPECT_EQ(with_headers(server.port(), {"authorization: bearer other"}).status, 200);
  EXPECT_EQ(with_headers(server.port(), {"x-api-key: secret"}).status, 200);
  for (const char* header : {"X-Nothing: 1", "Authorization: Bearer secre", "Authorization: Bearer secretsecret",
                             "Authorization: Bearer ", "x-api-key: SECRET"}) {
    const HttpAnswer answer = with_headers(server.port(), {header});
    EXPECT_EQ(answer.status, 401) << header;
    EXPECT_EQ(code_of(answer), "invalid_api_key");
    EXPECT_EQ(answer.header("X-Hearth-Served-By"), "local");
  }
  EXPECT_EQ(get(server.port(), "/health").status, 200);
  EXPECT_EQ(get(server.port(), "/metrics").status, 401);
}

TEST(ServerLimits, AnotherAddressNeedsAKey) {
  try {
    LiveServer server([](ServerOptions& options) { options.host = "0.0.0.0"; });
    FAIL() << "it listens";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::invalid_argument);
    EXPECT_NE(std::string(error.what()).find("--api-key"), std::string::npos);
  }
}

TEST(ServerLimits, BodiesMustBeJsonAndNotTooLarge) {
  LiveServer server([](ServerOptions& options) { options.body_bytes = 2000; });
  const auto with_type = [&](const char* type) {
    return ask(server.port(), {"POST", "/v1/completions", R"({"prompt":"x","max_tokens":1})", {type}}).status;
  };
  EXPECT_EQ(with_type("Content-Type: application/json; charset=utf-8"), 200);
  EXPECT_EQ(with_type("Content-Type: text/plain"), 415);
  EXPECT_EQ(with_type("X-Nothing: 1"), 415);
  const HttpAnswer large = post(server.port(), "/v1/completions", R"({"prompt":")" + std::string(100'000, 'x') + "\"}");
  EXPECT_EQ(large.status, 413) << large.body;
  EXPECT_EQ(code_of(large), "body_too_large");
  for (const char* body : {"", "[]", "{", "{\"prompt\":NaN}", "{\"prompt\":\"x\",\"temperature\":1e999}", "\"\xff\""}) {
    const HttpAnswer answer = post(server.port(), "/v1/completions", body);
    EXPECT_EQ(answer.status, 400) << body;
  }
  const HttpAnswer deep =
      post(server.port(), "/v1/completions", "{\"x\":" + std::string(500, '[') + std::string(500, ']') + "}");
  EXPECT_EQ(deep.status, 400);
  EXPECT_NE(deep.body.find("nested deeper"), std::string::npos) << deep.body;
}

TEST(ServerLimits, HeadersMustNotBeTooManyNorTooLarge) {
  LiveServer server;
  EXPECT_EQ(with_headers(server.port(), std::vector<std::string>(90, "X-A: 1")).status, 200);
  EXPECT_EQ(with_headers(server.port(), std::vector<std::string>(101, "X-A: 1")).status, 431);
  EXPECT_EQ(with_headers(server.port(), {"X-A: " + std::string(17'000, 'a')}).status, 431);
}

TEST(ServerLimits, WhatIsNoHttpIsRefused) {
  LiveServer server;
  for (const char* text : {"HELLO\r\n\r\n", "GET / HTTP/9.9\r\n\r\n", "GET /\r\n\r\n", "\r\n\r\n\x01\x02\r\n\r\n",
                           "POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                           "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                           "POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n"}) {
    ClientSocket socket(server.port());
    socket.send(text);
    const HttpAnswer answer = parse_answer(socket.receive());
    EXPECT_EQ(answer.status, 400) << text;
    EXPECT_EQ(answer.header("X-Hearth-Served-By"), "local") << text;
  }
  EXPECT_EQ(get(server.port(), "/health").status, 200);
}

TEST(ServerLimits, SlowClientsAreLetGo) {
  LiveServer server([](ServerOptions& options) { options.header_milliseconds = options.body_milliseconds = 200; });
  ClientSocket header(server.port()), body(server.port());
  header.send("GET / HTTP/1.1\r\nHost: local");
  body.send(
      "POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
      "Content-Length: 100\r\n\r\n{");
  EXPECT_TRUE(header.closed_within(5s));
  EXPECT_TRUE(body.closed_within(5s));
}

TEST(ServerLimits, SlowReadersAreLetGo) {
  LiveServer server([](ServerOptions& options) { options.write_milliseconds = 300; });
  ClientSocket reader(server.port());
  reader.send(to_wire({"POST", "/v1/completions", R"({"prompt":"#","n":4,"logprobs":20,"stream":true})"}));
  EXPECT_TRUE(server.becomes("hearth_requests_gone_total{model=\"scripted\"}", 1));
  EXPECT_TRUE(server.becomes("hearth_requests_running{model=\"scripted\"}", 0));
}

TEST(ServerLimits, BeyondTheMostConnectionsThereIsNoPlace) {
  LiveServer server([](ServerOptions& options) { options.connections = 2; });
  ClientSocket first(server.port());
  first.send("GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_NE(first.receive("ok").find("200 OK"), std::string::npos);
  ClientSocket second(server.port());
  second.send("GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_NE(second.receive("ok").find("200 OK"), std::string::npos);
  ClientSocket third(server.port());
  const HttpAnswer refused = parse_answer(third.receive());
  EXPECT_EQ(refused.status, 503);
  EXPECT_EQ(refused.header("Retry-After"), "1");
  EXPECT_EQ(code_of(refused), "busy");
}

TEST(ServerLimits, ABusyModelSaysWhenToComeAgain) {
  LiveServer server([](ServerOptions& options) {
    options.engine.parallel = 1;
    options.engine.most_waiting = 1;
  });
  const std::string endless = to_wire({"POST", "/v1/completions", R"({"prompt":"#","stream":true})"});
  ClientSocket running(server.port()), waiting(server.port());
  running.send(endless);
  running.receive(" one");
  EXPECT_TRUE(server.becomes("hearth_requests_waiting{model=\"scripted\"}", 0));  // counted once a step has ended
  waiting.send(endless);
  EXPECT_TRUE(server.becomes("hearth_requests_waiting{model=\"scripted\"}", 1));
  const HttpAnswer refused = post(server.port(), "/v1/completions", R"({"prompt":"x"})");
  EXPECT_EQ(refused.status, 503) << refused.body;
  EXPECT_EQ(refused.header("Retry-After"), "1");
  EXPECT_EQ(code_of(refused), "busy");
}

TEST(ServerLimits, AStreamThatWaitsInTheQueueGetsComments) {
  LiveServer server([](ServerOptions& options) {
    options.engine.parallel = 1;
    options.silence_milliseconds = 50;
  });
  ClientSocket running(server.port()), waiting(server.port());
  running.send(to_wire({"POST", "/v1/completions", R"({"prompt":"#","stream":true})"}));
  running.receive(" one");
  waiting.send(to_wire({"POST", "/v1/completions", R"({"prompt":"x","stream":true})"}));
  const std::string received = waiting.receive(": working\n\n");
  EXPECT_NE(received.find("200 OK"), std::string::npos) << received;
  EXPECT_NE(received.find(": working\n\n"), std::string::npos) << received;
  EXPECT_EQ(received.find("data: "), std::string::npos) << received;
}

TEST(ServerLimits, ARequestThatWaitsTooLongIsToldSo) {
  LiveServer server([](ServerOptions& options) {
    options.engine.parallel = 1;
    options.engine.longest_wait = 0.2;
  });
  ClientSocket running(server.port());
  running.send(to_wire({"POST", "/v1/completions", R"({"prompt":"#","stream":true})"}));
  running.receive(" one");
  const HttpAnswer refused = post(server.port(), "/v1/completions", R"({"prompt":"x"})");
  EXPECT_EQ(refused.status, 503) << refused.body;
  EXPECT_EQ(refused.header("Retry-After"), "1");
  EXPECT_EQ(code_of(refused), "busy");
  // One that has its place keeps it.
  EXPECT_NE(running.receive(" three").find(" three"), std::string::npos);
}

TEST(ServerLimits, NoAnswerIsLongerThanTheServersMost) {
  LiveServer server([](ServerOptions& options) { options.engine.most_tokens = 5; });
  for (const char* more : {"", R"(,"max_tokens":3000)"}) {
    const HttpAnswer given = post(server.port(), "/v1/completions", R"({"prompt":"#")" + std::string(more) + "}");
    const Json answer = given.json();
    EXPECT_EQ(given.header("X-Hearth-Warning"), *more == 0 ? "" : "max_tokens is 3000, but the server allows 5");
    EXPECT_EQ(answer["usage"]["completion_tokens"], 5);
    EXPECT_EQ(answer["choices"][0]["finish_reason"], "length");
  }
  const Json less = post(server.port(), "/v1/completions", R"({"prompt":"#","max_tokens":2})").json();
  EXPECT_EQ(less["usage"]["completion_tokens"], 2);
}

TEST(ServerLimits, NeitherLogNorMetricsHoldWhatClientsWrote) {
  LiveServer server;
  const std::string secret = "xyzzy-secret";
  post(server.port(), "/v1/completions", R"({"prompt":"xyzzy-secret","max_tokens":1})");
  post(server.port(), "/v1/completions", R"({"prompt":"xyzzy-secret","model":"xyzzy-secret"})");
  post(server.port(), "/xyzzy-secret", "{xyzzy-secret");
  EXPECT_EQ(get(server.port(), "/metrics").body.find(secret), std::string::npos);
  EXPECT_EQ(server.log().find(secret), std::string::npos);
}

}  // namespace
}  // namespace hearth::serve
