// What becomes of the body of a chat request.
#include "tools/serve/openai/chat_request.h"

#include <gtest/gtest.h>

namespace hearth::serve {
namespace {

const std::string kMessages = R"("messages":[{"role":"user","content":"hi"}])";

Job read(const std::string& more) {
  return read_chat_request(parse_object("{" + kMessages + (more.empty() ? "" : ",") + more + "}"), {"id", 1, "spark"});
}

// The field that a body is refused for; empty where it is accepted.
std::string refused(const std::string& body) {
  try {
    read_chat_request(parse_object(body), {});
    return "";
  } catch (const ApiError& error) {
    EXPECT_EQ(error.status, 400);
    EXPECT_NE(std::string(error.what()).find(error.param), std::string::npos) << error.what();
    return error.param;
  }
}

TEST(ChatRequest, FieldsReachTheRequest) {
  const Job job = read(R"("model":"m","stream":true,"temperature":0.5,"top_p":0.25,"top_k":7,"min_p":0.125,
    "presence_penalty":1,"frequency_penalty":-1,"repeat_penalty":1.5,"seed":42,"stop":["a","b"],"max_tokens":9,
    "logit_bias":{"5":-100,"7":1.5},"ignore_eos":true,"num_ctx":77,"logprobs":true,"top_logprobs":3)");
  EXPECT_EQ(job.model, "m");
  EXPECT_TRUE(job.stream);
  EXPECT_TRUE(job.ignored.empty());
  ASSERT_EQ(job.requests.size(), 1u);
  const Request& request = job.requests[0];
  EXPECT_EQ(request.sampling.temperature, 0.5f);
  EXPECT_EQ(request.sampling.top_p, 0.25f);
  EXPECT_EQ(request.sampling.top_k, 7u);
  EXPECT_EQ(request.sampling.min_p, 0.125f);
  EXPECT_EQ(request.sampling.presence_penalty, 1);
  EXPECT_EQ(request.sampling.frequency_penalty, -1);
  EXPECT_EQ(request.sampling.repeat_penalty, 1.5f);
  EXPECT_EQ(request.sampling.seed, 42u);
  EXPECT_EQ(request.sampling.logit_bias, (std::vector<std::pair<int32_t, float>>{{5, -100.0f}, {7, 1.5f}}));
  EXPECT_EQ(request.stop, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(request.max_tokens, 9u);
  EXPECT_EQ(request.context, 77u);
  EXPECT_TRUE(request.ignore_end);
  EXPECT_EQ(request.logprobs, 3u);
}

TEST(ChatRequest, AbsentAndNullFieldsAreTheDefaults) {
  const Job job = read(R"("temperature":null,"stop":null,"max_tokens":null,"tools":null,"response_format":null)");
  const Sampling standard;
  EXPECT_EQ(job.model, "spark");
  EXPECT_FALSE(job.stream);
  EXPECT_EQ(job.requests[0].sampling.temperature, standard.temperature);
  EXPECT_EQ(job.requests[0].max_tokens, UINT32_MAX);
  EXPECT_FALSE(job.requests[0].sampling.seed);
  EXPECT_FALSE(job.requests[0].logprobs);
}

TEST(ChatRequest, TheNewerNameOfMaxTokensWins) {
  EXPECT_EQ(read(R"("max_tokens":5,"max_completion_tokens":6)").requests[0].max_tokens, 6u);
}

TEST(ChatRequest, ChoicesHaveSeedsOfTheirOwn) {
  const Job job = read(R"("n":3,"seed":10)");
  ASSERT_EQ(job.requests.size(), 3u);
  for (uint64_t i = 0; i < 3; ++i) EXPECT_EQ(job.requests[i].sampling.seed, 10 + i);
  EXPECT_EQ(read(R"("seed":-1)").requests[0].sampling.seed, UINT64_MAX);
}

TEST(ChatRequest, MessagesAndToolsReachTheTemplateInTheirOrder) {
  const Job job = read_chat_request(parse_object(R"({"tools":[{"type":"function","function":{"name":"f","parameters":
      {"type":"object","properties":{"z":{},"a":{}}}}}],"messages":[
      {"role":"developer","content":[{"type":"text","text":"one "},{"type":"text","text":"two"}]},
      {"role":"assistant","content":null,"reasoning":"why","tool_calls":[{"id":"1","type":"function",
       "function":{"name":"f","arguments":"{\"z\":1,\"a\":2}"}}]},
      {"role":"tool","tool_call_id":"1","content":"r"}],"reasoning_effort":"low","chat_template_kwargs":{"enable_thinking":false}})"),
                                    {});
  EXPECT_EQ(
      std::get<Conversation>(job.requests[0].prompt).json,
      R"({"messages":[{"role":"system","content":"one two"},)"
      R"({"role":"assistant","content":"","reasoning":"why","tool_calls":[{"id":"1","type":"function",)"
      R"("function":{"name":"f","arguments":{"z":1,"a":2}}}],"reasoning_content":"why"},)"
      R"({"role":"tool","tool_call_id":"1","content":"r","name":"f"}],)"
      R"("tools":[{"type":"function","function":{"name":"f","parameters":)"
      R"({"type":"object","properties":{"z":{},"a":{}}}}}],"extra":{"reasoning_effort":"low","enable_thinking":false}})");
}

