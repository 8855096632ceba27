// Chats on their way to a provider of Anthropic's API, and its answers on their way back.
#include "tools/serve/anthropic/messages_hop.h"

#include <gtest/gtest.h>

#include "tools/serve/anthropic/messages_chat.h"
#include "tools/serve/api_error.h"
#include "tools/serve/hop_answer.h"

namespace hearth::serve {
namespace {

Json hop(const char* chat, const MessagesShape& shape = {}) { return messages_of_chat(Json::parse(chat), shape).body; }

TEST(MessagesHop, SaysWhatAChatSays) {
  const MessagesHop hop = messages_of_chat(Json::parse(R"({"model":"m","stream":true,"temperature":1.7,"top_p":0.5,
    "stop":["END"," "],"seed":7,"parallel_tool_calls":false,"tool_choice":"required",
    "tools":[{"type":"function","function":{"name":"read","description":"Reads.","parameters":{"properties":{}}}}],
    "messages":[{"role":"system","content":"Be brief."},{"role":"user","content":"Go"},
      {"role":"assistant","content":null,"tool_calls":[
        {"id":"t1","function":{"name":"read","arguments":"{\"path\":\"a\"}"}},
        {"id":"t2","function":{"name":"read","arguments":"cut {"}}]},
      {"role":"tool","tool_call_id":"t1","content":"one"},{"role":"tool","tool_call_id":"t2","content":"two"},
      {"role":"user","content":[{"type":"text","text":"See"},
        {"type":"image_url","image_url":{"url":"data:image/png;base64,AAAA"}}]},
      {"role":"developer","content":"In German."}]})"),
                                           {});
  EXPECT_EQ(hop.ignored, std::vector<std::string>{"seed"});
  const Json& body = hop.body;
  EXPECT_EQ(body["system"], "Be brief.\n\nIn German.");
  EXPECT_EQ(body["max_tokens"], 8192);
  EXPECT_EQ(body["stream"], true);
  EXPECT_EQ(body["temperature"], 1.0);
  EXPECT_FALSE(body.contains("top_p"));
  EXPECT_EQ(body["stop_sequences"], Json::array({"END"}));
  EXPECT_EQ(body["tool_choice"], Json::parse(R"({"type":"any","disable_parallel_tool_use":true})"));
  EXPECT_EQ(body["tools"][0]["input_schema"]["type"], "object");
  const Json& messages = body["messages"];
  ASSERT_EQ(messages.size(), 3u) << messages;
  EXPECT_EQ(messages[1]["content"][0],
            Json::parse(R"({"type":"tool_use","id":"t1","name":"read","input":{"path":"a"}})"));
  EXPECT_EQ(messages[1]["content"][1]["input"], Json::object());
  ASSERT_EQ(messages[2]["content"].size(), 4u) << "both results and what the user says are one message";
  EXPECT_EQ(messages[2]["content"][1]["tool_use_id"], "t2");
  EXPECT_EQ(messages[2]["content"][3]["source"]["media_type"], "image/png");
}

TEST(MessagesHop, AsksForReasoningUnlessACallHasLostIts) {
  const char* simple = R"({"max_tokens":100,"temperature":0.5,"reasoning_effort":"high",
    "messages":[{"role":"user","content":"x"}]})";
  EXPECT_EQ(hop(simple)["thinking"]["type"], "adaptive");
  EXPECT_EQ(hop(simple)["output_config"]["effort"], "high");
  EXPECT_FALSE(hop(simple).contains("temperature"));
  EXPECT_EQ(hop(simple, {8192, true})["max_tokens"], 100 + 16384);
  const std::string calling = R"({"reasoning_effort":"low","messages":[{"role":"user","content":"x"},
    {"role":"assistant",$"tool_calls":[{"id":"t","function":{"name":"f","arguments":"{}"}}]},
    {"role":"tool","tool_call_id":"t","content":"y"}]})";
  std::string without = calling, with = calling;
  without.replace(without.find('$'), 1, "");
  with.replace(with.find('$'), 1, R"("thinking_blocks":[{"type":"thinking","thinking":"hm","signature":"S"}],)");
  EXPECT_FALSE(hop(without.c_str()).contains("thinking"));
  EXPECT_TRUE(hop(with.c_str()).contains("thinking"));
  EXPECT_EQ(hop(with.c_str())["messages"][1]["content"][0]["signature"], "S");
}

