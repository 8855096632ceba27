// What becomes of the body of a Responses request, and of what is kept of responses.
#include "tools/serve/responses/responses_request.h"

#include <gtest/gtest.h>

namespace hearth::serve {
namespace {

struct Responses {
  ResponseStore store;

  Job read(const std::string& body) {
    return read_responses_request(parse_object(body), {"resp_1", 1, "spark"}, store);
  }
  Json conversation(const std::string& body) {
    return Json::parse(std::get<Conversation>(read(body).requests[0].prompt).json);
  }
  std::string refused(const std::string& body) {
    try {
      read(body);
      return "";
    } catch (const ApiError& error) {
      EXPECT_EQ(error.status, 400);
      EXPECT_NE(std::string(error.what()).find(error.param), std::string::npos) << error.what();
      return error.param;
    }
  }
};

TEST(ResponsesRequest, ItemsBecomeTurns) {
  Responses responses;
  EXPECT_EQ(to_text(responses.conversation(R"({"instructions":"be kind","input":[
      {"type":"message","role":"developer","content":[{"type":"input_text","text":"one"},{"type":"input_text","text":"two"}]},
      {"role":"user","content":"a"},{"type":"message","role":"user","content":[{"type":"input_text","text":"b"}]},
      {"type":"reasoning","id":"rs_1","summary":[{"type":"summary_text","text":"hm"}],"content":null},
      {"type":"function_call","call_id":"c1","name":"f","arguments":"{\"z\":1}"},
      {"type":"function_call_output","call_id":"c1","output":"r"},
      {"type":"custom_tool_call","call_id":"c2","name":"apply_patch","input":"*** Begin"},
      {"type":"custom_tool_call_output","call_id":"c2","output":[{"type":"input_text","text":"done"}]},
      {"type":"local_shell_call","call_id":"c3","action":{"type":"exec","command":["ls"],"working_directory":"/"}},
      {"type":"local_shell_call_output","call_id":"c3","output":"x"},
      {"type":"function_call","call_id":"c4","namespace":"n","name":"g","arguments":"{}"},
      {"type":"message","role":"assistant","content":[{"type":"output_text","text":"end"}]}]})")),
            R"({"messages":[{"role":"system","content":"be kind\n\none\n\ntwo"},{"role":"user","content":"a\n\nb"},)"
            R"({"role":"assistant","content":"","reasoning_content":"hm","tool_calls":[{"id":"c1","type":"function",)"
            R"("function":{"name":"f","arguments":{"z":1}}}]},)"
            R"({"role":"tool","tool_call_id":"c1","name":"f","content":"r"},)"
            R"({"role":"assistant","content":"","tool_calls":[{"id":"c2","type":"function",)"
            R"("function":{"name":"apply_patch","arguments":{"input":"*** Begin"}}}]},)"
            R"({"role":"tool","tool_call_id":"c2","name":"apply_patch","content":"done"},)"
            R"({"role":"assistant","content":"","tool_calls":[{"id":"c3","type":"function",)"
            R"("function":{"name":"local_shell","arguments":{"command":["ls"],"workdir":"/"}}}]},)"
            R"({"role":"tool","tool_call_id":"c3","name":"local_shell","content":"x"},)"
            R"({"role":"assistant","content":"end","tool_calls":[{"id":"c4","type":"function",)"
            R"("function":{"name":"n__g","arguments":{}}}]}]})");
}

const std::string kResponseTools = R"("tools":[{"type":"function","name":"f","parameters":{"type":"object"}},
    {"type":"custom","name":"apply_patch","description":"Patches.","format":{"type":"grammar","syntax":"lark","definition":"start: x"}},
    {"type":"namespace","name":"n","tools":[{"type":"function","name":"g"}]},{"type":"local_shell"},{"type":"web_search"},
    {"type":"tool_search","execution":"client","parameters":{}}])";

