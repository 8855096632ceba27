// A live server whose model thinks, says a word and calls a tool: what clients of every protocol get of it, and that
// they can go on with the tool's result.
#include <gtest/gtest.h>

#include "tests/tools/serve/calling_model.h"
#include "tests/tools/serve/live_server.h"

namespace hearth::serve {
namespace {

// A server with the model "caller", whose every answer is the same.
class CallingServer {
 public:
  explicit CallingServer(const SaidAndCalled& answer) {
    const auto path = folder_.path() / "caller.gguf";
    write_calling_model(path, answer);
    server_ = std::make_unique<LiveServer>([&](ServerOptions& options) {
      options.models = {{"caller", path, {}}};
      options.engine.context = 4096;
    });
  }

  HttpAnswer post_to(const std::string& path, const std::string& body) const {
    return post(server_->port(), path, "{\"temperature\":0," + body + "}");
  }

 private:
  TemporaryFolder folder_;
  std::unique_ptr<LiveServer> server_;
};

const std::string kPath = R"({"type":"object","properties":{"path":{"type":"string"}},"required":["path"]})";
const std::string kChatTool = R"([{"type":"function","function":{"name":"read","parameters":)" + kPath + "}}]";

std::vector<Json> data_lines(const std::string& body) {
  std::vector<Json> all;
  for (size_t at = 0; (at = body.find("data: {", at)) != body.npos; at += 6)
    all.push_back(Json::parse(body.substr(at + 6, body.find('\n', at) - at - 6)));
  return all;
}

class Calls : public testing::Test {
 protected:
  static void SetUpTestSuite() { server_ = new CallingServer(kReading); }
  static void TearDownTestSuite() { delete server_; }
  static CallingServer* server_;
};
CallingServer* Calls::server_ = nullptr;

TEST_F(Calls, OfAnOpenAiChat) {
  const std::string ask = R"("messages":[{"role":"user","content":"x"}],"tools":)" + kChatTool;
  const Json choice = server_->post_to("/v1/chat/completions", ask).json()["choices"][0];
  EXPECT_EQ(choice["finish_reason"], "tool_calls");
  EXPECT_EQ(choice["message"]["content"], "I look.");
  EXPECT_EQ(choice["message"]["reasoning_content"], "Which file?");
  const Json call = choice["message"]["tool_calls"][0];
  EXPECT_EQ(call["type"], "function");
  EXPECT_EQ(call["function"]["name"], "read");
  EXPECT_EQ(call["function"]["arguments"], R"({"path": "a.js"})");

  std::string text, reasoning, arguments, id, reason;
  for (const Json& chunk : server_->post_to("/v1/chat/completions", ask + R"(,"stream":true)").chunks()) {
    const Json delta = chunk["choices"][0]["delta"];
    text += delta.value("content", "");
    reasoning += delta.value("reasoning_content", "");
    for (const Json& piece : delta.value("tool_calls", Json::array())) {
      EXPECT_EQ(piece["index"], 0);
      if (piece.contains("id")) {
        EXPECT_TRUE(id.empty()) << "only the first piece has an id";
        EXPECT_EQ(piece["function"]["name"], "read");
        id = piece["id"];
      }
      arguments += piece["function"]["arguments"].get<std::string>();
    }
    if (!chunk["choices"][0]["finish_reason"].is_null()) reason = chunk["choices"][0]["finish_reason"];
  }
  EXPECT_EQ(text, "I look.");
  EXPECT_EQ(reasoning, "Which file?");
  EXPECT_EQ(arguments, R"({"path": "a.js"})");
  EXPECT_FALSE(id.empty());
  EXPECT_EQ(reason, "tool_calls");

  Json next = Json::parse("{" + ask + "}");
  next["messages"].push_back(choice["message"]);
  next["messages"].push_back({{"role", "tool"}, {"tool_call_id", call["id"]}, {"content", "text"}});
  const std::string more = to_text(next);
  EXPECT_EQ(server_->post_to("/v1/chat/completions", more.substr(1, more.size() - 2)).status, 200);
}

TEST_F(Calls, OfAnAnthropicMessage) {
  const std::string ask =
      R"("max_tokens":500,"messages":[{"role":"user","content":"x"}],"tools":[{"name":"read","input_schema":)" + kPath +
      "}]";
  const Json message = server_->post_to("/v1/messages", ask).json();
  EXPECT_EQ(message["stop_reason"], "tool_use");
  ASSERT_EQ(message["content"].size(), 3u) << to_text(message);
  EXPECT_EQ(message["content"][0]["thinking"], "Which file?");
  EXPECT_EQ(message["content"][1]["text"], "I look.");
  EXPECT_EQ(message["content"][2]["name"], "read");
  EXPECT_EQ(message["content"][2]["input"], Json::parse(R"({"path":"a.js"})"));

  std::string order, input;
  for (const Json& event : data_lines(server_->post_to("/v1/messages", ask + R"(,"stream":true)").body)) {
    if (event["type"] == "content_block_start") order += event["content_block"]["type"].get<std::string>() + " ";
    if (event["type"] == "content_block_delta") input += event["delta"].value("partial_json", "");
    if (event["type"] == "message_delta") order += event["delta"]["stop_reason"].get<std::string>();
  }
  EXPECT_EQ(order, "thinking text tool_use tool_use");
  EXPECT_EQ(input, R"({"path": "a.js"})");

  Json next = Json::parse("{" + ask + "}");
  next["messages"].push_back({{"role", "assistant"}, {"content", message["content"]}});
  next["messages"].push_back(
      {{"role", "user"},
       {"content",
        Json::array({{{"type", "tool_result"}, {"tool_use_id", message["content"][2]["id"]}, {"content", "text"}}})}});
  const std::string more = to_text(next);
  const HttpAnswer answer = server_->post_to("/v1/messages", more.substr(1, more.size() - 2));
  EXPECT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(answer.header("X-Hearth-Ignored-Fields"), "");
}

TEST_F(Calls, OfAResponse) {
  const std::string ask = R"("input":"x","tools":[{"type":"function","name":"read","parameters":)" + kPath + "}]";
  const Json response = server_->post_to("/v1/responses", ask).json();
  ASSERT_EQ(response["output"].size(), 3u) << to_text(response);
  EXPECT_EQ(response["output"][0]["summary"][0]["text"], "Which file?");
  EXPECT_EQ(response["output"][1]["content"][0]["text"], "I look.");
  const Json call = response["output"][2];
  EXPECT_EQ(call["type"], "function_call");
  EXPECT_EQ(call["name"], "read");
  EXPECT_EQ(call["arguments"], R"({"path": "a.js"})");
  EXPECT_GT(response["usage"]["output_tokens_details"]["reasoning_tokens"], 0);

  const auto events = data_lines(server_->post_to("/v1/responses", ask + R"(,"stream":true)").body);
  EXPECT_EQ(events.back()["type"], "response.completed");
  EXPECT_EQ(events.back()["response"]["output"][2]["arguments"], call["arguments"]);

  EXPECT_EQ(
      server_
          ->post_to("/v1/responses", R"("previous_response_id":)" + to_text(response["id"]) +
                                         R"(,"input":[{"type":"function_call_output","output":"text","call_id":)" +
                                         to_text(call["call_id"]) + "}]")
          .json()["status"],
      "completed");
}

TEST_F(Calls, OfAnOllamaChat) {
  const std::string ask = R"("messages":[{"role":"user","content":"x"}],"tools":)" + kChatTool;
  const Json answer = server_->post_to("/api/chat", ask + R"(,"stream":false)").json();
  EXPECT_EQ(answer["message"]["content"], "I look.");
  EXPECT_EQ(answer["message"]["thinking"], "Which file?");
  EXPECT_EQ(answer["message"]["tool_calls"][0]["function"]["arguments"], Json::parse(R"({"path":"a.js"})"));
  const std::string stream = server_->post_to("/api/chat", ask).body;
  EXPECT_NE(stream.find("\"tool_calls\""), stream.npos);
  EXPECT_NE(stream.find("\"done\":true"), stream.npos);
  const Json shown = server_->post_to("/api/show", "\"model\":\"caller\"").json();
  EXPECT_EQ(shown["capabilities"], Json::parse(R"(["completion","tools","thinking"])"));
}

TEST_F(Calls, ThatMayNotBeMadeAreText) {
  const Json choice = server_
                          ->post_to("/v1/chat/completions", R"("messages":[{"role":"user","content":"x"}],
                              "tool_choice":"none","tools":)" + kChatTool)
                          .json()["choices"][0];
  EXPECT_EQ(choice["finish_reason"], "stop");
  EXPECT_FALSE(choice["message"].contains("tool_calls"));
}

TEST(CallsOfFreeText, GoBackAsText) {
  CallingServer server({"", R"({"name": "apply_patch", "arguments": {"input": "*** Begin\n"}})"});
  const std::string ask = R"("input":"x","tools":[{"type":"custom","name":"apply_patch"}])";
  const Json item = server.post_to("/v1/responses", ask).json()["output"][0];
  EXPECT_EQ(item["type"], "custom_tool_call");
  EXPECT_EQ(item["input"], "*** Begin\n");
  std::string input;
  for (const Json& event : data_lines(server.post_to("/v1/responses", ask + R"(,"stream":true)").body))
    if (event["type"] == "response.custom_tool_call_input.delta") input += event["delta"].get<std::string>();
  EXPECT_EQ(input, "*** Begin\n");
}

// Its end is cut off by the limit of tokens.
TEST(CallsThatCannotBeRead, AreTextWithAWarning) {
  CallingServer server({"", R"({"name": "read", "arguments": [)"});
  const std::string ask = R"("messages":[{"role":"user","content":"x"}],"tools":)" + kChatTool;
  const HttpAnswer answer = server.post_to("/v1/chat/completions", ask);
  EXPECT_EQ(answer.status, 200);
  EXPECT_NE(answer.header("X-Hearth-Warning"), "");
  EXPECT_NE(answer.json()["choices"][0]["message"]["content"].get<std::string>().find("read"), std::string::npos);
  EXPECT_EQ(answer.json()["choices"][0]["finish_reason"], "stop");
  EXPECT_NE(server.post_to("/v1/chat/completions", ask + R"(,"stream":true)").body.find("x_hearth_warning"),
            std::string::npos);
}

// Half a call must not be taken for a whole one: where arguments are an object it is left out.
TEST(CallsThatAreCut, AreToldAsFarAsTheyGo) {
  CallingServer server({"", R"({"name": "read", "arguments": {"path": )"});
  const std::string ask = R"("max_tokens":2,"messages":[{"role":"user","content":"x"}],"tools":)";
  const HttpAnswer answer = server.post_to("/v1/chat/completions", ask + kChatTool);
  const Json choice = answer.json()["choices"][0];
  EXPECT_EQ(choice["finish_reason"], "length");
  EXPECT_EQ(choice["message"]["tool_calls"][0]["function"]["arguments"], "{\"path\": ");
  EXPECT_EQ(answer.header("X-Hearth-Warning"), "");
  const Json message =
      server.post_to("/v1/messages", ask + R"([{"name":"read","input_schema":{"type":"object"}}])").json();
  EXPECT_EQ(message["stop_reason"], "max_tokens");
  for (const Json& block : message["content"]) EXPECT_NE(block["type"], "tool_use");
  const Json chat =
      server.post_to("/api/chat", R"("stream":false,"options":{"num_predict":2},)" + ask + kChatTool).json();
  EXPECT_EQ(chat["done_reason"], "length");
  EXPECT_FALSE(chat["message"].contains("tool_calls"));
  const Json response =
      server
          .post_to("/v1/responses", R"("max_output_tokens":2,"input":"x","tools":[{"type":"function",)"
                                    R"("name":"read","parameters":{"type":"object"}}])")
          .json();
  EXPECT_EQ(response["status"], "incomplete");
  EXPECT_EQ(response["output"].back()["type"], "function_call");
  EXPECT_EQ(response["output"].back()["status"], "incomplete");
}

// Editors would rather have less at once; without the limit the answer would fill the context.
TEST(TimeLimits, EndAnAnswerThatHasALine) {
  CallingServer server({"a\n", ""});
  const std::string ask = R"("prompt":"<|assistant|>","ignore_eos":true,"t_max_predict_ms":1)";
  const Json answer = server.post_to("/completion", ask).json();
  EXPECT_EQ(answer["stop_type"], "limit");
  EXPECT_TRUE(answer["content"].get<std::string>().starts_with("a\n"));
  EXPECT_LT(answer["tokens_predicted"], 3900);
  EXPECT_EQ(data_lines(server.post_to("/completion", ask + R"(,"stream":true)").body).back()["stop_type"], "limit");
}

TEST(Formats, BindAnswersInEveryProtocol) {
  LiveServer live;
  const auto post_to = [&](const std::string& path, const std::string& body) {
    return post(live.port(), path, "{\"temperature\":0," + body + "}");
  };
  const std::string schema =
      R"({"type":"object","properties":{"city":{"enum":["Ulm"]}},"required":["city"],"additionalProperties":false})";
  const std::string messages = R"("messages":[{"role":"user","content":"x"}],"max_tokens":64)";
  const auto expect_city = [](const Json& text) {
    ASSERT_TRUE(text.is_string());
    EXPECT_EQ(Json::parse(text.get<std::string>(), nullptr, false), Json::parse(R"({"city":"Ulm"})")) << to_text(text);
  };
  expect_city(post_to("/v1/chat/completions",
                      messages + R"(,"response_format":{"type":"json_schema","json_schema":{"name":"n","schema":)" +
                          schema + "}}")
                  .json()["choices"][0]["message"]["content"]);
  expect_city(post_to("/v1/completions", R"("prompt":"x","max_tokens":64,"json_schema":)" + schema)
                  .json()["choices"][0]["text"]);
  expect_city(post_to("/v1/messages",
                      messages + R"(,"output_config":{"format":{"type":"json_schema","schema":)" + schema + "}}")
                  .json()["content"][0]["text"]);
  expect_city(post_to("/v1/responses",
                      R"("input":"x","text":{"format":{"type":"json_schema","name":"n","schema":)" + schema + "}}")
                  .json()["output"][0]["content"][0]["text"]);
  expect_city(post_to("/api/chat", R"("messages":[{"role":"user","content":"x"}],"stream":false,"format":)" + schema)
                  .json()["message"]["content"]);
  expect_city(post_to("/completion", R"("prompt":"x","n_predict":64,"json_schema":)" + schema).json()["content"]);
  EXPECT_EQ(post_to("/completion", R"("prompt":"x","grammar":"root ::= \"yes\"")").json()["content"], "yes");
}

}  // namespace
}  // namespace hearth::serve
