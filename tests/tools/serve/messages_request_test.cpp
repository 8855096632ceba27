// What becomes of the body of an Anthropic request.
#include "tools/serve/anthropic/messages_request.h"

#include <gtest/gtest.h>

namespace hearth::serve {
namespace {

Job read_messages_body(const std::string& body) {
  return read_messages_request(parse_object(body), {"id", 1, "spark"});
}

Job read_greeting(const std::string& more) {
  return read_messages_body(R"({"max_tokens":9,"messages":[{"role":"user","content":"hi"}])" + more + "}");
}

Json conversation_of(const Job& job) { return Json::parse(std::get<Conversation>(job.requests[0].prompt).json); }

std::string refused_in_messages(const std::string& body) {
  try {
    read_messages_body(body);
    return "";
  } catch (const ApiError& error) {
    EXPECT_EQ(error.status, 400);
    EXPECT_NE(std::string(error.what()).find(error.param), std::string::npos) << error.what();
    return error.param;
  }
}

TEST(MessagesRequest, ALastTurnOfTheAssistantIsWhereTheAnswerBegins) {
  const auto with = [](const std::string& turn) {
    return conversation_of(
        read_messages_body(R"({"max_tokens":9,"messages":[{"role":"user","content":"hi"},)" + turn + "]}"));
  };
  const Json begun = with(R"({"role":"assistant","content":[{"type":"text","text":"Sure"}]})");
  EXPECT_EQ(begun["prefill"], "Sure");
  EXPECT_EQ(begun["messages"].size(), 1u);
  const Json called = with(R"({"role":"assistant","content":[{"type":"tool_use","id":"t","name":"f","input":{}}]})");
  EXPECT_FALSE(called.contains("prefill"));
  EXPECT_EQ(called["messages"].size(), 2u);
}

TEST(MessagesRequest, DocumentsAreReadWhereTheyAreText) {
  const auto with = [](const std::string& source) {
    return R"({"max_tokens":9,"messages":[{"role":"user","content":[{"type":"text","text":"hi"},{"type":"document","source":)" +
           source + "}]}]}";
  };
  EXPECT_EQ(conversation_of(read_messages_body(with(R"({"type":"text","data":"doc"})")))["messages"][0]["content"],
            "hi\n\ndoc");
  for (const char* source : {R"({"type":5})", R"({"type":"base64"})", "{}", "7"})
    EXPECT_EQ(refused_in_messages(with(source)), "messages[0].content[1].type") << source;
}

TEST(MessagesRequest, BlocksBecomeTurns) {
  const Job job = read_messages_body(R"({"model":"m","max_tokens":7,"stream":true,
    "system":[{"type":"text","text":"x-anthropic-billing-header: cc_version=1;"},
              {"type":"text","text":"one","cache_control":{"type":"ephemeral"}},{"type":"text","text":"two"}],
    "messages":[{"role":"user","content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]},
      {"role":"system","content":"mind"},
      {"role":"assistant","content":[{"type":"thinking","thinking":"hm","signature":"s"},{"type":"redacted_thinking","data":"x"},
        {"type":"text","text":"I read"},{"type":"tool_use","id":"t1","name":"Read","input":{"z":1,"a":"x"}}]},
      {"role":"user","content":[{"type":"tool_result","tool_use_id":"t1","content":[{"type":"text","text":"r"}]},
        {"type":"text","text":"go on"}]}]})");
  EXPECT_EQ(job.model, "m");
  EXPECT_TRUE(job.stream);
  EXPECT_EQ(job.requests[0].max_tokens, 7u);
  EXPECT_EQ(
      std::get<Conversation>(job.requests[0].prompt).json,
      R"({"messages":[{"role":"system","content":"one\n\ntwo"},{"role":"user","content":"a\n\nb"},{"role":"system","content":"mind"},)"
      R"({"role":"assistant","content":"I read","reasoning_content":"hm","tool_calls":[{"id":"t1","type":"function",)"
      R"("function":{"name":"Read","arguments":{"z":1,"a":"x"}}}]},)"
      R"({"role":"tool","tool_call_id":"t1","name":"Read","content":"r"},{"role":"user","content":"go on"}]})");
  EXPECT_TRUE(job.ignored.empty());
}

// Claude Code sends the same message in both forms in one session.
TEST(MessagesRequest, ASystemMessageReadsAlikeAsTextAndAsBlocks) {
  const auto with = [](const std::string& content) {
    return to_text(conversation_of(read_messages_body(
        R"({"messages":[{"role":"user","content":"a"},{"role":"system","content":)" + content + "}]}")));
  };
  EXPECT_EQ(with(R"("mind")"), with(R"([{"type":"text","text":"mind","cache_control":{"type":"ephemeral"}}])"));
}

TEST(MessagesRequest, ToolsAndTheirChoice) {
  const std::string tools = R"(,"tools":[{"name":"f","description":"d","input_schema":{"type":"object"}},
      {"type":"web_search_20250305","name":"web_search"},{"type":"custom","name":"g","defer_loading":true,
       "input_schema":{}}])";
  const Job job = read_greeting(tools);
  EXPECT_EQ(
      conversation_of(job)["tools"],
      Json::parse(R"([{"type":"function","function":{"name":"f","description":"d","parameters":{"type":"object"}}},
                            {"type":"function","function":{"name":"g","parameters":{}}}])"));
  EXPECT_EQ(job.warnings, std::vector<std::string>{"left out: tools of the types web_search_20250305"});
  const auto chosen = [&](const std::string& choice) {
    return read_greeting(tools + ",\"tool_choice\":" + choice).requests[0];
  };
  EXPECT_EQ(chosen(R"({"type":"any"})").tool_use, ToolUse::required);
  EXPECT_EQ(chosen(R"({"type":"none"})").tool_use, ToolUse::none);
  EXPECT_EQ(chosen(R"({"type":"tool","name":"g"})").tool, "g");
  EXPECT_FALSE(chosen(R"({"type":"auto","disable_parallel_tool_use":true})").parallel_calls);
}