TEST(ResponsesRequest, ToolsOfAllKindsBecomeFunctions) {
  Responses responses;
  const std::string body = R"({"input":"x",)" + kResponseTools + "}";
  EXPECT_EQ(responses.read(body).warnings, std::vector<std::string>{"left out: tools of the types web_search"});
  std::vector<std::string> names;
  const Json conversation = responses.conversation(body);
  for (const Json& tool : conversation["tools"]) names.push_back(tool["function"]["name"]);
  EXPECT_EQ(names, (std::vector<std::string>{"f", "apply_patch", "n__g", "local_shell", "tool_search"}));
  EXPECT_NE(to_text(conversation["tools"][1]).find("start: x"), std::string::npos);
}

TEST(ResponsesRequest, AdditionalToolsInTheInputCount) {
  Responses responses;
  const Json conversation = responses.conversation(R"({"input":[{"type":"additional_tools","tools":[
      {"type":"namespace","name":"functions","tools":[{"type":"custom","name":"exec"}]}]},{"role":"user","content":"x"}]})");
  ASSERT_EQ(conversation["tools"].size(), 1u);
  EXPECT_EQ(conversation["tools"][0]["function"]["name"], "functions__exec");
  EXPECT_EQ(conversation["messages"].size(), 1u);
}

TEST(ResponsesRequest, FieldsReachTheRequest) {
  Responses responses;
  const Job job = responses.read(R"({"model":"m","input":"x","stream":true,"max_output_tokens":7,"temperature":0.5,
      "parallel_tool_calls":false,"reasoning":{"effort":"low","summary":"auto"},"store":false,"include":[],
      "tool_choice":{"type":"custom","name":"apply_patch"},"text":{"verbosity":"low","format":{"type":"json_schema",
      "name":"n","strict":true,"schema":{"type":"array"}}},)" +
                                 kResponseTools + "}");
  const Request& request = job.requests[0];
  EXPECT_EQ(job.model, "m");
  EXPECT_TRUE(job.stream);
  EXPECT_EQ(request.max_tokens, 7u);
  EXPECT_EQ(request.sampling.temperature, 0.5f);
  EXPECT_FALSE(request.parallel_calls);
  EXPECT_EQ(request.tool_use, ToolUse::required);
  EXPECT_EQ(request.tool, "apply_patch");
  EXPECT_EQ(std::get<JsonSchema>(request.constraint).json, R"({"type":"array"})");
  EXPECT_EQ(job.ignored, std::vector<std::string>{"include"});
}

TEST(ResponsesRequest, AResponseThatIsKeptIsGoneOnFrom) {
  Responses responses;
  const Job first = responses.read(R"({"input":"a"})");
  Result result;
  result.text = "b";
  const Json response = first.reply->whole({result});
  EXPECT_EQ(responses.store.response("resp_1"), response);
  EXPECT_EQ(
      to_text(responses.conversation(R"({"input":"c","previous_response_id":"resp_1"})")),
      R"({"messages":[{"role":"user","content":"a"},{"role":"assistant","content":"b"},{"role":"user","content":"c"}]})");
  const std::string item = response["output"][0]["id"];
  EXPECT_EQ(responses.conversation(R"({"input":[{"role":"user","content":"x"},{"type":"item_reference","id":")" + item +
                                   "\"}]}")["messages"][1]["content"],
            "b");
  EXPECT_EQ(responses.refused(R"({"input":[{"role":"x","content":""}],"previous_response_id":"resp_1"})"),
            "input[0].role");
  EXPECT_TRUE(responses.store.forget("resp_1"));
  EXPECT_FALSE(responses.store.forget("resp_1"));
  EXPECT_EQ(responses.refused(R"({"input":"c","previous_response_id":"resp_1"})"), "previous_response_id");
}

TEST(ResponsesRequest, AResponseThatShallNotBeKeptIsNot) {
  Responses responses;
  responses.read(R"({"input":"a","store":false})").reply->whole({Result{}});
  EXPECT_FALSE(responses.store.response("resp_1"));
}

