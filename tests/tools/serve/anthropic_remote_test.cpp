// A provider of Anthropic's API, asked through a server by clients of several protocols.
#include <gtest/gtest.h>

#include "tests/tools/serve/fake_provider.h"
#include "tests/tools/serve/live_server.h"
#include "tools/audit/reader.h"

namespace hearth::serve {
namespace {

// Says the words of the last text again, after some thinking and with a call that holds them too; a stream comes in
// pieces of seven bytes.
std::string message(const std::string& request) {
  const Json body = Json::parse(request);
  const Json& content = body["messages"].back()["content"];
  const auto text = content.is_string() ? content.get<std::string>() : content.back().value("text", "");
  const std::string input = Json{{"said", text}}.dump();
  if (text == "busy")
    return http_answer(R"({"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}})", "529 Busy");
  if (!body.value("stream", false))
    return http_answer(Json{
        {"id", "msg_1"},
        {"type", "message"},
        {"model", "large"},
        {"content", Json::array({{{"type", "thinking"}, {"thinking", "hm"}, {"signature", "S1"}},
                                 {{"type", "text"}, {"text", text}},
                                 {{"type", "tool_use"}, {"id", "t1"}, {"name", "say"}, {"input", {{"said", text}}}}})},
        {"stop_reason", "tool_use"},
        {"usage", {{"input_tokens", 10}, {"output_tokens", 5}}}}
                           .dump());
  std::string events;
  const auto tell = [&](const Json& event) {
    events += "event: " + event["type"].get<std::string>() + "\n" + to_event(event);
  };
  const auto block = [&](int index, Json start, const std::string& kind, const std::string& member,
                         const std::string& all) {
    tell({{"type", "content_block_start"}, {"index", index}, {"content_block", std::move(start)}});
    for (size_t at = 0; at < all.size(); at += 7)
      tell({{"type", "content_block_delta"},
            {"index", index},
            {"delta", {{"type", kind}, {member, all.substr(at, 7)}}}});
    tell({{"type", "content_block_stop"}, {"index", index}});
  };
  tell({{"type", "message_start"},
        {"message", {{"id", "msg_1"}, {"model", "large"}, {"usage", {{"input_tokens", 10}, {"output_tokens", 1}}}}}});
  block(0, {{"type", "text"}, {"text", ""}}, "text_delta", "text", text);
  block(1, {{"type", "tool_use"}, {"id", "t1"}, {"name", "say"}, {"input", Json::object()}}, "input_json_delta",
        "partial_json", input);
  tell({{"type", "message_delta"}, {"delta", {{"stop_reason", "tool_use"}}}, {"usage", {{"output_tokens", 5}}}});
  tell({{"type", "message_stop"}});
  return http_stream(events);
}

const std::string kKey = "ghp_abcdefghijklmnopqrstuvwxyz0123456789";

