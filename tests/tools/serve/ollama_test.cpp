// What becomes of the bodies of Ollama's API, and how they are answered.
#include <gtest/gtest.h>

#include "tools/serve/ollama/ollama_reply.h"
#include "tools/serve/ollama/ollama_request.h"

namespace hearth::serve {
namespace {

Job read_ollama(const std::string& body) { return read_ollama_chat(parse_object(body), {"", 1, "spark"}); }
Job read_ollama_prompt(const std::string& body) { return read_ollama_generate(parse_object(body), {"", 1, "spark"}); }

std::string refused_by_ollama(const std::string& body, Job (*read)(const std::string&) = read_ollama) {
  try {
    read(body);
    return "";
  } catch (const ApiError& error) {
    EXPECT_NE(std::string(error.what()).find(error.param), std::string::npos) << error.what();
    return error.param;
  }
}

TEST(OllamaRequest, AChatReachesTheRequest) {
  const Job job = read_ollama(R"({"model":"m:latest","think":false,"format":"json","keep_alive":"5m","options":{
      "num_ctx":77,"num_predict":9,"temperature":0.5,"top_k":7,"top_p":0.25,"seed":42,"stop":["a"],"repeat_last_n":-1,
      "num_gpu":1},"messages":[{"role":"system","content":"s"},{"role":"user","content":"a"},
      {"role":"assistant","content":"","thinking":"hm","tool_calls":[{"function":{"name":"f","arguments":{"z":1}}}]},
      {"role":"tool","tool_name":"f","content":"r"}]})");
  EXPECT_EQ(job.model, "m");
  EXPECT_TRUE(job.stream);
  EXPECT_EQ(job.keep_alive, std::chrono::seconds(300));
  const Request& request = job.requests[0];
  EXPECT_EQ(request.context, 77u);
  EXPECT_EQ(request.max_tokens, 9u);
  EXPECT_EQ(request.sampling.temperature, 0.5f);
  EXPECT_EQ(request.sampling.seed, 42u);
  EXPECT_EQ(request.sampling.penalty_window, UINT32_MAX);
  EXPECT_EQ(request.stop, std::vector<std::string>{"a"});
  EXPECT_TRUE(std::holds_alternative<JsonSchema>(request.constraint));
  EXPECT_EQ(job.ignored, std::vector<std::string>{"options.num_gpu"});
  EXPECT_EQ(
      std::get<Conversation>(request.prompt).json,
      R"({"messages":[{"role":"system","content":"s"},{"role":"user","content":"a"},)"
      R"({"role":"assistant","content":"","reasoning_content":"hm","tool_calls":[{"id":"call_0","type":"function",)"
      R"("function":{"name":"f","arguments":{"z":1}}}]},)"
      R"({"role":"tool","tool_call_id":"call_0","name":"f","content":"r"}],)"
      R"("extra":{"enable_thinking":false,"thinking":false}})");
}

TEST(OllamaRequest, WrongToolsAreRefusedByTheirPlace) {
  const auto tools = [](const std::string& list) {
    return refused_by_ollama(R"({"messages":[{"role":"user","content":"x"}],"tools":)" + list + "}");
  };
  EXPECT_EQ(tools(R"([{"function":{"name":""}}])"), "tools[0].function.name");
  EXPECT_EQ(tools(R"([{"function":{"name":"f"}},{"function":{"name":"f"}}])"), "tools[1].function.name");
  EXPECT_EQ(tools(R"([{"function":{"name":"f","parameters":7}}])"), "tools[0].function.parameters");
}

TEST(OllamaRequest, APromptIsAConversationAGapOrTokens) {
  EXPECT_TRUE(std::holds_alternative<Conversation>(read_ollama_prompt(R"({"prompt":"a"})").requests[0].prompt));
  const Job gap = read_ollama_prompt(R"({"prompt":"a","suffix":"b"})");
  EXPECT_EQ(std::get<Infill>(gap.requests[0].prompt).suffix, "b");
  const Job raw = read_ollama_prompt(R"({"prompt":"a","raw":true})");
  EXPECT_EQ(std::get<std::string>(raw.requests[0].prompt), "a");
  EXPECT_TRUE(raw.prepare);
}

TEST(OllamaRequest, NothingAskedOnlyLoads) {
  for (const char* body : {R"({"model":"m"})", R"({"messages":[]})"})
    EXPECT_TRUE(read_ollama(body).requests.empty()) << body;
  const Job unload = read_ollama_prompt(R"({"model":"m","keep_alive":0})");
  EXPECT_TRUE(unload.requests.empty());
  EXPECT_EQ(unload.reply->whole({})["done_reason"], "unload");
  EXPECT_EQ(read_ollama_prompt("{}").reply->whole({})["done_reason"], "load");
}

