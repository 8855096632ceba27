// Answers with reasoning and calls between markers.
#include "tests/engine/answer/answer_case.h"

namespace hearth {
namespace {

// Calls as JSON objects in tags; reasoning in tags.
AnswerFormat tagged() {
  AnswerFormat format;
  CallFormat call;
  call.call_open = {"<tool_call>"};
  call.call_close = {"</tool_call>"};
  format.calls = {call};
  format.reasoning = {{"<think>", "</think>"}};
  return format;
}

// [CALLS][{...}, {...}]
AnswerFormat listed() {
  AnswerFormat format;
  CallFormat call;
  call.section_open = {"[CALLS]"};
  format.calls = {call};
  return format;
}

AnswerFormat bare() {
  AnswerFormat format;
  CallFormat call;
  call.arguments_key = "parameters";
  format.calls = {call};
  format.reasoning = {{"<think>", "</think>"}};
  return format;
}

AnswerFormat python(Words open, Words close) {
  AnswerFormat format;
  CallFormat call;
  call.body = CallFormat::Body::python;
  call.section_open = std::move(open);
  call.section_close = std::move(close);
  format.calls = {call};
  return format;
}

TEST(SplitterTest, text_without_markers_stays_as_it_is) {
  const AnswerFormat format = tagged();
  for (const char* text :
       {"", " Hello\n", "a < b <tool", "<tool_call", "\n\n  x  \n\n", "{\"name\": \"now\"}", "</think>",
        "naïve 日本語 👩🏽‍💻", "a<tool_call>b", "<tool_call>", "see <tool_call> and </tool_call>."}) {
    const SplitAnswer split = split_answer(options_of(format), text);
    EXPECT_EQ(split.text, text);
    EXPECT_TRUE(split.calls.empty());
    EXPECT_FALSE(split.malformed) << text;
  }
}

TEST(SplitterTest, reasoning_calls_and_text_come_apart) {
  const AnswerFormat format = tagged();
  const SplitAnswer split = split_answer(
      options_of(format),
      "<think>\nFirst the weather.\n</think>\n\nLet me look.\n<tool_call>\n{\"name\": \"get_weather\", \"arguments\": "
      "{\"city\": \"Oslo\"}}\n</tool_call>\n<tool_call>\n{\"name\": \"now\", \"arguments\": {}}\n</tool_call>");
  EXPECT_EQ(split.reasoning, "First the weather.");
  EXPECT_EQ(split.text, "Let me look.");
  ASSERT_EQ(split.calls.size(), 2u);
  EXPECT_EQ(split.calls[0].name, "get_weather");
  EXPECT_EQ(split.calls[0].arguments, "{\"city\": \"Oslo\"}");
  EXPECT_EQ(split.calls[1].name, "now");
  EXPECT_EQ(split.calls[1].arguments, "{}");
  EXPECT_NE(split.calls[0].id, split.calls[1].id);
  EXPECT_EQ(split.calls[0].id.size(), 9u);
}

TEST(SplitterTest, reasoning_may_be_opened_by_the_prompt) {
  const AnswerFormat format = tagged();
  SplitOptions options = options_of(format);
  options.thinking = "</think>";
  const SplitAnswer split = split_answer(options, "Hm.\n</think>\n\nYes.");
  EXPECT_EQ(split.reasoning, "Hm.");
  EXPECT_EQ(split.text, "Yes.");
  EXPECT_EQ(split_answer(options, "never ends ").reasoning, "never ends ");
}

TEST(SplitterTest, arguments_come_as_they_are_written) {
  const AnswerFormat format = tagged();
  const auto reader = make_answer_reader(options_of(format));
  EXPECT_TRUE(reader->push("<tool_call>{\"name\": \"add\", ").empty() == false);
  EXPECT_EQ(reader->push("\"arguments\": {\"xs\": [1").calls.at(0).arguments, "{\"xs\": [1");
  EXPECT_EQ(reader->push(", 2").calls.at(0).arguments, ", 2");
  EXPECT_TRUE(reader->calls().empty());
  EXPECT_EQ(reader->push("]}}").calls.at(0).arguments, "]}");
  EXPECT_EQ(reader->calls().size(), 1u);
}

TEST(SplitterTest, text_waits_only_where_a_marker_may_begin) {
  const AnswerFormat format = tagged();
  const auto reader = make_answer_reader(options_of(format));
  EXPECT_EQ(reader->push("a").text, "a");
  EXPECT_EQ(reader->push(" b <").text, " b");
  EXPECT_EQ(reader->push("t").text, "");
  EXPECT_EQ(reader->push("x").text, " <tx");
  EXPECT_EQ(reader->push("\n\n").text, "");
  EXPECT_EQ(reader->finish().text, "\n\n");
}

TEST(SplitterTest, a_call_that_the_model_leaves_is_text_and_one_that_is_cut_is_a_call) {
  const AnswerFormat format = tagged();
  const std::string begun = "<tool_call>{\"name\": \"now\", \"arguments\": {\"a\": ";
  for (const bool cut : {false, true}) {
    const auto reader = make_answer_reader(options_of(format));
    EXPECT_EQ(reader->push(begun).calls.size(), 1u);
    EXPECT_EQ(reader->finish(cut).text, cut ? "" : begun);
    EXPECT_EQ(reader->malformed(), !cut);
    ASSERT_EQ(reader->calls().size(), cut ? 1u : 0u);
    if (cut) EXPECT_EQ(reader->calls()[0].arguments, "{\"a\": ");
  }
}

TEST(SplitterTest, arguments_may_hold_anything_that_json_can) {
  const AnswerFormat format = tagged();
  for (const char* arguments :
       {R"({"city": "</tool_call> <tool_call> \"}] \\"})",
        R"({"a": {"name": "x", "arguments": {}}, "b": [[], {}, "]"]})",
        R"({"city": "Łódź 👩🏽‍💻 \u00e9 \ud83d\ude00"})", R"({"n": -1.5e-7, "t": true, "z": null})",
        R"({"name": "inner", "arguments": "text"})", "{}"}) {
    const SplitAnswer split =
        split_answer(options_of(format),
                     "<tool_call>\n{\"name\": \"add\", \"arguments\": " + std::string(arguments) + "}</tool_call>");
    ASSERT_EQ(split.calls.size(), 1u) << arguments;
    EXPECT_EQ(split.calls[0].arguments, arguments);
    EXPECT_EQ(split.text, "");
  }
}

