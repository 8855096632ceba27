// Paths, methods and errors of a live server.
#include <gtest/gtest.h>

#include <regex>
#include <set>
#include <utility>

#include "tests/tools/serve/live_server.h"

namespace hearth::serve {
namespace {

TEST(ServerRoutes, ErrorsHaveTheShapeThatClientsRead) {
  LiveServer server;
  const HttpAnswer answer = get(server.port(), "/v1/nothing");
  EXPECT_EQ(answer.status, 404);
  EXPECT_EQ(answer.header("Content-Type"), "application/json");
  EXPECT_EQ(answer.header("X-Hearth-Served-By"), "local");
  const Json error = answer.json()["error"];
  EXPECT_EQ(error["type"], "not_found_error");
  EXPECT_EQ(error["code"], "unknown_url");
  EXPECT_TRUE(error["param"].is_null());
}

TEST(ServerRoutes, MethodsArePartOfARoute) {
  LiveServer server;
  const HttpAnswer refused = get(server.port(), "/v1/chat/completions");
  EXPECT_EQ(refused.status, 405);
  EXPECT_EQ(refused.header("Allow"), "POST");
  EXPECT_EQ(post(server.port(), "/v1/models", "{}").header("Allow"), "GET, HEAD");
  EXPECT_EQ(post(server.port(), "/v1/responses/resp_1", "{}").header("Allow"), "GET, HEAD, DELETE");
  const HttpAnswer head = ask(server.port(), {"HEAD", "/", "", {}});
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.body, "");
}

TEST(ServerRoutes, BrowsersSeeThePageAndOthersTheGreeting) {
  LiveServer server([](ServerOptions& options) { options.access.keys = {"secret"}; });
  EXPECT_EQ(get(server.port(), "/").body, "Hearth is running\n");
  const HttpAnswer page = ask(server.port(), {"GET", "/", "", {"Accept: text/html,*/*"}});
  EXPECT_EQ(page.status, 200);
  EXPECT_EQ(page.header("Content-Type"), "text/html; charset=utf-8");
  EXPECT_TRUE(page.header("Content-Security-Policy").starts_with("default-src 'none'; "));
  // Everything that the page and its scripts name is there, without a key, and from here.
  std::set<std::string> files;
  std::string texts = page.body;
  const std::regex names(R"re((?:"page/|from "\./)([a-z.]+)")re");
  for (size_t read = 0; read < texts.size();) {
    const std::string text = texts.substr(std::exchange(read, texts.size()));
    for (std::sregex_iterator at(text.begin(), text.end(), names), end; at != end; ++at) {
      if (!files.insert((*at)[1]).second) continue;
      const HttpAnswer file = get(server.port(), "/page/" + (*at)[1].str());
      EXPECT_EQ(file.status, 200) << (*at)[1];
      EXPECT_NE(file.header("Content-Type").find((*at)[1].str().ends_with(".css") ? "css" : "javascript"),
                std::string::npos);
      texts += file.body;
    }
  }
  EXPECT_EQ(files.size(), 9u);
  EXPECT_EQ(texts.find("https://"), std::string::npos);
  EXPECT_EQ(get(server.port(), "/page/../page.js").status, 404);
}

TEST(ServerRoutes, EmbeddingsAreVectorsOfLengthOne) {
  LiveServer server([](ServerOptions& options) { options.engine.embeddings = true; });
  const HttpAnswer answer = post(server.port(), "/v1/embeddings", R"({"input":["x",[1,2,3]],"user":"me"})");
  ASSERT_EQ(answer.status, 200) << answer.body;
  ASSERT_EQ(answer.json()["data"].size(), 2u);
  double sum = 0;
  const Json vector = answer.json()["data"][1]["embedding"];
  for (const Json& value : vector) sum += value.get<double>() * value.get<double>();
  EXPECT_NEAR(sum, 1, 1e-5);
  EXPECT_EQ(answer.json()["data"][1]["index"], 1);
  EXPECT_GE(answer.json()["usage"]["prompt_tokens"], 4);
  const HttpAnswer packed = post(server.port(), "/v1/embeddings", R"({"input":"x","encoding_format":"base64"})");
  EXPECT_EQ(packed.json()["data"][0]["embedding"].get<std::string>().size(), (vector.size() * 4 + 2) / 3 * 4);
  for (const char* wrong : {R"({})", R"({"input":[]})", R"({"input":5})", R"({"input":["x",5.5]})", R"({"input":[-1]})",
                            R"({"input":"x","dimensions":3})", R"({"input":"x","encoding_format":"hex"})"})
    EXPECT_EQ(post(server.port(), "/v1/embeddings", wrong).status, 400) << wrong;
}

TEST(ServerRoutes, EmbeddingsMustBeAskedForAtTheStart) {
  LiveServer server;
  const HttpAnswer answer = post(server.port(), "/v1/embeddings", R"({"input":"x"})");
  EXPECT_EQ(answer.status, 400);
  EXPECT_EQ(answer.json()["error"]["code"], "embeddings_not_enabled");
}

TEST(ServerRoutes, AWrongFieldIsNamed) {
  LiveServer server;
  const HttpAnswer answer =
      post(server.port(), "/v1/chat/completions", R"({"messages":[{"role":"user","content":"x"}],"temperature":-1})");
  EXPECT_EQ(answer.status, 400);
  EXPECT_EQ(answer.json()["error"]["param"], "temperature");
}

TEST(ServerRoutes, AConstraintThatCannotBeFollowedIsNamedInEachShape) {
  LiveServer server;
  const auto refused = [&](const char* path, const std::string& more) {
    const HttpAnswer answer =
        post(server.port(), path, R"({"max_tokens":9,"messages":[{"role":"user","content":"x"}])" + more + "}");
    EXPECT_EQ(answer.status, 400) << path << answer.body;
    return answer.json()["error"];
  };
  const std::string schema = R"({"type":"json_schema","schema":{"type":"object","not":{}}})";
  const std::string named = R"({"type":"json_schema","json_schema":{"name":"n","schema":{"uniqueItems":true}}})";
  EXPECT_EQ(refused("/v1/chat/completions", R"(,"response_format":)" + named)["param"], "response_format");
  EXPECT_EQ(refused("/v1/chat/completions", R"(,"grammar":"root ::= nothing")")["param"], "grammar");
  EXPECT_EQ(refused("/v1/completions", R"(,"prompt":"x","json_schema":{"pattern":"("})")["param"], "json_schema");
  EXPECT_EQ(refused("/v1/responses", R"(,"input":"x","text":{"format":)" + schema + "}")["param"],
            "text.format.schema");
  const auto says = [](const Json& text, const char* word) {
    EXPECT_NE(text.get<std::string>().find(word), std::string::npos) << to_text(text);
  };
  says(refused("/v1/messages", R"(,"output_config":{"format":)" + schema + "}")["message"],
       "output_config.format.schema");
  says(refused("/completion", R"(,"prompt":"x","grammar":"root ::= (")")["message"], "grammar");
  says(refused("/api/chat", R"(,"format":{"not":{}})"), "'format'");
  // What has nothing to do with the constraint is not blamed on it.
  EXPECT_EQ(
      refused("/v1/completions", R"(,"prompt":"x","json_schema":{"type":"null"},"logit_bias":{"99999":1})")["param"],
      "logit_bias");
}

TEST(ServerRoutes, RequestsAreCounted) {
  LiveServer server;
  get(server.port(), "/health");
  EXPECT_EQ(server.metric(R"(hearth_requests_total{endpoint="/health",status="200"})"), 1);
  get(server.port(), "/xyzzy");
  EXPECT_EQ(server.metric(R"(hearth_requests_total{endpoint="other",status="404"})"), 1);
  post(server.port(), "/v1/completions", R"({"prompt":"x"})");
  EXPECT_EQ(server.metric(R"(hearth_generated_tokens_total{model="scripted"})"), 4);
  EXPECT_EQ(server.metric(R"(hearth_time_to_first_token_seconds_count{model="scripted"})"), 1);
}

TEST(ServerRoutes, RequestsAreLoggedByEndpointWhereWanted) {
  LiveServer server([](ServerOptions& options) { options.log_requests = true; });
  get(server.port(), "/v1/models/xyzzy");
  get(server.port(), "/health");
  EXPECT_NE(server.log().find("GET /v1/models/ 404 "), std::string::npos) << server.log();
  EXPECT_EQ(server.log().find("xyzzy"), std::string::npos) << server.log();
}

}  // namespace
}  // namespace hearth::serve
