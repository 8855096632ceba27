// What templates of our own tell about answers.
#include "tests/engine/answer/answer_case.h"

namespace hearth {
namespace {

const std::string kTurns =
    "{% for m in messages %}<|{{ m.role }}|>"
    "{% if m.reasoning_content and loop.last %}<reflect>{{ m.reasoning_content }}</reflect>\n{% endif %}"
    "{{ m.content }}";

std::string with_calls(const std::string& calls) {
  return "{% if tools %}<|tools|>{{ tools | tojson }}{% endif %}" + kTurns + "{% if m.tool_calls %}" + calls +
         "{% endif %}<|end|>\n{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}";
}

CallFormat call_format(const std::string& calls) {
  const AnswerFormat format = learned(with_calls(calls));
  EXPECT_TRUE(format.shows_calls);
  return format.calls.empty() ? CallFormat() : format.calls[0];
}

TEST(LearnTest, a_template_without_calls_has_none) {
  const AnswerFormat format = learned(kTurns + "{% endfor %}");
  EXPECT_FALSE(format.has_calls());
  EXPECT_FALSE(format.shows_calls);
}

TEST(LearnTest, objects_between_markers) {
  const CallFormat format = call_format(
      "{% for c in m.tool_calls %}\n<call>{\"tool\": \"{{ c.function.name }}\", \"with\": {{ c.function.arguments | "
      "tojson "
      "}}}</call>{% endfor %}");
  EXPECT_EQ(format.body, CallFormat::Body::object);
  EXPECT_EQ(format.name_key, "tool");
  EXPECT_EQ(format.arguments_key, "with");
  EXPECT_EQ(format.call_open, Words{"<call>"});
  EXPECT_EQ(format.call_close, Words{"</call>"});
  EXPECT_TRUE(format.section_open.empty() && format.section_close.empty());
}

TEST(LearnTest, objects_whose_key_is_the_name) {
  const CallFormat format = call_format(
      "<|calls|>[{% for c in m.tool_calls %}{\"{{ c.function.name }}\": {{ c.function.arguments | tojson }}}{% if not "
      "loop.last %}, {% endif %}{% endfor %}]<|/calls|>");
  EXPECT_TRUE(format.name_is_key);
  EXPECT_EQ(format.section_open, Words{"<|calls|>"});
  EXPECT_EQ(format.section_close, Words{"<|/calls|>"});
  AnswerFormat answers;
  answers.calls = {format};
  EXPECT_EQ(split_answer(options_of(answers), "<|calls|>[{\"now\": {\"a\": 1}}, {\"now\": {}}]<|/calls|>").calls.size(),
            2u);
}

TEST(LearnTest, sections_with_names_in_front_of_arguments) {
  const CallFormat format = call_format(
      "<|section|>{% for c in m.tool_calls %}<|call|>functions.{{ c.function.name }}:{{ loop.index0 }}<|args|>{{ "
      "c.function.arguments | tojson }}<|/call|>{% endfor %}<|/section|>");
  EXPECT_EQ(format.body, CallFormat::Body::named);
  EXPECT_EQ(format.section_open, Words{"<|section|>"});
  EXPECT_EQ(format.call_open, Words{"<|call|>"});
  EXPECT_EQ(format.name_prefix, "functions.");
  EXPECT_EQ(format.name_end, Words{"<|args|>"});
  EXPECT_EQ(format.call_close, Words{"<|/call|>"});
  EXPECT_EQ(format.section_close, Words{"<|/section|>"});
  AnswerFormat answers;
  answers.calls = {format};
  const SplitAnswer split =
      split_answer(options_of(answers),
                   "<|section|><|call|>functions.now:0<|args|>{}<|/call|><|call|>now<|args|>{}<|/call|><|/section|>");
  ASSERT_EQ(split.calls.size(), 2u);
  EXPECT_EQ(split.calls[0].name, "now");
  EXPECT_EQ(split.calls[1].name, "now");
}

TEST(LearnTest, ids_between_name_and_arguments) {
  const CallFormat format = call_format(
      "{% for c in m.tool_calls %}[CALLS]{{ c.function.name }}[ID]{{ c.id }}[ARGS]{{ c.function.arguments | tojson "
      "}}{% "
      "endfor %}");
  EXPECT_EQ(format.call_open, Words{"[CALLS]"});
  EXPECT_EQ(format.name_end, (Words{"[ID]", std::string(kAnyWord), "[ARGS]"}));
  AnswerFormat answers;
  answers.calls = {format};
  const SplitAnswer split =
      split_answer(options_of(answers), "[CALLS]now[ID]a1B2c3D4e[ARGS]{}[CALLS]add[ID]x[ARGS]{\"xs\": []}");
  ASSERT_EQ(split.calls.size(), 2u);
  EXPECT_EQ(split.calls[1].name, "add");
}

TEST(LearnTest, special_tokens_of_a_vocabulary_tell_usual_forms) {
  const std::string source = "{% if tools %}{{ tools | tojson }}{% endif %}" + kTurns + "{% endfor %}";
  const Template parsed = Template::parse(source);
  const auto has_token = [](std::string_view word) { return word == "<|tool_call_start|>"; };
  const AnswerFormat format =
      learn_answer_format(parsed, {.source = source, .bos = "", .eos = "", .has_token = has_token});
  ASSERT_EQ(format.calls.size(), 1u);
  EXPECT_EQ(split_answer(options_of(format), "<|tool_call_start|>[now(a=1)]<|tool_call_end|>").calls.size(), 1u);
  const std::string deaf = kTurns + "{% endfor %}";
  const Template other = Template::parse(deaf);
  EXPECT_FALSE(learn_answer_format(other, {.source = deaf, .bos = "", .eos = "", .has_token = has_token}).has_calls());
}

TEST(LearnTest, ids_that_hold_the_name) {
  const AnswerFormat format =
      learned(with_calls("<|section|>{% for c in m.tool_calls %}<|call|>{{ c.id }}<|args|>{{ c.function.arguments | "
                         "tojson }}<|/call|>{% endfor "
                         "%}<|/section|>"));
  EXPECT_TRUE(format.shows_calls);
  EXPECT_TRUE(format.habits.function_ids);
}

TEST(LearnTest, keys_and_values_between_markers) {
  const CallFormat keys = call_format(
      "{% for c in m.tool_calls %}\n<call>{{ c.function.name }}\n{% for k, v in c.function.arguments | items %}<k>{{ k "
      "}}</k>\n<v>{{ v if v is string else v | tojson }}</v>\n{% endfor %}</call>{% endfor %}");
  EXPECT_EQ(keys.body, CallFormat::Body::parameters);
  EXPECT_EQ(keys.parameter_open, Words{"<k>"});
  EXPECT_EQ(keys.key_end, (Words{"</k>", "<v>"}));
  EXPECT_EQ(keys.parameter_close, Words{"</v>"});
  EXPECT_EQ(keys.call_close, Words{"</call>"});
  AnswerFormat answers;
  answers.calls = {keys};
  EXPECT_EQ(split_answer(options_of(answers), "<call>now</call>").calls.size(), 1u);
  const CallFormat attributes = call_format(
      "\n<calls>\n{% for c in m.tool_calls %}<invoke name=\"{{ c.function.name }}\">\n{% for k, v in "
      "c.function.arguments | "
      "items %}<parameter name=\"{{ k }}\" string=\"{{ 'true' if v is string else 'false' }}\">{{ v if v is string "
      "else v | "
      "tojson }}</parameter>\n{% endfor %}</invoke>\n{% endfor %}</calls>");
  EXPECT_EQ(attributes.section_open, Words{"<calls>"});
  EXPECT_EQ(attributes.call_open, (Words{"<invoke", "name=\""}));
  EXPECT_EQ(attributes.key_end, (Words{"\"", "string=\"true\">"}));
  EXPECT_EQ(attributes.plain_key_end, (Words{"\"", "string=\"false\">"}));
  EXPECT_EQ(attributes.section_close, Words{"</calls>"});
}

TEST(LearnTest, calls_as_python_writes_them) {
  const CallFormat format = call_format(
      "<|calls|>[{% for c in m.tool_calls %}{{ c.function.name }}({% for k, v in c.function.arguments | items %}{{ k "
      "}}={{ v | "
      "tojson }}{% if not loop.last %}, {% endif %}{% endfor %}){% if not loop.last %}, {% endif %}{% endfor "
      "%}]<|/calls|>");
  EXPECT_EQ(format.body, CallFormat::Body::python);
  EXPECT_EQ(format.section_open, Words{"<|calls|>"});
  EXPECT_EQ(format.section_close, Words{"<|/calls|>"});
}

TEST(LearnTest, arguments_as_text_where_a_template_prints_them) {
  const AnswerFormat format =
      learned(with_calls("{% for c in m.tool_calls %}<call>{{ '{\"name\": \"' + c.function.name + '\", \"arguments\": "
                         "' + c.function.arguments + "
                         "'}' }}</call>{% endfor %}"));
  EXPECT_TRUE(format.shows_calls);
  EXPECT_TRUE(format.habits.arguments_as_text);
  EXPECT_FALSE(format.habits.one_call_a_message);
}

TEST(LearnTest, the_markers_of_reasoning) {
  const AnswerFormat format = learned(with_calls(""));
  ASSERT_FALSE(format.reasoning.empty());
  EXPECT_EQ(format.reasoning[0].open, "<reflect>");
  EXPECT_EQ(format.reasoning[0].close, "</reflect>");
  EXPECT_EQ(format.habits.reasoning_key, "reasoning_content");
  EXPECT_TRUE(format.shows_reasoning);
  // What a template only takes out of earlier answers.
  const AnswerFormat taken_out =
      learned("{% for m in messages %}<|{{ m.role }}|>{{ m.content.split('</seed:think>')[-1] }}{% endfor %}");
  EXPECT_TRUE(taken_out.shows_reasoning);
  EXPECT_EQ(taken_out.reasoning.back().open, "<seed:think>");
}

TEST(LearnTest, a_form_that_is_only_described_is_known) {
  const AnswerFormat format =
      learned("{% if tools %}Answer with <tool_call>{\"name\": ..., \"arguments\": ...}</tool_call>.{% endif %}" +
              kTurns + "{% endfor %}");
  ASSERT_EQ(format.calls.size(), 1u);
  EXPECT_FALSE(format.shows_calls);
  EXPECT_TRUE(format.habits.drops_calls);
}

TEST(LearnTest, a_template_that_is_hostile_or_fails_tells_nothing) {
  EXPECT_FALSE(learned("{{ raise_exception('no') }}").has_calls());
  EXPECT_FALSE(learned("{% for i in range(1000000000) %}x{% endfor %}").has_calls());
  EXPECT_FALSE(learned("").has_calls());
}

}  // namespace
}  // namespace hearth