TEST(ResponseStore, ForgetsTheOldestFirst) {
  const auto response = [](const std::string& id, size_t size) {
    return Json{{"id", id}, {"output", Json::array()}, {"text", std::string(size, 'x')}};
  };
  ResponseStore few(2, 1 << 20);
  for (const char* id : {"a", "b", "c"}) few.keep(response(id, 1), Json::array());
  EXPECT_FALSE(few.response("a"));
  EXPECT_TRUE(few.response("b") && few.response("c"));
  ResponseStore small(10, 1000);
  small.keep(response("a", 500), Json::array());
  small.keep(response("b", 600), Json::array());
  small.keep(response("c", 2000), Json::array());
  EXPECT_FALSE(small.response("a"));
  EXPECT_TRUE(small.response("b"));
  EXPECT_FALSE(small.response("c"));
}

TEST(ResponsesRequest, WhatCannotBeIsRefusedByName) {
  Responses responses;
  const auto refused = [&](const std::string& fields) { return responses.refused("{" + fields + "}"); };
  EXPECT_EQ(refused(""), "input");
  EXPECT_EQ(refused(R"("input":7)"), "input");
  EXPECT_EQ(refused(R"("input":[])"), "input");
  EXPECT_EQ(refused(R"("input":[7])"), "input[0]");
  EXPECT_EQ(refused(R"("input":[{"role":"narrator","content":"x"}])"), "input[0].role");
  EXPECT_EQ(refused(R"("input":[{"role":"user","content":[{"type":"input_image"}]}])"), "input[0].content[0].type");
  EXPECT_EQ(refused(R"("input":[{"type":"function_call","call_id":"c"}])"), "input[0].name");
  EXPECT_EQ(refused(R"("input":[{"type":"item_reference","id":"nope"}])"), "input[0].id");
  EXPECT_EQ(refused(R"("input":"x","background":true)"), "background");
  EXPECT_EQ(refused(R"("input":"x","max_output_tokens":0)"), "max_output_tokens");
  EXPECT_EQ(refused(R"("input":"x","tool_choice":"must")"), "tool_choice");
  EXPECT_EQ(refused(R"("input":"x","tool_choice":{"type":"web_search"})"), "tool_choice");
  EXPECT_EQ(refused(R"("input":"x","text":{"format":{"type":"xml"}})"), "text.format.type");
  EXPECT_EQ(refused(R"("input":"x","tools":[{"type":"function"}])"), "tools[0].name");
  EXPECT_EQ(refused(R"("input":"x","tools":[{"type":"namespace","name":"n","tools":[{"type":"custom"}]}])"),
            "tools[0].tools[0].name");
  EXPECT_EQ(refused(R"("input":"x","tools":[{"type":"function","name":""}])"), "tools[0].name");
  EXPECT_EQ(refused(R"("input":"x","tools":[{"type":"function","name":"f"},{"type":"custom","name":"f"}])"),
            "tools[1].name");
  EXPECT_EQ(refused(R"("input":"x","tools":[{"type":"function","name":"f","parameters":[]}])"), "tools[0].parameters");
}

TEST(ResponsesRequest, TheSameToolMayBeListedAgainElsewhere) {
  Responses responses;
  const Json conversation = responses.conversation(R"({"tools":[{"type":"function","name":"f"},{"type":"namespace",
      "name":"n","tools":[{"type":"function","name":"f"}]}],"input":[{"type":"additional_tools","tools":[
      {"type":"function","name":"f"},{"type":"custom","name":"g"}]},{"role":"user","content":"x"}]})");
  std::string names;
  for (const Json& tool : conversation["tools"]) names += tool["function"]["name"].get<std::string>() + " ";
  EXPECT_EQ(names, "f n__f g ");
}

TEST(ResponsesRequest, ItemsOfUnknownTypesAreNamed) {
  Responses responses;
  EXPECT_EQ(responses.read(R"({"input":[{"role":"user","content":"x"},{"type":"web_search_call"}]})").ignored,
            std::vector<std::string>{"input[1]"});
}

}  // namespace
}  // namespace hearth::serve