TEST(MessagesRequest, FormatThinkingAndStops) {
  const Job job =
      read_greeting(R"(,"stop_sequences":["x","y"],"temperature":0.5,"top_k":3,"thinking":{"type":"disabled"},
      "output_config":{"effort":"high","format":{"type":"json_schema","schema":{"type":"array"}}},
      "metadata":{"user_id":"me"},"context_management":{"edits":[]})");
  const Request& request = job.requests[0];
  EXPECT_EQ(request.stop, (std::vector<std::string>{"x", "y"}));
  EXPECT_EQ(request.sampling.temperature, 0.5f);
  EXPECT_EQ(request.sampling.top_k, 3u);
  EXPECT_EQ(std::get<JsonSchema>(request.constraint).json, R"({"type":"array"})");
  EXPECT_EQ(conversation_of(job)["extra"],
            Json::parse(R"({"enable_thinking":false,"thinking":false,"reasoning_effort":"high"})"));
  EXPECT_EQ(job.ignored, (std::vector<std::string>{"metadata", "context_management"}));
  EXPECT_FALSE(
      conversation_of(read_greeting(R"(,"thinking":{"type":"adaptive","display":"omitted"})")).contains("extra"));
}

TEST(MessagesRequest, WhatCannotBeIsRefusedByName) {
  EXPECT_EQ(refused_in_messages("{}"), "messages");
  EXPECT_EQ(refused_in_messages(R"({"messages":[]})"), "messages");
  EXPECT_EQ(refused_in_messages(R"({"messages":[{"role":"tool","content":"x"}]})"), "messages[0].role");
  EXPECT_EQ(refused_in_messages(R"({"messages":[{"role":"user"}]})"), "messages[0].content");
  EXPECT_EQ(refused_in_messages(R"({"messages":[{"role":"user","content":[{"type":"image"}]}]})"),
            "messages[0].content[0].type");
  EXPECT_EQ(refused_in_messages(R"({"messages":[{"role":"user","content":[{"type":"text"}]}]})"),
            "messages[0].content[0].text");
  EXPECT_EQ(refused_in_messages(R"({"messages":[{"role":"assistant","content":[{"type":"tool_use","id":"1","name":"f",
      "input":"x"}]}]})"),
            "messages[0].content[0].input");
  const auto field = [](const std::string& more) {
    return refused_in_messages(R"({"messages":[{"role":"user","content":"x"}],)" + more + "}");
  };
  EXPECT_EQ(field(R"("max_tokens":0)"), "max_tokens");
  EXPECT_EQ(field(R"("stop_sequences":"x")"), "stop_sequences");
  EXPECT_EQ(field(R"("stop_sequences":[""])"), "stop_sequences");
  EXPECT_EQ(field(R"("tool_choice":{"type":"must"})"), "tool_choice.type");
  EXPECT_EQ(field(R"("tool_choice":{"type":"any"})"), "tool_choice");
  EXPECT_EQ(field(R"("thinking":{"type":"hard"})"), "thinking.type");
  EXPECT_EQ(field(R"("output_config":{"format":{"type":"xml"}})"), "output_config.format.type");
  EXPECT_EQ(field(R"("system":7)"), "system");
  EXPECT_EQ(field(R"("tools":[{}])"), "tools[0].name");
  EXPECT_EQ(field(R"("tools":[{"name":""}])"), "tools[0].name");
  EXPECT_EQ(field(R"("tools":[{"name":"f"},{"name":"g"},{"name":"f"}])"), "tools[2].name");
  EXPECT_EQ(field(R"("tools":[{"name":"f","input_schema":"{}"}])"), "tools[0].input_schema");
  EXPECT_EQ(field(R"("tools":[{"name":"f","input_schema":{"type":"array"}}])"), "tools[0].input_schema");
}

TEST(MessagesRequest, BlocksOfUnknownTypesAreNamed) {
  const Job job = read_messages_body(
      R"({"messages":[{"role":"user","content":[{"type":"hologram"},{"type":"text","text":"x"}]}]})");
  EXPECT_EQ(job.ignored, std::vector<std::string>{"messages[0].content[0]"});
}

}  // namespace
}  // namespace hearth::serve
