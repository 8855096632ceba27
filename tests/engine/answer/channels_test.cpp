// Answers that are messages with headers.
#include "tests/engine/answer/answer_case.h"

namespace hearth {
namespace {

AnswerFormat channels() {
  AnswerFormat format;
  format.channels = true;
  return format;
}

TEST(ChannelsTest, analysis_is_reasoning_and_final_is_text) {
  const AnswerFormat format = channels();
  const SplitAnswer split = split_answer(options_of(format),
                                         "<|channel|>analysis<|message|>Hm, 1 < 2.<|end|><|start|>assistant<|channel|>"
                                         "final<|message|>Yes.\n<|return|>");
  EXPECT_EQ(split.reasoning, "Hm, 1 < 2.");
  EXPECT_EQ(split.text, "Yes.\n");
  EXPECT_TRUE(split.finished);
}

TEST(ChannelsTest, messages_to_functions_are_calls) {
  const AnswerFormat format = channels();
  for (const char* header : {"<|channel|>commentary to=functions.now <|constrain|>json<|message|>",
                             " to=functions.now<|channel|>commentary json<|message|>",
                             "<|channel|>commentary to=functions.now<|message|>"}) {
    const SplitAnswer split =
        split_answer(options_of(format), std::string("<|channel|>analysis<|message|>Think.<|end|><|start|>assistant") +
                                             header + "{\"a\": \"<|end|>\"}<|call|>");
    EXPECT_EQ(split.reasoning, "Think.");
    EXPECT_EQ(split.text, "");
    ASSERT_EQ(split.calls.size(), 1u) << header;
    EXPECT_EQ(split.calls[0].name, "now");
    EXPECT_EQ(split.calls[0].arguments, "{\"a\": \"<|end|>\"}");
    EXPECT_TRUE(split.finished);
  }
}

TEST(ChannelsTest, a_call_ends_with_the_answer) {
  const AnswerFormat format = channels();
  EXPECT_EQ(split_answer(options_of(format), "<|channel|>commentary to=functions.now<|message|>{}").calls.size(), 1u);
}

TEST(ChannelsTest, a_preamble_is_text) {
  const AnswerFormat format = channels();
  const SplitAnswer split =
      split_answer(options_of(format),
                   "<|channel|>commentary<|message|>I will look.<|end|><|start|>assistant<|channel|>"
                   "commentary to=functions.now<|message|>{}<|call|>");
  EXPECT_EQ(split.text, "I will look.");
  EXPECT_EQ(split.calls.size(), 1u);
}

TEST(ChannelsTest, an_answer_without_headers_is_text) {
  const AnswerFormat format = channels();
  for (const char* text : {"Hello.", " to you", "<b>", "tomorrow"})
    EXPECT_EQ(split_answer(options_of(format), text).text, text);
}

TEST(ChannelsTest, a_header_that_is_none_or_breaks_off_ends) {
  const AnswerFormat format = channels();
  const std::string endless = "<|start|>" + std::string(2000, 'x') + "<|start|><|start|>" + std::string(600, 'y');
  EXPECT_EQ(split_answer(options_of(format), endless).text, endless);
  EXPECT_EQ(split_answer(options_of(format), "<|channel|>final<|message|>Yes.<|start|>assistant<|chan").text, "Yes.");
  EXPECT_EQ(split_answer(options_of(format), "<|start|>").text, "");
}

TEST(ChannelsTest, a_call_that_cannot_be_read_is_text) {
  const AnswerFormat format = channels();
  const SplitAnswer split =
      split_answer(options_of(format), "<|channel|>commentary to=functions.now<|message|>{\"a\": oops}<|call|>");
  EXPECT_TRUE(split.malformed);
  EXPECT_TRUE(split.calls.empty());
  EXPECT_EQ(split.text, "<|channel|>commentary to=functions.now<|message|>{\"a\": oops}");
}

}  // namespace
}  // namespace hearth
