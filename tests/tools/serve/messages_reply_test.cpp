// How Anthropic's messages are worded, event by event.
#include "tools/serve/anthropic/messages_reply.h"

#include <gtest/gtest.h>

namespace hearth::serve {
namespace {

Result message_result(FinishReason reason) {
  Result result;
  result.reason = reason;
  result.prompt_tokens = 5;
  result.cached_tokens = 2;
  result.generated_tokens = 3;
  return result;
}

TEST(MessagesReply, AStreamIsAnExactSeriesOfEvents) {
  const auto reply = make_messages_reply({"msg_1", 7, "m"});
  EXPECT_EQ(reply->begin(5),
            "event: message_start\n"
            R"(data: {"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","model":"m",)"
            R"("content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":5,)"
            R"("cache_creation_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":0}}})"
            "\n\nevent: ping\ndata: {\"type\":\"ping\"}\n\n");
  Event event;
  event.reasoning = "hm";
  event.text = "a";
  EXPECT_EQ(
      reply->piece(0, event),
      "event: content_block_start\n"
      R"(data: {"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":"","signature":""}})"
      "\n\nevent: content_block_delta\n"
      R"(data: {"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"hm"}})"
      "\n\nevent: content_block_delta\n"
      R"(data: {"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"aGVhcnRo"}})"
      "\n\nevent: content_block_stop\n"
      R"(data: {"type":"content_block_stop","index":0})"
      "\n\nevent: content_block_start\n"
      R"(data: {"type":"content_block_start","index":1,"content_block":{"type":"text","text":""}})"
      "\n\nevent: content_block_delta\n"
      R"(data: {"type":"content_block_delta","index":1,"delta":{"type":"text_delta","text":"a"}})"
      "\n\n");
  Event calls;
  calls.calls = {{0, "t1", "Read", ""}, {0, "", "", "{\"p\":1}"}, {1, "t2", "List", "{}"}};
  calls.result = message_result(FinishReason::tool_calls);
  EXPECT_EQ(
      reply->piece(0, calls),
      "event: content_block_stop\n"
      R"(data: {"type":"content_block_stop","index":1})"
      "\n\nevent: content_block_start\n"
      R"(data: {"type":"content_block_start","index":2,"content_block":{"type":"tool_use","id":"t1","name":"Read","input":{}}})"
      "\n\nevent: content_block_delta\n"
      R"(data: {"type":"content_block_delta","index":2,"delta":{"type":"input_json_delta","partial_json":"{\"p\":1}"}})"
      "\n\nevent: content_block_stop\n"
      R"(data: {"type":"content_block_stop","index":2})"
      "\n\nevent: content_block_start\n"
      R"(data: {"type":"content_block_start","index":3,"content_block":{"type":"tool_use","id":"t2","name":"List","input":{}}})"
      "\n\nevent: content_block_delta\n"
      R"(data: {"type":"content_block_delta","index":3,"delta":{"type":"input_json_delta","partial_json":"{}"}})"
      "\n\nevent: content_block_stop\n"
      R"(data: {"type":"content_block_stop","index":3})"
      "\n\nevent: message_delta\n"
      R"(data: {"type":"message_delta","delta":{"stop_reason":"tool_use","stop_sequence":null},"usage":{"input_tokens":3,)"
      R"("cache_creation_input_tokens":0,"cache_read_input_tokens":2,"output_tokens":3}})"
      "\n\n");
  EXPECT_EQ(reply->end(), "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n");
}

TEST(MessagesReply, AWholeMessageHasAllBlocks) {
  Result result = message_result(FinishReason::stop);
  result.stop = "END";
  result.reasoning = "hm";
  result.text = "a";
  result.calls = {{"t1", "Read", R"({"p":1})"}};
  const Json message = make_messages_reply({"msg_1", 7, "m"})->whole({result});
  EXPECT_EQ(message, Json::parse(R"({"id":"msg_1","type":"message","role":"assistant","model":"m","content":[
      {"type":"thinking","thinking":"hm","signature":"aGVhcnRo"},{"type":"text","text":"a"},
      {"type":"tool_use","id":"t1","name":"Read","input":{"p":1}}],"stop_reason":"stop_sequence","stop_sequence":"END",
      "usage":{"input_tokens":3,"cache_creation_input_tokens":0,"cache_read_input_tokens":2,"output_tokens":3}})"));
}

TEST(MessagesReply, ThoughtsAreLeftOutWhereNobodyWantsThem) {
  Result result = message_result(FinishReason::end);
  result.reasoning = "hm";
  result.text = "a";
  const auto reply = make_messages_reply({"msg_1", 7, "m"}, false);
  EXPECT_EQ(reply->whole({result})["content"], Json::parse(R"([{"type":"text","text":"a"}])"));
  Event event;
  event.reasoning = "hm";
  EXPECT_EQ(reply->piece(0, event), "");
}

TEST(MessagesReply, ErrorsSayWhatClientsLookFor) {
  ApiError error = invalid_request("the prompt has 9 tokens");
  error.prompt_tokens = 210000;
  error.context = 32768;
  EXPECT_EQ(to_text(anthropic_error_json(error)), R"({"type":"error","error":{"type":"invalid_request_error",)"
                                                  R"("message":"prompt is too long: 210000 tokens > 32768 maximum"}})");
  EXPECT_EQ(anthropic_error_json(busy("full"))["error"]["type"], "overloaded_error");
  EXPECT_TRUE(make_messages_reply({})->failure(busy("full")).starts_with("event: error\ndata: {\"type\":\"error\""));
}

}  // namespace
}  // namespace hearth::serve
