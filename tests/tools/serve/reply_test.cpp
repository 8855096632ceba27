// How answers are worded, event by event.
#include <gtest/gtest.h>

#include <limits>

#include "tools/serve/openai/chat_reply.h"
#include "tools/serve/openai/completion_reply.h"
#include "tools/serve/openai/logprobs_json.h"

namespace hearth::serve {
namespace {

Event text_event(const std::string& text) {
  Event event;
  event.text = text;
  return event;
}

Event last_event(FinishReason reason) {
  Event event;
  event.result.emplace();
  event.result->reason = reason;
  event.result->prompt_tokens = 5;
  event.result->cached_tokens = 2;
  event.result->generated_tokens = 3;
  return event;
}

TEST(ChatReply, AStreamIsRoleTextsAndReason) {
  const auto reply = make_chat_reply({"id", 7, "m"}, 1, {.logprobs = false, .include_usage = true});
  const std::string head = R"(data: {"id":"id","object":"chat.completion.chunk","created":7,"model":"m","choices":[)";
  const std::string tail = "],\"usage\":null}\n\n";
  EXPECT_EQ(reply->piece(0, text_event("a")),
            head + R"({"index":0,"delta":{"role":"assistant","content":""},"logprobs":null,"finish_reason":null})" +
                tail + head + R"({"index":0,"delta":{"content":"a"},"logprobs":null,"finish_reason":null})" + tail);
  EXPECT_EQ(reply->piece(0, last_event(FinishReason::context_full)),
            head + R"({"index":0,"delta":{},"logprobs":null,"finish_reason":"length"})" + tail);
  EXPECT_EQ(reply->end(), head + R"(],"usage":{"prompt_tokens":5,"completion_tokens":3,"total_tokens":8,)"
                                 R"("prompt_tokens_details":{"cached_tokens":2},)"
                                 R"("completion_tokens_details":{"reasoning_tokens":0}}})"
                                 "\n\ndata: [DONE]\n\n");
}

TEST(ChatReply, CallsAreToldInPiecesThatShareAnIndex) {
  const auto reply = make_chat_reply({"id", 7, "m"}, 1, {});
  Event event;
  event.reasoning = "why";
  event.calls = {{0, "call_1", "f", ""}, {0, "", "", "{\"a\":"}, {1, "call_2", "g", "{}"}};
  std::vector<Json> deltas;
  const std::string text = reply->piece(0, event);
  for (size_t at = 0; (at = text.find("data: ", at)) != text.npos; at += 6)
    deltas.push_back(Json::parse(text.substr(at + 6, text.find('\n', at) - at - 6))["choices"][0]["delta"]);
  ASSERT_EQ(deltas.size(), 5u);
  EXPECT_EQ(deltas[1], Json::parse(R"({"reasoning_content":"why"})"));
  EXPECT_EQ(to_text(deltas[2]), R"({"tool_calls":[{"index":0,"id":"call_1","type":"function",)"
                                R"("function":{"name":"f","arguments":""}}]})");
  EXPECT_EQ(to_text(deltas[3]), R"({"tool_calls":[{"index":0,"function":{"arguments":"{\"a\":"}}]})");
  EXPECT_EQ(deltas[4]["tool_calls"][0]["id"], "call_2");
  Event last = last_event(FinishReason::tool_calls);
  EXPECT_NE(reply->piece(0, last).find(R"("finish_reason":"tool_calls")"), std::string::npos);
}

TEST(ChatReply, AWholeAnswerHasReasoningAndCalls) {
  Result result;
  result.reasoning = "why";
  result.calls = {{"call_1", "f", "{\"a\":1}"}};
  result.reason = FinishReason::tool_calls;
  const Json choice = make_chat_reply({}, 1, {})->whole({result})["choices"][0];
  EXPECT_EQ(choice["finish_reason"], "tool_calls");
  EXPECT_EQ(choice["message"], Json::parse(R"({"role":"assistant","content":null,"refusal":null,
      "reasoning_content":"why","tool_calls":[{"id":"call_1","type":"function",
      "function":{"name":"f","arguments":"{\"a\":1}"}}]})"));
}

TEST(ChatReply, ACallThatCannotBeReadIsTextWithAWarning) {
  const auto reply = make_chat_reply({}, 1, {});
  Event last = last_event(FinishReason::end);
  last.result->malformed_call = true;
  const std::string text = reply->piece(0, last);
  EXPECT_NE(text.find("x_hearth_warning"), std::string::npos);
  EXPECT_NE(text.find(R"("finish_reason":"stop")"), std::string::npos);
}

TEST(ChatReply, AnAnswerWithoutTextHasARoleToo) {
  const auto reply = make_chat_reply({}, 1, {});
  EXPECT_NE(reply->piece(0, last_event(FinishReason::end)).find("assistant"), std::string::npos);
}

TEST(ChatReply, APromptCountsOnceHoweverManyChoices) {
  const auto reply = make_chat_reply({}, 2, {});
  reply->piece(0, last_event(FinishReason::end));
  reply->piece(1, last_event(FinishReason::end));
  EXPECT_EQ(reply->usage().prompt_tokens, 5u);
  EXPECT_EQ(reply->usage().cached_tokens, 2u);
  EXPECT_EQ(reply->usage().completion_tokens, 6u);
}

TEST(ChatReply, AFailureIsAnErrorEvent) {
  const auto reply = make_chat_reply({}, 1, {});
  EXPECT_EQ(reply->failure(busy("full")),
            "data: {\"error\":{\"message\":\"full\",\"type\":\"server_error\",\"param\":null,\"code\":\"busy\"}}\n\n");
}

TEST(CompletionReply, AnEchoedPromptComesFirst) {
  const auto reply = make_completion_reply({}, 1, 1, {});
  reply->on_prompt(0, {"p", std::nullopt});
  const std::string first = reply->piece(0, text_event("a"));
  EXPECT_LT(first.find(R"("text":"p")"), first.find(R"("text":"a")"));
  EXPECT_EQ(reply->piece(0, text_event("b")).find(R"("text":"p")"), std::string::npos);
}

TEST(LogprobsJson, ImpossibleTokensAndBrokenCharactersAreJsonToo) {
  const float never = -std::numeric_limits<float>::infinity();
  const TokenLogprob token{1, "\xC3", never, {{2, "\xA9", -1, {}}}};
  EXPECT_EQ(
      to_text(chat_logprobs({token})),
      "{\"content\":[{\"token\":\"\xEF\xBF\xBD\",\"logprob\":-9999.0,\"bytes\":[195],\"top_logprobs\":[{\"token\":"
      "\"\xEF\xBF\xBD\",\"logprob\":-1.0,\"bytes\":[169]}]}],\"refusal\":null}");
  size_t offset = 3;
  const Json plain = completion_logprobs({{1, "\xC3\xA9", -1, {}}, {2, "b", -2, {}}}, offset);
  EXPECT_EQ(plain["text_offset"], Json::parse("[3,4]"));
  EXPECT_EQ(offset, 5u);
}

}  // namespace
}  // namespace hearth::serve