TEST(MessagesHop, RefusesWhatCannotBeSaid) {
  EXPECT_THROW(hop(R"({"n":2,"messages":[]})"), ApiError);
  EXPECT_THROW(hop(R"({"messages":[{"role":"user","content":[{"type":"input_audio"}]}]})"), ApiError);
}

std::string events(std::initializer_list<const char*> all) {
  std::string text;
  for (const char* event : all) text += std::string("event: x\ndata: ") + event + "\n\n";
  return text;
}

TEST(MessagesAsChat, AStreamBecomesChunks) {
  MessagesAsChat chat(true);
  const std::string told = chat.feed(events(
      {R"({"type":"message_start","message":{"id":"msg_1","model":"big","usage":{"input_tokens":5,"cache_read_input_tokens":7}}})",
       R"({"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":"","signature":""}})",
       R"({"type":"ping"})",
       R"({"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"hm"}})",
       R"({"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"S"}})",
       R"({"type":"content_block_stop","index":0})",
       R"({"type":"content_block_start","index":1,"content_block":{"type":"text","text":""}})",
       R"({"type":"content_block_delta","index":1,"delta":{"type":"text_delta","text":"Hello"}})",
       R"({"type":"content_block_stop","index":1})",
       R"({"type":"content_block_start","index":2,"content_block":{"type":"tool_use","id":"t1","name":"read","input":{}}})",
       R"({"type":"content_block_delta","index":2,"delta":{"type":"input_json_delta","partial_json":"{\"a\":"}})",
       R"({"type":"content_block_delta","index":2,"delta":{"type":"input_json_delta","partial_json":"1}"}})",
       R"({"type":"content_block_stop","index":2})", R"({"type":"unheard_of"})",
       R"({"type":"message_delta","delta":{"stop_reason":"tool_use"},"usage":{"output_tokens":9}})",
       R"({"type":"message_stop"})"}));
  EXPECT_TRUE(told.ends_with("data: [DONE]\n\n"));
  EXPECT_NE(told.find(R"("thinking_blocks":[{"type":"thinking","thinking":"hm","signature":"S"}])"), told.npos) << told;
  HopAnswer answer;
  answer.feed(told);
  EXPECT_TRUE(answer.ended());
  const Result result = *answer.finish().result;
  EXPECT_EQ(result.text, "Hello");
  EXPECT_EQ(result.reasoning, "hm");
  EXPECT_EQ(result.calls.at(0).id, "t1");
  EXPECT_EQ(result.calls.at(0).arguments, R"({"a":1})");
  EXPECT_EQ(result.reason, FinishReason::tool_calls);
  EXPECT_EQ(result.prompt_tokens, 12u);
  EXPECT_EQ(result.cached_tokens, 7u);
  EXPECT_EQ(result.generated_tokens, 9u);
}

TEST(MessagesAsChat, AWholeAnswerBecomesACompletionAndAnErrorAnError) {
  const Json whole =
      MessagesAsChat::whole(Json::parse(R"({"type":"message","id":"msg_1","model":"big","stop_reason":"max_tokens",
    "content":[{"type":"text","text":"Hi"},{"type":"tool_use","id":"t","name":"f","input":{"a":1}}],
    "usage":{"input_tokens":3,"output_tokens":4}})"));
  EXPECT_EQ(whole["choices"][0]["message"]["content"], "Hi");
  EXPECT_EQ(whole["choices"][0]["message"]["tool_calls"][0]["function"]["arguments"], R"({"a":1})");
  EXPECT_EQ(whole["choices"][0]["finish_reason"], "length");
  EXPECT_EQ(whole["usage"]["total_tokens"], 7);
  const char* error = R"({"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}})";
  EXPECT_EQ(MessagesAsChat::whole(Json::parse(error))["error"]["message"], "Overloaded");
  EXPECT_EQ(MessagesAsChat(false).feed(events({error})).find("data: {\"error\":{\"message\":\"Overloaded\""), 0u);
  EXPECT_TRUE(MessagesAsChat::whole(Json()).contains("error"));
}

}  // namespace
}  // namespace hearth::serve