TEST(SplitterTest, calls_are_read_in_the_forms_that_models_vary) {
  const AnswerFormat format = tagged();
  for (const char* object :
       {R"({"name": "now", "arguments": {"a": 1}})", R"({"arguments": {"a": 1}, "name": "now"})",
        R"({"name": "now", "parameters": {"a": 1}})", R"({"name": "now", "arguments": "{\"a\": 1}"})",
        R"({"type": "function", "function": {"name": "now", "arguments": {"a": 1}}})",
        R"([{"name": "now", "arguments": {"a": 1}}])", R"({"id": 3, "name": "now", "arguments": {"a": 1}, "x": []})",
        R"({"function": "now", "args": {"a": 1}})"}) {
    const SplitAnswer split = split_answer(options_of(format), std::string("<tool_call>") + object + "</tool_call>");
    ASSERT_EQ(split.calls.size(), 1u) << object;
    EXPECT_EQ(split.calls[0].name, "now");
    EXPECT_EQ(split.calls[0].arguments, "{\"a\": 1}");
    EXPECT_EQ(split.text, "") << object;
  }
  // Line ends in strings are no JSON, but written often enough.
  EXPECT_EQ(split_answer(options_of(format), "<tool_call>{\"name\": \"now\", \"arguments\": {\"a\": \"1\n2\t\"}}")
                .calls.at(0)
                .arguments,
            R"({"a": "1\n2\t"})");
  for (const char* none :
       {R"({"name": "now"})", R"({"name": "now", "arguments": null})", R"({"name":"now","arguments":""})"})
    EXPECT_EQ(split_answer(options_of(format), std::string("<tool_call>") + none).calls.at(0).arguments, "{}");
}

TEST(SplitterTest, a_call_that_cannot_be_read_is_text) {
  const AnswerFormat format = tagged();
  for (const char* text :
       {"<tool_call>{\"name\": \"now\", \"arguments\": {\"a\": }}</tool_call>",
        "<tool_call>\n{name: now}\n</tool_call> x", "Look: <tool_call>\n{\"arguments\": {}}</tool_call>",
        "<tool_call>{\"name\": \"now\", \"arguments\": [1]}</tool_call>",
        "<tool_call>{\"name\": \"now\", \"arguments\": {\"a\": \"cut", "a <tool_call>{\"name\": \"no"}) {
    const SplitAnswer split = split_answer(options_of(format), text);
    EXPECT_TRUE(split.malformed) << text;
    EXPECT_TRUE(split.calls.empty()) << text;
    EXPECT_EQ(split.text, text);
  }
}

TEST(SplitterTest, a_good_call_behind_a_bad_one_is_read) {
  const AnswerFormat format = tagged();
  const SplitAnswer split =
      split_answer(options_of(format),
                   "<tool_call>{bad}</tool_call>\n<tool_call>{\"name\": \"now\", \"arguments\": {}}</tool_call>");
  EXPECT_TRUE(split.malformed);
  EXPECT_EQ(split.text, "<tool_call>{bad}</tool_call>");
  ASSERT_EQ(split.calls.size(), 1u);
}

TEST(SplitterTest, text_behind_a_call_is_text) {
  const AnswerFormat format = tagged();
  const SplitAnswer split =
      split_answer(options_of(format), "One.\n<tool_call>{\"name\": \"now\", \"arguments\": {}}</tool_call>\nTwo.");
  EXPECT_EQ(split.text, "One.\nTwo.");
  EXPECT_EQ(split.calls.size(), 1u);
}