const std::string kTools = R"("tools":[{"type":"function","function":{"name":"f"}},{"function":{"name":"g"}}])";

TEST(ChatRequest, AChoiceOfToolsReachesTheRequest) {
  const auto request = [](const std::string& more) { return read(kTools + more).requests[0]; };
  EXPECT_EQ(request("").tool_use, ToolUse::automatic);
  EXPECT_TRUE(request("").parallel_calls);
  EXPECT_EQ(request(R"(,"tool_choice":"auto")").tool_use, ToolUse::automatic);
  EXPECT_EQ(request(R"(,"tool_choice":"required","parallel_tool_calls":false)").tool_use, ToolUse::required);
  EXPECT_FALSE(request(R"(,"tool_choice":"required","parallel_tool_calls":false)").parallel_calls);
  const Request named = request(R"(,"tool_choice":{"type":"function","function":{"name":"g"}})");
  EXPECT_EQ(named.tool_use, ToolUse::required);
  EXPECT_EQ(named.tool, "g");
}

// It is the engine that leaves them out of the prompt, where it does.
TEST(ChatRequest, ToolsThatMayNotBeCalledReachTheEngine) {
  const Job job = read(kTools + R"(,"tool_choice":"none")");
  EXPECT_EQ(job.requests[0].tool_use, ToolUse::none);
  EXPECT_NE(std::get<Conversation>(job.requests[0].prompt).json.find("tools"), std::string::npos);
}

TEST(ChatRequest, OnlyAllowedToolsAreTold) {
  const Job job = read(kTools + R"(,"tool_choice":{"type":"allowed_tools","allowed_tools":{"mode":"required",
      "tools":[{"type":"function","function":{"name":"g"}}]}})");
  EXPECT_EQ(job.requests[0].tool_use, ToolUse::required);
  const Json conversation = Json::parse(std::get<Conversation>(job.requests[0].prompt).json);
  ASSERT_EQ(conversation["tools"].size(), 1u);
  EXPECT_EQ(conversation["tools"][0]["function"]["name"], "g");
}

TEST(ChatRequest, ToolsOfOtherTypesAreLeftOutWithAWarning) {
  const Job job = read(R"("tools":[{"type":"web_search"},{"type":"function","function":{"name":"f"}}])");
  EXPECT_EQ(job.warnings, std::vector<std::string>{"left out: tools of the types web_search"});
  EXPECT_EQ(Json::parse(std::get<Conversation>(job.requests[0].prompt).json)["tools"].size(), 1u);
}