TEST(OllamaRequest, DurationsAreReadAsOllamaReadsThem) {
  const auto seconds = [](const std::string& value) {
    return read_ollama(R"({"keep_alive":)" + value + "}").keep_alive->count();
  };
  EXPECT_EQ(seconds("30"), 30);
  EXPECT_EQ(seconds("-1"), -1);
  EXPECT_EQ(seconds("\"-1m\""), -1);
  EXPECT_EQ(seconds("\"1h30m\""), 5400);
  EXPECT_EQ(seconds("\"1500ms\""), 2);
  EXPECT_EQ(seconds("\"10\""), 10);
  EXPECT_FALSE(read_ollama("{}").keep_alive);
  for (const char* wrong : {"\"\"", "\"soon\"", "\"5x\"", "\"m\"", "[]", "1e300", "\"inf\"", "\"nan\""})
    EXPECT_EQ(refused_by_ollama(std::string(R"({"keep_alive":)") + wrong + "}"), "keep_alive") << wrong;
}

TEST(OllamaRequest, WhatCannotBeIsRefusedByName) {
  EXPECT_EQ(refused_by_ollama(R"({"messages":7})"), "messages");
  EXPECT_EQ(refused_by_ollama(R"({"messages":[{"role":"x","content":""}]})"), "messages[0].role");
  EXPECT_EQ(refused_by_ollama(R"({"messages":[{"role":"user","content":"x","images":["aGk="]}]})"),
            "messages[0].images");
  EXPECT_EQ(refused_by_ollama(R"({"format":"xml"})"), "format");
  EXPECT_EQ(refused_by_ollama(R"({"think":1})"), "think");
  EXPECT_EQ(refused_by_ollama(R"({"options":{"num_ctx":0}})"), "options.num_ctx");
  EXPECT_EQ(refused_by_ollama(R"({"options":{"temperature":9}})"), "options.temperature");
  EXPECT_EQ(refused_by_ollama(R"({"options":{"num_predict":-3}})"), "options.num_predict");
  EXPECT_EQ(refused_by_ollama(R"({"prompt":7})", read_ollama_prompt), "prompt");
  EXPECT_EQ(refused_by_ollama(R"({"prompt":"x","images":["aGk="]})", read_ollama_prompt), "images");
}

Result ollama_result() {
  Result result;
  result.text = "ab";
  result.calls = {{"c1", "f", R"({"p":1})"}};
  result.reason = FinishReason::tool_calls;
  result.prompt_tokens = 5;
  result.generated_tokens = 3;
  result.prompt_seconds = 0.5;
  result.generate_seconds = 0.25;
  return result;
}

const std::string kOllamaEnd =
    R"("done":true,"done_reason":"stop","total_duration":750000000,"load_duration":0,"prompt_eval_count":5,)"
    R"("prompt_eval_duration":500000000,"eval_count":3,"eval_duration":250000000})"
    "\n";

TEST(OllamaReply, AStreamIsLinesTheLastWithFigures) {
  const auto reply = make_ollama_reply({"", 0, "m"}, OllamaKind::chat, false);
  EXPECT_STREQ(reply->content_type(), "application/x-ndjson");
  const std::string head =
      R"({"model":"m","created_at":"1970-01-01T00:00:00Z","message":{"role":"assistant","content":)";
  Event event;
  event.text = "ab";
  event.reasoning = "hm";
  EXPECT_EQ(reply->piece(0, event), head + R"("ab","thinking":"hm"},"done":false})" + "\n");
  Event last;
  last.result = ollama_result();
  EXPECT_EQ(
      reply->piece(0, last),
      head + R"("","tool_calls":[{"id":"c1","function":{"index":0,"name":"f","arguments":{"p":1}}}]},"done":false})" +
          "\n" + head + R"(""},)" + kOllamaEnd);
  EXPECT_EQ(reply->end(), "");
  EXPECT_EQ(reply->silence(), head + R"(""},"done":false})" + "\n");
  EXPECT_EQ(reply->failure(busy("full")), "{\"error\":\"full\"}\n");
}

TEST(OllamaReply, AWholeAnswerIsOneObject) {
  EXPECT_EQ(to_text(make_ollama_reply({"", 0, "m"}, OllamaKind::generate, false)->whole({ollama_result()})) + "\n",
            R"({"model":"m","created_at":"1970-01-01T00:00:00Z","response":"ab",)" + kOllamaEnd);
}

}  // namespace
}  // namespace hearth::serve
