// How answers are worded, event by event.
#include <gtest/gtest.h>

#include <limits>

#include "tools/serve/chat_reply.h"
#include "tools/serve/completion_reply.h"
#include "tools/serve/logprobs_json.h"

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
                                 R"("prompt_tokens_details":{"cached_tokens":2}}})"
                                 "\n\ndata: [DONE]\n\n");
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