TEST(AnthropicRemote, AnswersClientsOfEveryProtocolAndIsRecordedAsItWasAsked) {
  if (!can_send_off_machine()) GTEST_SKIP() << "built without HEARTH_REMOTE";
  FakeProvider provider(message);
  LiveServer server([&](ServerOptions& options) {
    Remote remote{"cloud", provider.base_url(), "key", {"large"}};
    remote.api = RemoteApi::anthropic;
    remote.input_price = remote.output_price = 1e6;
    options.remotes = {remote};
  });
  std::vector<Json> rows;
  const auto ask_for = [&](const std::string& path, std::string body, bool stream) {
    body.replace(body.find('$'), 1, "say " + kKey + " now");
    body += stream ? R"(,"stream":true})" : R"(,"stream":false})";
    HttpAnswer answer = ask(server.port(), {"POST",
                                            path,
                                            body,
                                            {"Content-Type: application/json",
                                             "anthropic-beta: context-management-2025-06-27, claude-code-20250219, "
                                             "hunter2-2025-01-01, context-management-hunter2-2025-01-01, " +
                                                 kKey}});
    EXPECT_EQ(answer.status, 200) << path << answer.body;
    EXPECT_EQ(answer.header("X-Hearth-Redactions"), "1");
    EXPECT_EQ(provider.bodies().back().find(kKey), std::string::npos);
    EXPECT_EQ(provider.heads().back().find(kKey), std::string::npos) << "nothing but names of betas";
    EXPECT_EQ(provider.heads().back().find("hunter2"), std::string::npos) << "and none but known ones";
    return answer;
  };
  const std::string user = R"("messages":[{"role":"user","content":"$"}])";
  const Json chat =
      ask_for("/v1/chat/completions", R"({"model":"large","seed":3,)" + user, false).json()["choices"][0]["message"];
  EXPECT_NE(provider.heads().back().find("POST /v1/messages "), std::string::npos);
  EXPECT_NE(provider.heads().back().find("x-api-key: key"), std::string::npos);
  EXPECT_NE(provider.heads().back().find("anthropic-version: "), std::string::npos);
  EXPECT_EQ(chat["content"], "say " + kKey + " now");
  EXPECT_EQ(chat["reasoning_content"], "hm");
  EXPECT_EQ(Json::parse(chat["tool_calls"][0]["function"]["arguments"].get<std::string>())["said"], chat["content"]);

  const HttpAnswer streamed = ask_for("/v1/chat/completions", R"({"model":"large","seed":3,)" + user, true);
  EXPECT_EQ(streamed.header("X-Hearth-Ignored-Fields"), "seed");
  std::string text, arguments;
  for (const Json& chunk : streamed.chunks()) {
    const Json& delta = chunk["choices"][0]["delta"];
    text += delta.value("content", "");
    if (delta.contains("tool_calls")) arguments += delta["tool_calls"][0]["function"].value("arguments", "");
  }
  EXPECT_EQ(text, chat["content"]);
  EXPECT_EQ(Json::parse(arguments)["said"], chat["content"]);

  const std::string native = R"({"model":"large","max_tokens":99,"x_new":{"kept":1},)" + user;
  const Json own = ask_for("/v1/messages", native, false).json();
  EXPECT_EQ(own["content"][0]["signature"], "S1") << "as it came";
  EXPECT_EQ(own["content"][2]["input"]["said"], chat["content"]);
  EXPECT_EQ(Json::parse(provider.bodies().back())["x_new"]["kept"], 1);
  EXPECT_NE(provider.heads().back().find("anthropic-beta: claude-code-20250219,context-management-2025-06-27\r"),
            std::string::npos);
  text = arguments = "";
  for (const std::string& event : ask_for("/v1/messages", native, true).events()) {
    const Json parsed = Json::parse(event);
    if (parsed["type"] != "content_block_delta") continue;
    text += parsed["delta"].value("text", "");
    arguments += parsed["delta"].value("partial_json", "");
  }
  EXPECT_EQ(text, chat["content"]);
  EXPECT_EQ(Json::parse(arguments)["said"], chat["content"]);

  const HttpAnswer responses = ask_for("/v1/responses", R"({"model":"large","input":"$")", false);
  EXPECT_NE(responses.body.find("say " + kKey), std::string::npos) << responses.body;

  const HttpAnswer busy =
      post(server.port(), "/v1/chat/completions", R"({"model":"large","messages":[{"role":"user","content":"busy"}]})");
  EXPECT_EQ(busy.status, 529);
  EXPECT_EQ(busy.json()["error"]["message"], "Overloaded") << busy.body;
  HttpAsk auto_ask{"POST", "/v1/messages",
                   R"({"model":"auto","max_tokens":9,"messages":[{"role":"user","content":"busy"}]})"};
  auto_ask.headers.push_back("X-Hearth-Route: cloud");
  EXPECT_EQ(ask(server.port(), auto_ask).header("X-Hearth-Rule"), "fallback");
  EXPECT_EQ(post(server.port(), "/v1/completions", R"({"model":"large","prompt":"x"})").status, 400);

  audit::Reader(server.audit_log()).each([&](const audit::Row& row) {
    rows.push_back(audit::parse_row(row.content));
    return true;
  });
  ASSERT_GE(rows.size(), 10u);
  EXPECT_EQ(rows[4]["headers"], "anthropic-beta: claude-code-20250219,context-management-2025-06-27");
  for (size_t i = 0; i < 5; ++i) {
    EXPECT_EQ(rows[2 * i]["sha256"], audit::sha256(provider.bodies()[i]));
    EXPECT_EQ(rows[2 * i + 1]["prompt_tokens"], 10) << i;
    EXPECT_EQ(rows[2 * i + 1]["cost"], 15.0) << i;
  }
}

}  // namespace
}  // namespace hearth::serve