TEST(ChatRequest, FormatsAreConstraints) {
  const auto constraint = [](const std::string& fields) { return read(fields).requests[0].constraint; };
  EXPECT_TRUE(std::holds_alternative<std::monostate>(constraint(R"("response_format":{"type":"text"})")));
  EXPECT_EQ(std::get<JsonSchema>(constraint(R"("response_format":{"type":"json_object"})")).json,
            R"({"type":"object"})");
  EXPECT_EQ(std::get<JsonSchema>(constraint(R"("response_format":{"type":"json_schema","json_schema":{"name":"n",
      "strict":true,"schema":{"z":1,"a":2}}})"))
                .json,
            R"({"z":1,"a":2})");
  EXPECT_EQ(std::get<JsonSchema>(constraint(R"("json_schema":{"type":"array"})")).json, R"({"type":"array"})");
  EXPECT_EQ(std::get<Grammar>(constraint(R"("grammar":"root ::= \"a\"")")).gbnf, "root ::= \"a\"");
}

TEST(ChatRequest, ThinkingReachesTheTemplate) {
  const auto extra = [](const std::string& fields) {
    return Json::parse(std::get<Conversation>(read(fields).requests[0].prompt).json)["extra"];
  };
  EXPECT_EQ(extra(R"("enable_thinking":false)"), Json::parse(R"({"enable_thinking":false,"thinking":false})"));
  EXPECT_EQ(extra(R"("reasoning_effort":"high","chat_template_kwargs":{"x":1})"),
            Json::parse(R"({"reasoning_effort":"high","x":1})"));
  EXPECT_EQ(extra(R"("reasoning_effort":"none")")["enable_thinking"], false);
}

TEST(ChatRequest, UnknownFieldsAreNamed) {
  const Job job = read(R"("store":false,"stream_options":{"include_usage":true,"other":1},"prompt_cache_key":"x")");
  EXPECT_EQ(job.ignored, (std::vector<std::string>{"stream_options.other", "store", "prompt_cache_key"}));
}

TEST(ChatRequest, WhatCannotBeIsRefusedByName) {
  for (const auto& [field, value] :
       std::initializer_list<std::pair<const char*, const char*>>{{"temperature", "-0.1"},
                                                                  {"temperature", "3"},
                                                                  {"temperature", "\"hot\""},
                                                                  {"top_p", "1.5"},
                                                                  {"top_k", "1.5"},
                                                                  {"top_k", "-2"},
                                                                  {"min_p", "2"},
                                                                  {"max_tokens", "0"},
                                                                  {"max_tokens", "-1"},
                                                                  {"max_tokens", "true"},
                                                                  {"n", "0"},
                                                                  {"n", "1000000"},
                                                                  {"stop", "\"\""},
                                                                  {"stop", "[1]"},
                                                                  {"stop", "{}"},
                                                                  {"seed", "\"x\""},
                                                                  {"seed", "1.5"},
                                                                  {"logit_bias", "[]"},
                                                                  {"logit_bias", "{\"x\":1}"},
                                                                  {"stream", "1"},
                                                                  {"logit_bias", "{\"1\":101}"},
                                                                  {"top_logprobs", "3"},
                                                                  {"model", "7"},
                                                                  {"stream_options", "1"},
                                                                  {"tools", "{}"},
                                                                  {"presence_penalty", "2.5"},
                                                                  {"num_ctx", "0"},
                                                                  {"response_format.type", "{\"type\":\"xml\"}"},
                                                                  {"parallel_tool_calls", "1"},
                                                                  {"tool_choice", "\"must\""},
                                                                  {"tool_choice", "\"required\""},
                                                                  {"grammar", "1"},
                                                                  {"json_schema", "1"},
                                                                  {"reasoning_effort", "1"},
                                                                  {"enable_thinking", "1"},
                                                                  {"chat_template_kwargs", "[]"},
                                                                  {"chat_template_kwargs", R"({"messages":5})"}})
    EXPECT_EQ(refused("{" + kMessages + ",\"" + std::string(field).substr(0, std::string(field).find('.')) +
                      "\":" + value + "}"),
              field)
        << value;
  EXPECT_EQ(refused("{" + kMessages + R"(,"logprobs":true,"top_logprobs":21})"), "top_logprobs");
  EXPECT_EQ(refused("{" + kMessages + R"(,"grammar":"x","response_format":{"type":"json_object"}})"), "grammar");
  EXPECT_EQ(refused("{" + kMessages + R"(,"tools":[{"type":"function"}]})"), "tools[0].function");
  EXPECT_EQ(refused("{" + kMessages + R"(,"tools":[{"function":{"name":"f"}}],"tool_choice":{"type":"function",
      "function":{"name":"g"}}})"),
            "tool_choice");
}

