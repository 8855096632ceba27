// Calls whose parameters stand between markers one by one.
#include "tests/engine/answer/answer_case.h"

namespace hearth {
namespace {

AnswerFormat xml() {
  AnswerFormat format;
  CallFormat call;
  call.body = CallFormat::Body::parameters;
  call.call_open = {"<tool_call>", "<function="};
  call.name_end = {">"};
  call.parameter_open = {"<parameter="};
  call.key_end = call.plain_key_end = {">"};
  call.parameter_close = {"</parameter>"};
  call.call_close = {"</function>", "</tool_call>"};
  call.own_lines = true;
  format.calls = {call};
  return format;
}

std::string parameter(const std::string& key, const std::string& value) {
  return "<parameter=" + key + ">\n" + value + "\n</parameter>\n";
}

std::string call(const std::string& name, const std::string& parameters) {
  return "<tool_call>\n<function=" + name + ">\n" + parameters + "</function>\n</tool_call>";
}

std::string arguments_of(const AnswerFormat& format, const std::string& text) {
  const SplitAnswer split = split_answer(options_of(format), text);
  EXPECT_EQ(split.text, "") << text;
  return split.calls.size() == 1 ? split.calls[0].arguments : "no call";
}

TEST(ParametersTest, the_schema_says_what_a_value_is) {
  const AnswerFormat format = xml();
  EXPECT_EQ(arguments_of(format, call("get_weather", parameter("city", "5") + parameter("days", "5"))),
            R"({"city": "5", "days": 5})");
  EXPECT_EQ(arguments_of(format, call("add", parameter("xs", "[1, 2]") + parameter("options", "{\"a\": null}") +
                                                 parameter("exact", "True"))),
            R"({"xs": [1, 2], "options": {"a": null}, "exact": true})");
  EXPECT_EQ(arguments_of(format, call("now", "")), "{}");
  EXPECT_EQ(
      arguments_of(format, call("unknown", parameter("a", "1") + parameter("b", "x y") + parameter("c", "\"q\""))),
      R"({"a": 1, "b": "x y", "c": "\"q\""})");
  EXPECT_EQ(arguments_of(format, call("get_weather", parameter("days", "many"))), R"({"days": "many"})");
}

TEST(ParametersTest, texts_stay_as_they_are_between_their_lines) {
  const AnswerFormat format = xml();
  for (const std::string& text :
       {std::string("  two\n\nlines \"\\\t"), std::string(), std::string("\n"), std::string("</tool_call> </function>"),
        std::string("a </parameter> b"), std::string("Łódź 日本"), std::string("<parameter=x>"),
        std::string("\r\nbehind an empty line")}) {
    const auto got = nlohmann::json::parse(arguments_of(format, call("get_weather", parameter("city", text))));
    EXPECT_EQ(got["city"].get<std::string>(), text);
  }
}

TEST(ParametersTest, texts_come_as_they_are_written) {
  const AnswerFormat format = xml();
  const auto reader = make_answer_reader(options_of(format));
  EXPECT_TRUE(reader->push("<tool_call>\n<function=get_weather>\n<parameter=city>\n").calls.size() <= 1);
  EXPECT_EQ(reader->push("Os").calls.at(0).arguments, "Os");
  EXPECT_EQ(reader->push("lo\n</par").calls.at(0).arguments, "lo");
  EXPECT_TRUE(reader->push("ameter>\n").calls.empty());
  EXPECT_EQ(reader->push("</function>").calls.at(0).arguments, "\"}");
}

TEST(ParametersTest, markers_may_be_left_out) {
  const AnswerFormat format = xml();
  EXPECT_EQ(arguments_of(format, "<function=now>\n</function>"), "{}");
  EXPECT_EQ(
      arguments_of(format, "<tool_call><function=get_weather><parameter=city>Oslo</parameter></function></tool_call>"),
      R"({"city": "Oslo"})");
  const SplitAnswer two = split_answer(options_of(format), "a\n" + call("now", "") + "\n" + call("now", ""));
  EXPECT_EQ(two.calls.size(), 2u);
  EXPECT_EQ(two.text, "a");
}

TEST(ParametersTest, a_call_that_breaks_off_is_text) {
  const AnswerFormat format = xml();
  for (const char* text : {"<tool_call>\n<function=now>\n<parameter=city>\nOslo", "<tool_call>\n<function=now>\nwhat?",
                           "<tool_call>\n<function=now>\n<parameter=a b"}) {
    const SplitAnswer split = split_answer(options_of(format), text);
    EXPECT_EQ(split.text, text);
    EXPECT_TRUE(split.malformed);
  }
}

TEST(ParametersTest, a_marker_may_say_whether_a_value_is_text) {
  AnswerFormat format = xml();
  CallFormat& calls = format.calls[0];
  calls.call_open = {"<invoke", "name=\""};
  calls.name_end = {"\">"};
  calls.parameter_open = {"<parameter", "name=\""};
  calls.key_end = {"\"", "string=\"true\">"};
  calls.plain_key_end = {"\"", "string=\"false\">"};
  calls.call_close = {"</invoke>"};
  calls.own_lines = false;
  EXPECT_EQ(arguments_of(format,
                         "<invoke name=\"add\">\n<parameter name=\"xs\" string=\"false\">[1]</parameter>\n"
                         "<parameter name=\"exact\" string=\"true\">true</parameter>\n</invoke>"),
            R"({"xs": [1], "exact": "true"})");
}

}  // namespace
}  // namespace hearth
