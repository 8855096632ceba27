// Conversations of other protocols on their way to a remote and back.
#include <gtest/gtest.h>

#include "tools/serve/anthropic/messages_request.h"
#include "tools/serve/hop_answer.h"
#include "tools/serve/hop_request.h"

namespace hearth::serve {
namespace {

TEST(HopRequest, SaysWhatAnAnthropicRequestSays) {
  const Json asked = Json::parse(R"({"model":"auto","max_tokens":50,"temperature":0.5,"stop_sequences":["END"],
    "system":"Be brief.","tools":[{"name":"read","description":"Reads.","input_schema":{"type":"object"}}],
    "tool_choice":{"type":"tool","name":"read"},
    "messages":[{"role":"user","content":"Go"},
      {"role":"assistant","content":[{"type":"thinking","thinking":"hm","signature":""},
        {"type":"tool_use","id":"t1","name":"read","input":{"path":"a"}}]},
      {"role":"user","content":[{"type":"tool_result","tool_use_id":"t1","content":"text"}]}]})");
  const Json body = chat_body(read_messages_request(asked, {"id", 0, "m"}));
  EXPECT_EQ(body["stream"], true);
  EXPECT_EQ(body["max_tokens"], 50);
  EXPECT_EQ(body["stop"], Json::array({"END"}));
  EXPECT_EQ(body["tool_choice"]["function"]["name"], "read");
  EXPECT_EQ(body["tools"][0]["function"]["name"], "read");
  ASSERT_EQ(body["messages"].size(), 4u);
  EXPECT_EQ(body["messages"][0]["content"], "Be brief.");
  EXPECT_EQ(body["messages"][2]["reasoning_content"], "hm");
  EXPECT_EQ(body["messages"][2]["tool_calls"][0]["function"]["arguments"], R"({"path":"a"})");
  EXPECT_EQ(body["messages"][3]["tool_call_id"], "t1");
  EXPECT_EQ(body["messages"][3]["content"], "text");
}

TEST(HopAnswer, BecomesEventsAndAResult) {
  HopAnswer answer;
  std::string text, reasoning, arguments, name;
  const auto feed = [&](const std::string& chunk) {
    for (const Event& event : answer.feed("data: " + chunk + "\n\n")) {
      text += event.text;
      reasoning += event.reasoning;
      for (const ToolCallPiece& piece : event.calls) {
        arguments += piece.arguments;
        name += piece.name;
      }
    }
  };
  feed(R"({"choices":[{"index":0,"delta":{"role":"assistant","reasoning_content":"hm"}}]})");
  feed(R"({"choices":[{"index":0,"delta":{"content":"Hel"}}]})");
  feed(R"({"choices":[{"index":1,"delta":{"content":"other"}}]})");
  feed("nonsense");
  feed(
      R"({"choices":[{"index":0,"delta":{"content":"lo","tool_calls":[{"index":0,"id":"c1","function":{"name":"read","arguments":"{\"a"}}]}}]})");
  feed(
      R"({"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"c1","function":{"name":"read","arguments":"\":1}"}}]}}]})");
  feed(R"({"choices":[{"index":0,"delta":{},"finish_reason":"tool_calls"}]})");
  EXPECT_TRUE(answer.ended());
  feed(
      R"({"choices":[],"usage":{"prompt_tokens":7,"completion_tokens":9,"prompt_tokens_details":{"cached_tokens":3}}})");
  feed("[DONE]");
  const Result result = *answer.finish().result;
  EXPECT_EQ(text, "Hello");
  EXPECT_EQ(reasoning, "hm");
  EXPECT_EQ(name, "read");
  EXPECT_EQ(arguments, R"({"a":1})");
  EXPECT_EQ(result.text, "Hello");
  EXPECT_EQ(result.calls.at(0).id, "c1");
  EXPECT_EQ(result.calls.at(0).arguments, R"({"a":1})");
  EXPECT_EQ(result.reason, FinishReason::tool_calls);
  EXPECT_EQ(result.prompt_tokens, 7u);
  EXPECT_EQ(result.generated_tokens, 9u);
  EXPECT_EQ(result.cached_tokens, 3u);
}

TEST(HopAnswer, MayBeWhole) {
  HopAnswer answer;
  const auto events = answer.feed_whole(Json::parse(
      R"({"choices":[{"index":0,"message":{"content":"all","tool_calls":[{"id":"x","function":{"name":"f","arguments":"{}"}}]},"finish_reason":"length"}]})"));
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].text, "all");
  EXPECT_EQ(events[0].calls.at(0).name, "f");
  EXPECT_EQ(answer.finish().result->reason, FinishReason::max_tokens);
}

}  // namespace
}  // namespace hearth::serve