TEST(SplitterTest, an_answer_may_be_complete_behind_its_first_call) {
  const AnswerFormat format = tagged();
  SplitOptions options = options_of(format);
  options.one_call = true;
  const std::string call = "<tool_call>{\"name\": \"now\", \"arguments\": {}}</tool_call>";
  const SplitAnswer split = split_answer(options, call + "\n" + call);
  EXPECT_TRUE(split.finished);
  EXPECT_EQ(split.calls.size(), 1u);
  EXPECT_EQ(split.text, "");
}

TEST(SplitterTest, calls_are_text_where_none_are_wanted) {
  const AnswerFormat format = tagged();
  SplitOptions options = options_of(format);
  options.calls = false;
  const std::string call = "<tool_call>{\"name\": \"now\", \"arguments\": {}}</tool_call>";
  const SplitAnswer split = split_answer(options, "<think>x</think>" + call);
  EXPECT_EQ(split.text, call);
  EXPECT_EQ(split.reasoning, "x");
  EXPECT_FALSE(split.malformed);
}

TEST(SplitterTest, lists_of_calls_are_read) {
  const AnswerFormat format = listed();
  const std::string one = R"({"name": "now", "arguments": {}, "id": "abcdefghi"})";
  for (const std::string& text : {"[CALLS][" + one + ", " + one + "]", "[CALLS] [" + one + "," + one + "] ",
                                  "[CALLS]" + one + "\n" + one, "[CALLS][" + one + "," + one}) {
    const SplitAnswer split = split_answer(options_of(format), text);
    EXPECT_EQ(split.calls.size(), 2u) << text;
    EXPECT_EQ(split.text, "") << text;
  }
  const SplitAnswer broken = split_answer(options_of(format), "[CALLS][" + one + ", {\"x\": 1}] after");
  EXPECT_EQ(broken.calls.size(), 1u);
  EXPECT_TRUE(broken.malformed);
  EXPECT_EQ(broken.text, ", {\"x\": 1}] after");
}

TEST(SplitterTest, a_call_that_nothing_announces_must_begin_the_answer_and_name_a_tool) {
  const AnswerFormat format = bare();
  const std::string call = R"({"name": "now", "parameters": {"a": 1}})";
  EXPECT_EQ(split_answer(options_of(format), call).calls.size(), 1u);
  EXPECT_EQ(split_answer(options_of(format), "\n" + call + "; " + call).calls.size(), 2u);
  EXPECT_EQ(split_answer(options_of(format), "<think>a</think>\n\n" + call).calls.size(), 1u);
  for (const std::string& text : {"Use " + call, std::string(R"({"name": "Anna", "parameters": {}})"),
                                  std::string(R"({"city": "Oslo"})"), std::string("{ text }"), std::string("{")}) {
    const SplitAnswer split = split_answer(options_of(format), text);
    EXPECT_TRUE(split.calls.empty()) << text;
    EXPECT_EQ(split.text, text);
    EXPECT_FALSE(split.malformed) << text;
  }
}

TEST(SplitterTest, python_calls_become_json) {
  const AnswerFormat format = python({"<|calls|>"}, {"<|/calls|>"});
  const SplitAnswer split =
      split_answer(options_of(format),
                   "<|calls|>[get_weather(city=\"Oslo)\", days=3), add(xs=[1, 2.5, -3], options={'round': True, "
                   "'by': None}, exact=False), now()]<|/calls|>Done");
  ASSERT_EQ(split.calls.size(), 3u);
  EXPECT_EQ(split.calls[0].arguments, R"_({"city": "Oslo)", "days": 3})_");
  EXPECT_EQ(split.calls[1].arguments,
            R"({"xs": [1, 2.5, -3], "options": {"round": true, "by": null}, "exact": false})");
  EXPECT_EQ(split.calls[2].arguments, "{}");
  EXPECT_EQ(split.text, "Done");
  const AnswerFormat unannounced = python({}, {});
  EXPECT_EQ(split_answer(options_of(unannounced), "[now()]").calls.size(), 1u);
  EXPECT_EQ(split_answer(options_of(unannounced), "now.call(a='it\\'s \"x\"')").calls.at(0).arguments,
            R"({"a": "it's \"x\""})");
  for (const char* text : {"[1, 2, 3]", "print(1)", "[foo(a=1)]", "now (then)"})
    EXPECT_EQ(split_answer(options_of(unannounced), text).text, text);
}

TEST(SplitterTest, white_space_without_end_is_no_reason_to_wait) {
  const AnswerFormat format = tagged();
  const std::string space(100'000, '\n');
  const SplitAnswer split = split_pieces(options_of(format), random_pieces("x" + space + "y", 1, 3));
  EXPECT_EQ(split.text, "x" + space + "y");
  EXPECT_EQ(split_pieces(options_of(format), random_pieces(space, 1, 3)).text, space);
}

TEST(SplitterTest, many_broken_calls_take_no_long) {
  const AnswerFormat format = tagged();
  std::string text;
  for (int i = 0; i < 20'000; ++i) text += "<tool_call>{\"a\":\"";
  EXPECT_EQ(split_pieces(options_of(format), random_pieces(text, 1, 40)).text, text);
}

}  // namespace
}  // namespace hearth
