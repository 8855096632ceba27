// Models by name in a live server: listed, loaded on demand, unloaded; and how the server ends.
#include <gtest/gtest.h>

#include "tests/tools/serve/live_server.h"

namespace hearth::serve {
namespace {

using namespace std::chrono_literals;

const std::string kOther = "hearth_model_loaded{model=\"other\"}";
const std::string kScripted = "hearth_model_loaded{model=\"scripted\"}";

HttpAnswer ask_model(const LiveServer& server, const std::string& name, const std::string& more = "") {
  return post(server.port(), "/v1/completions", R"({"prompt":"x","model":")" + name + "\"" + more + "}");
}

TEST(ServerModels, AreLoadedWhenAskedFor) {
  LiveServer server;
  EXPECT_EQ(server.metric(kOther), 0);
  EXPECT_EQ(server.metric(kScripted), 1);
  const Json answer = ask_model(server, "other").json();
  EXPECT_EQ(answer["model"], "other");
  EXPECT_EQ(answer["choices"][0]["text"], " Hello, world!");
  EXPECT_EQ(server.metric(kOther), 1);
}

TEST(ServerModels, MakeRoomForEachOtherWithinTheMemory) {
  LiveServer server(
      [](ServerOptions& options) { options.memory = read_facts(options.models[0], options.engine).total() * 3 / 2; });
  for (const char* name : {"other", "scripted", "other"}) {
    EXPECT_EQ(ask_model(server, name).status, 200);
    EXPECT_EQ(server.metric(kOther) + server.metric(kScripted), 1);
  }
}

TEST(ServerModels, ThatAreUsedAreNotUnloadedForOthers) {
  LiveServer server([](ServerOptions& options) {
    options.memory = read_facts(options.models[0], options.engine).total() * 3 / 2;
    options.silence_milliseconds = 50;
  });
  ClientSocket user(server.port());
  user.send(to_wire({"POST", "/v1/completions", R"({"prompt":"#","max_tokens":1000,"stream":true})"}));
  user.receive(" one");
  ClientSocket waiting(server.port());
  waiting.send(to_wire({"POST", "/v1/completions", R"({"prompt":"x","stream":true,"model":"other"})"}));
  const std::string begin = waiting.receive(": working");
  EXPECT_NE(begin.find(": working"), std::string::npos) << begin;
  const HttpAnswer answer = parse_answer(begin + waiting.receive());
  std::string text;
  for (const Json& chunk : answer.chunks()) text += chunk["choices"][0]["text"].get<std::string>();
  EXPECT_EQ(text, " Hello, world!");
}

TEST(ServerModels, AModelPastTheMemoryIsRefused) {
  EXPECT_THROW(LiveServer([](ServerOptions& options) { options.memory = 1000; }), std::exception);
}

TEST(ServerModels, AreUnloadedWhenIdle) {
  LiveServer server([](ServerOptions& options) { options.keep_alive_seconds = 1; });
  EXPECT_TRUE(server.becomes(kScripted, 0));
  EXPECT_EQ(ask_model(server, "scripted").status, 200);
}

TEST(ServerModels, AreListedWithWhatTheyAre) {
  LiveServer server;
  const Json list = get(server.port(), "/v1/models").json();
  EXPECT_EQ(list["object"], "list");
  ASSERT_EQ(list["data"].size(), 2u);
  const Json one = get(server.port(), "/v1/models/scripted").json();
  EXPECT_EQ(one["id"], "scripted");
  EXPECT_EQ(one["context_length"], 65536);
  EXPECT_EQ(one["trained_context_length"], 65536);
  EXPECT_EQ(one["quantization"], "F32");
  EXPECT_GT(one["size"], 100'000);
}

TEST(ServerModels, UnknownOnesAreNotFound) {
  LiveServer server;
  for (const HttpAnswer& answer : {get(server.port(), "/v1/models/nope"), ask_model(server, "nope")}) {
    EXPECT_EQ(answer.status, 404);
    EXPECT_EQ(answer.json()["error"]["code"], "model_not_found");
  }
}

TEST(ServerModels, GoByTheNamesThatClientsOfOllamaUse) {
  LiveServer server;
  EXPECT_EQ(get(server.port(), "/v1/models/scripted%3Alatest").json()["id"], "scripted");
  EXPECT_EQ(get(server.port(), "/v1/models/scripted:latest").status, 200);
  EXPECT_EQ(get(server.port(), "/v1/models/scripted%3Aother").status, 404);
  EXPECT_EQ(ask_model(server, "other:latest").json()["choices"][0]["text"], " Hello, world!");
  EXPECT_EQ(server.metric(kOther), 1);
}

TEST(ServerModels, TellUntilWhenTheyStay) {
  const auto expires = [](const LiveServer& server) {
    return get(server.port(), "/api/ps").json()["models"][0]["expires_at"].get<std::string>();
  };
  const auto in = [](int64_t seconds) { return utc_time(std::time(nullptr) + seconds); };
  LiveServer idle([](ServerOptions& options) { options.keep_alive_seconds = 1000; });
  EXPECT_LE(in(900), expires(idle));
  EXPECT_LE(expires(idle), in(1001));
  post(idle.port(), "/api/generate", R"({"prompt":"x","keep_alive":"2h","stream":false})");
  EXPECT_LE(in(7100), expires(idle));
  EXPECT_LE(expires(idle), in(7201));
  ClientSocket user(idle.port());
  user.send(to_wire({"POST", "/api/generate", R"({"prompt":"#","raw":true,"keep_alive":"3h"})"}));
  user.receive(" one");
  EXPECT_LE(in(10'700), expires(idle)) << "as if it were idle from now on";
  LiveServer kept;
  EXPECT_LE(in(3'000'000'000), expires(kept));
}

TEST(ServerModels, AContextPastTheTrainedOneIsToldAtTheStart) {
  LiveServer server([](ServerOptions& options) { options.engine.context = 70'000; });
  EXPECT_NE(server.log().find("scripted: the context of 70000 tokens is past the 65536 "), std::string::npos)
      << server.log();
  EXPECT_EQ(LiveServer().log().find(" is past "), std::string::npos);
}

TEST(ServerModels, AContextPastThePlannedOneIsToldInTheAnswer) {
  LiveServer server;
  const auto warning = [&](const char* path, const std::string& body) {
    const HttpAnswer answer = post(server.port(), path, body);
    EXPECT_EQ(answer.status, 200) << answer.body;
    return answer.header("X-Hearth-Warning");
  };
  EXPECT_NE(warning("/v1/completions", R"({"prompt":"x","num_ctx":70000})").find("65536"), std::string::npos);
  EXPECT_NE(warning("/api/generate", R"({"prompt":"x","options":{"num_ctx":70000}})").find("65536"), std::string::npos);
  EXPECT_EQ(warning("/v1/completions", R"({"prompt":"x","num_ctx":100})"), "");
}

TEST(ServerModels, TheMemoryPlanIsLogged) {
  LiveServer server;
  EXPECT_NE(server.log().find("scripted: weights "), std::string::npos) << server.log();
}

TEST(ServerStop, LetsRequestsEnd) {
  LiveServer server;
  ClientSocket client(server.port());
  client.send(to_wire({"POST", "/v1/completions", R"({"prompt":"#","max_tokens":300,"stream":true})"}));
  std::string received = client.receive(" one");
  server.stop();
  received += client.receive();
  EXPECT_NE(received.find("[DONE]"), std::string::npos);
  server.join();
}

TEST(ServerStop, EndsRequestsWithAnErrorWhenTheGraceIsOver) {
  LiveServer server([](ServerOptions& options) { options.grace_seconds = 1; });
  ClientSocket client(server.port()), idle(server.port());
  client.send(to_wire({"POST", "/v1/completions", R"({"prompt":"#","stream":true})"}));
  std::string received = client.receive(" one");
  server.stop();
  EXPECT_TRUE(idle.closed_within(5s));
  received += client.receive();
  EXPECT_NE(received.find("shutting_down"), std::string::npos) << received.substr(received.size() - 500);
  EXPECT_EQ(received.find("[DONE]"), std::string::npos);
  server.join();
}

}  // namespace
}  // namespace hearth::serve