TEST(ChatRequest, WrongToolsAreRefusedByTheirPlace) {
  const auto tools = [](const std::string& first, const std::string& second) {
    return refused("{" + kMessages + R"(,"tools":[{"type":"function","function":)" + first + R"(},{"function":)" +
                   second + "}]}");
  };
  const std::string good = R"({"name":"f","parameters":{"type":["object","null"],"properties":{}}})";
  EXPECT_EQ(tools(good, R"({"name":"g"})"), "");
  EXPECT_EQ(tools(good, R"({"name":"g","parameters":null})"), "");
  EXPECT_EQ(tools(R"({"name":""})", good), "tools[0].function.name");
  EXPECT_EQ(tools(R"({"name":7})", good), "tools[0].function.name");
  EXPECT_EQ(tools(good, R"({"name":"f"})"), "tools[1].function.name");
  for (const char* wrong : {"7", "\"{}\"", "[]", "true", R"({"type":"string"})", R"({"type":["null"]})"})
    EXPECT_EQ(tools(good, R"({"name":"g","parameters":)" + std::string(wrong) + "}"), "tools[1].function.parameters")
        << wrong;
}

TEST(ChatRequest, WrongMessagesAreRefusedByTheirPlace) {
  const auto messages = [](const std::string& list) { return refused("{\"messages\":" + list + "}"); };
  EXPECT_EQ(refused("{}"), "messages");
  EXPECT_EQ(messages("[]"), "messages");
  EXPECT_EQ(messages("\"hi\""), "messages");
  EXPECT_EQ(messages("[7]"), "messages[0]");
  EXPECT_EQ(messages(R"([{"content":"x"}])"), "messages[0].role");
  EXPECT_EQ(messages(R"([{"role":"narrator","content":"x"}])"), "messages[0].role");
  EXPECT_EQ(messages(R"([{"role":"user"}])"), "messages[0].content");
  EXPECT_EQ(messages(R"([{"role":"user","content":7}])"), "messages[0].content");
  EXPECT_EQ(messages(R"([{"role":"user","content":"x"},{"role":"user","content":[
      {"type":"text","text":"x"},{"type":"image_url","image_url":{"url":"data:"}}]}])"),
            "messages[1].content[1]");
  EXPECT_EQ(messages(R"([{"role":"assistant","tool_calls":[{}]}])"), "messages[0].tool_calls[0].function");
  EXPECT_EQ(messages(R"([{"role":"assistant","tool_calls":[{"function":{"name":"f","arguments":7}}]}])"),
            "messages[0].tool_calls[0].function.arguments");
}

TEST(ChatRequest, OnlyTheModelKnowsItsVocabularyAndTemplate) {
  ModelInfo info;
  info.vocabulary = 100;
  info.has_chat_template = true;
  EXPECT_NO_THROW(check_against(read(R"("logit_bias":{"99":1})"), info));
  EXPECT_THROW(check_against(read(R"("logit_bias":{"100":1})"), info), ApiError);
  info.has_chat_template = false;
  EXPECT_THROW(check_against(read(""), info), ApiError);
}

}  // namespace
}  // namespace hearth::serve
