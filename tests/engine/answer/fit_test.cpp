// Conversations made to fit what a template wants.
#include "engine/text/answer/fit.h"

#include "tests/engine/answer/answer_case.h"

namespace hearth {
namespace {

using Json = nlohmann::ordered_json;

Json fitted(const AnswerFormat& format, const char* request, bool with_tools = true) {
  return Json::parse(dump_json(fit_conversation(parse_json(request), format, with_tools), {}, 1 << 20));
}

constexpr const char* kTwoCalls = R"({"messages": [
  {"role": "user", "content": "u"},
  {"role": "assistant", "content": null, "tool_calls": [
    {"id": "call_1234567890", "type": "function", "function": {"name": "a", "arguments": "{\"x\": 1}"}},
    {"id": "call_0987654321", "type": "function", "function": {"name": "b", "arguments": {}}}]},
  {"role": "tool", "tool_call_id": "call_0987654321", "content": "rb"},
  {"role": "tool", "tool_call_id": "call_1234567890", "content": "ra"}], "tools": [], "extra": {"k": 1}})";

AnswerFormat with_calls() {
  AnswerFormat format;
  format.calls = {CallFormat()};
  format.shows_calls = true;
  return format;
}

TEST(FitTest, arguments_get_the_form_that_the_template_takes) {
  AnswerFormat format = with_calls();
  Json messages = fitted(format, kTwoCalls)["messages"];
  EXPECT_EQ(messages[1]["content"], "");
  EXPECT_EQ(messages[1]["tool_calls"][0]["function"]["arguments"], Json::parse(R"({"x": 1})"));
  EXPECT_EQ(messages[2]["name"], "b");
  format.habits.arguments_as_text = true;
  messages = fitted(format, kTwoCalls)["messages"];
  EXPECT_EQ(messages[1]["tool_calls"][0]["function"]["arguments"], R"({"x": 1})");
  EXPECT_EQ(messages[1]["tool_calls"][1]["function"]["arguments"], "{}");
  EXPECT_EQ(fitted(format, kTwoCalls)["extra"]["k"], 1);
}

TEST(FitTest, ids_stay_one_for_call_and_result) {
  AnswerFormat format = with_calls();
  format.habits.short_ids = true;
  Json messages = fitted(format, kTwoCalls)["messages"];
  const auto id = messages[1]["tool_calls"][0]["id"].get<std::string>();
  EXPECT_EQ(id.size(), 9u);
  EXPECT_EQ(messages[3]["tool_call_id"], id);
  EXPECT_NE(messages[2]["tool_call_id"], id);
  format.habits = {};
  format.habits.function_ids = true;
  messages = fitted(format, kTwoCalls)["messages"];
  EXPECT_EQ(messages[1]["tool_calls"][1]["id"], "functions.b:1");
  EXPECT_EQ(messages[2]["tool_call_id"], "functions.b:1");
}

TEST(FitTest, calls_get_messages_of_their_own) {
  AnswerFormat format = with_calls();
  format.habits.one_call_a_message = true;
  const Json messages = fitted(format, kTwoCalls)["messages"];
  ASSERT_EQ(messages.size(), 5u);
  EXPECT_EQ(messages[1]["tool_calls"][0]["function"]["name"], "a");
  EXPECT_EQ(messages[2]["content"], "ra");
  EXPECT_EQ(messages[3]["tool_calls"][0]["function"]["name"], "b");
  EXPECT_EQ(messages[4]["content"], "rb");
}

TEST(FitTest, calls_that_a_template_drops_become_text) {
  AnswerFormat format = with_calls();
  format.shows_calls = false;
  format.habits.drops_calls = true;
  format.calls[0].call_open = {"<tool_call>"};
  format.calls[0].call_close = {"</tool_call>"};
  const Json messages = fitted(format, kTwoCalls)["messages"];
  EXPECT_FALSE(messages[1].contains("tool_calls"));
  const SplitAnswer split = split_answer(options_of(format), messages[1]["content"].get<std::string>());
  ASSERT_EQ(split.calls.size(), 2u);
  EXPECT_EQ(split.calls[0].arguments, R"({"x": 1})");
}

TEST(FitTest, roles_that_a_template_refuses_are_said_by_users) {
  AnswerFormat format;
  format.habits.no_system = format.habits.no_later_system = format.habits.alternating = true;
  format.habits.no_tool_messages = true;
  const Json messages = fitted(format, R"({"messages": [
    {"role": "developer", "content": "s"}, {"role": "user", "content": "a"}, {"role": "user", "content": "b"},
    {"role": "assistant", "content": "c"}, {"role": "tool", "name": "t", "content": "r"},
    {"role": "system", "content": "later"}, {"role": "user", "content": "d"}]})")["messages"];
  ASSERT_EQ(messages.size(), 3u);
  EXPECT_EQ(messages[0]["content"], "s\n\na\n\nb");
  EXPECT_EQ(messages[1]["role"], "assistant");
  EXPECT_EQ(messages[2]["content"], "Result of t:\nr\n\nlater\n\nd");
}

TEST(FitTest, reasoning_gets_the_key_of_the_template) {
  AnswerFormat format;
  format.habits.reasoning_key = "thinking";
  const char* request = R"({"messages": [{"role": "assistant", "content": "c", "reasoning_content": "r"}]})";
  EXPECT_EQ(fitted(format, request)["messages"][0]["thinking"], "r");
  format.habits.reasoning_key.clear();
  EXPECT_EQ(fitted(format, request)["messages"][0].size(), 2u);
}

TEST(FitTest, tools_are_left_out_completed_or_there) {
  AnswerFormat format = with_calls();
  const char* request = R"({"messages": [], "tools": [{"type": "function", "function": {"name": "a", "parameters":
    {"properties": {"p": {"type": "string"}}}}}]})";
  EXPECT_TRUE(fitted(format, request)["tools"][0]["function"]["description"].is_null());
  EXPECT_FALSE(fitted(format, request, false).contains("tools"));
  format.habits.wants_tools = format.habits.wants_descriptions = true;
  EXPECT_EQ(fitted(format, request, false)["tools"], Json::array());
  const Json function = fitted(format, request)["tools"][0]["function"];
  EXPECT_EQ(function["description"], "");
  EXPECT_EQ(function["parameters"]["properties"]["p"]["description"], "");
}

TEST(FitTest, what_is_no_conversation_stays_as_it_is) {
  const AnswerFormat format = with_calls();
  EXPECT_EQ(fitted(format, R"({"messages": "none", "tools": 3})"), Json::parse(R"({"messages": "none"})"));
  EXPECT_EQ(fitted(format, R"({"messages": [1, {"role": 2}]})"), Json::parse(R"({"messages": [1, {"role": 2}]})"));
  EXPECT_NO_THROW(fitted(format, R"({"messages": [{"role": "assistant", "content": 5, "tool_calls": [1, {"function": 2},
    {"function": {"arguments": 7}}]}]})"));
  EXPECT_NO_THROW(fitted(format, R"({"messages": [{"role": "tool", "content": {"a": 1}}]})"));
}

}  // namespace
}  // namespace hearth
