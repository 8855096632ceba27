// Calls as the templates of real models write them, read back.
#include <algorithm>
#include <filesystem>

#include "engine/text/answer/fit.h"
#include "engine/text/template/chat_context.h"
#include "tests/engine/answer/answer_case.h"

namespace hearth {
namespace {

using Json = nlohmann::ordered_json;

struct TemplateFile {
  std::string name, source;
  Json cases;
};

std::vector<TemplateFile> shared_templates() {
  std::vector<TemplateFile> files;
  for (const auto& entry : std::filesystem::directory_iterator(shared_data("templates"))) {
    if (entry.path().extension() != ".jinja") continue;
    std::filesystem::path cases = entry.path();
    cases.replace_extension(".cases.json");
    files.push_back({entry.path().stem().string(), read_text(entry.path()), Json::parse(read_text(cases))});
  }
  std::ranges::sort(files, {}, &TemplateFile::name);
  return files;
}

std::string render_fitted(const Template& parsed, const AnswerFormat& format, const Json& request) {
  RenderLimits limits;
  limits.now = "2026-11-23T12:34:56";
  return parsed.render(chat_context(fit_conversation(parse_json(request.dump()), format, true)), limits);
}

// The conversation up to and with message `last`.
Json up_to(const Json& request, size_t last, bool generation_prompt) {
  Json cut = request;
  cut["messages"].erase(cut["messages"].begin() + static_cast<std::ptrdiff_t>(last) + 1, cut["messages"].end());
  cut["add_generation_prompt"] = generation_prompt;
  return cut;
}

// What the model writes for a message: the rendered conversation behind the prompt, up to where the model ends.
std::string written_answer(const Template& parsed, const AnswerFormat& format, const Json& request, size_t index) {
  const std::string prompt = render_fitted(parsed, format, up_to(request, index - 1, true));
  const std::string all = render_fitted(parsed, format, up_to(request, index, false));
  std::string answer = all.substr(common_beginning(prompt, all));
  for (const char* end : {"<|im_end|>", "<|eot_id|>", "</s>",
                          "<\xEF\xBD\x9C"
                          "end\xE2\x96\x81of\xE2\x96\x81sentence\xEF\xBD\x9C>",
                          "<|START_OF_TURN_TOKEN|>", "<|end_of_text|>"})
    answer = answer.substr(0, answer.rfind(end));
  const std::string_view chatbot = "<|CHATBOT_TOKEN|>";  // of a template whose prompt goes on behind the last message
  if (answer.starts_with(chatbot)) answer.erase(0, chatbot.size());
  return answer;
}

Json as_object(const Json& arguments) {
  return arguments.is_string() ? Json::parse(arguments.get<std::string>()) : arguments;
}

TEST(CallsOfTemplatesTest, are_read_back_from_what_each_template_writes) {
  HEARTH_REQUIRE_SHARED(shared_data("templates"));
  std::map<std::string, int> read;
  for (const TemplateFile& file : shared_templates()) {
    const Template parsed = Template::parse(file.source);
    std::map<std::pair<std::string, std::string>, AnswerFormat> formats;  // by the tokens that begin and end texts
    for (const Json& one : file.cases) {
      if (one.value("raises", false)) continue;
      const std::string bos = one["bos_token"].is_string() ? one["bos_token"].get<std::string>() : "";
      const std::string eos = one["eos_token"].get<std::string>();
      const auto [known, fresh] = formats.try_emplace({bos, eos});
      AnswerFormat& format = known->second;
      if (fresh)
        format = learn_answer_format(parsed, {.source = file.source, .bos = bos, .eos = eos, .has_token = {}});
      for (size_t i = 1; i < one["messages"].size(); ++i) {
        const Json& message = one["messages"][i];
        if (!message.contains("tool_calls") || !message["tool_calls"].is_array()) continue;
        if (format.habits.one_call_a_message && message["tool_calls"].size() > 1) continue;
        if (!one.contains("tools") || one["tools"].is_null()) continue;
        if (one["extra"].contains("builtin_tools") || one["extra"].contains("python_tools")) continue;
        SCOPED_TRACE(file.name + ": " + one["name"].get<std::string>());
        ASSERT_TRUE(format.has_calls());
        SplitOptions options = options_of(format);
        options.tools = Tools(parse_json(one["tools"].dump()));
        const std::string answer = written_answer(parsed, format, one, i);
        const SplitAnswer split = split_answer(options, answer);
        EXPECT_FALSE(split.malformed) << answer;
        ASSERT_EQ(split.calls.size(), message["tool_calls"].size()) << answer;
        for (size_t j = 0; j < split.calls.size(); ++j) {
          const Json& wanted = message["tool_calls"][j]["function"];
          EXPECT_EQ(split.calls[j].name, wanted["name"].get<std::string>());
          EXPECT_EQ(Json::parse(split.calls[j].arguments), as_object(wanted["arguments"])) << answer;
          ++read[file.name];
        }
        const std::string content =
            message["content"].is_string() ? message["content"].get<std::string>() : std::string();
        // Some templates drop what is said beside a call.
        if (answer.find(content) != std::string::npos && !content.empty())
          EXPECT_EQ(trim(format.channels ? split.reasoning : split.text), content) << answer;
      }
    }
  }
  EXPECT_EQ(read.size(), 14u);
  for (const auto& [name, count] : read) EXPECT_GE(count, 7) << name;
}

TEST(CallsOfTemplatesTest, reasoning_is_read_back_from_what_each_template_writes) {
  HEARTH_REQUIRE_SHARED(shared_data("templates"));
  int read = 0;
  for (const TemplateFile& file : shared_templates()) {
    const Template parsed = Template::parse(file.source);
    const AnswerFormat format =
        learn_answer_format(parsed, {.source = file.source, .bos = "<s>", .eos = "</s>", .has_token = {}});
    // Templates that do not show reasoning have it written as is usual.
    std::string answer = "<think>\nOne and one.\n</think>\n\nTwo.";
    if (!format.habits.reasoning_key.empty()) {
      const Json request = Json::parse(R"({"messages": [{"role": "user", "content": "1+1?"}, {"role": "assistant",
        "content": "Two.", "reasoning_content": "One and one."}], "bos_token": "<s>", "eos_token": "</s>"})");
      answer = written_answer(parsed, format, request, 1);
    }
    SCOPED_TRACE(file.name + ": " + answer);
    if (format.channels) answer = answer.substr(0, answer.rfind("<|return|>"));
    const SplitAnswer split = split_answer(options_of(format), answer);
    EXPECT_EQ(split.reasoning, "One and one.");
    EXPECT_EQ(split.text, "Two.");
    ++read;
  }
  EXPECT_EQ(read, 24);
}

TEST(CallsOfTemplatesTest, forms_that_models_are_known_to_write_are_read) {
  HEARTH_REQUIRE_SHARED(shared_data("templates"));
  struct Written {
    const char* name;
    const char* answer;
    size_t calls = 1;
  };
  for (const Written& one : {
           Written{"llama-3.1-8b-instruct", R"(<|python_tag|>{"name": "now", "parameters": {}})"},
           Written{"llama-3.1-8b-instruct", R"(<|python_tag|>now.call(zone="CET"))"},
           Written{"llama-3.1-8b-instruct", R"({"type": "function", "name": "now", "parameters": {}})"},
           Written{"llama-3.2-3b-instruct", R"({"name": "now", "parameters": {}}; {"name": "now", "parameters": {}})",
                   2},
           Written{"mistral-nemo-instruct", R"([TOOL_CALLS][{"name": "now", "arguments": {}}])"},
           Written{"mistral-nemo-instruct", R"([TOOL_CALLS]{"name": "now", "arguments": {}})"},
           Written{"qwen2.5-instruct", R"(<tool_call>{"name": "now", "arguments": {}}</tool_call>)"},
           Written{"qwen2.5-instruct", R"(<tool_call>{"name": "now", "arguments": {}})"},
           Written{"qwen3-coder", R"(<tool_call>{"name": "now", "arguments": {}}</tool_call>)"},
           Written{"qwen3-coder", "<function=now>\n</function>\n</tool_call>"},
           Written{"granite-3.3",
                   R"(<|tool_call|>[{"name": "now", "arguments": {}}, {"name": "now", "arguments": {}}])", 2},
           Written{"granite-3.3", R"(<|tool_call|> {"name": "now", "arguments": {}})"},
           Written{"smollm3", "<think>\n\n</think>\n<tool_call>\n{\"name\": \"now\", \"arguments\": {}}\n</tool_call>"},
           Written{"command-r-plus-tool-use",
                   "Action: ```json\n[\n  {\n    \"tool_name\": \"now\",\n    \"parameters\": {}\n  }\n]\n```"},
           Written{"gpt-oss", "<|channel|>commentary to=functions.now <|constrain|>json<|message|>{}<|call|>"},
       }) {
    SCOPED_TRACE(std::string(one.name) + ": " + one.answer);
    const std::string source = read_text(shared_data(std::string("templates/") + one.name + ".jinja"));
    const AnswerFormat format = learned(source);
    const SplitAnswer split = split_answer(options_of(format), one.answer);
    EXPECT_EQ(split.calls.size(), one.calls);
    EXPECT_EQ(split.text, "");
    EXPECT_FALSE(split.malformed);
  }
}

TEST(CallsOfTemplatesTest, conversations_in_openai_form_render_with_every_template) {
  HEARTH_REQUIRE_SHARED(shared_data("templates"));
  // What clients send: content null, arguments as text, long ids, parallel calls, a system message in the middle,
  // parts, two users in a row, and tools without descriptions.
  const Json request = Json::parse(R"({"messages": [
    {"role": "developer", "content": "Be brief."},
    {"role": "user", "content": [{"type": "text", "text": "Weather"}, {"type": "text", "text": "and sum?"}]},
    {"role": "system", "content": "A reminder."},
    {"role": "assistant", "content": null, "reasoning_content": "Two tools.", "tool_calls": [
      {"id": "call_0123456789abcdef01234567", "type": "function",
       "function": {"name": "get_weather", "arguments": "{\"city\": \"Oslo\"}"}},
      {"id": "call_1123456789abcdef01234567", "type": "function",
       "function": {"name": "now", "arguments": ""}}]},
    {"role": "tool", "tool_call_id": "call_0123456789abcdef01234567", "content": [{"type": "text", "text": "snowfall"}]},
    {"role": "tool", "tool_call_id": "call_1123456789abcdef01234567", "content": "midday"},
    {"role": "user", "content": "Go on"},
    {"role": "user", "content": "please"},
    {"role": "assistant", "content": "Done.", "tool_calls": []},
    {"role": "user", "content": "Thanks"}],
    "tools": [{"type": "function", "function": {"name": "get_weather", "parameters": {"type": "object",
      "properties": {"city": {"type": "string"}, "when": {"anyOf": [{"type": "string"}, {"type": "null"}]}}}}},
      {"type": "function", "function": {"name": "now"}}],
    "add_generation_prompt": true, "bos_token": "<s>", "eos_token": "</s>"})");
  int templates = 0;
  for (const TemplateFile& file : shared_templates()) {
    SCOPED_TRACE(file.name);
    const Template parsed = Template::parse(file.source);
    const AnswerFormat format =
        learn_answer_format(parsed, {.source = file.source, .bos = "<s>", .eos = "</s>", .has_token = {}});
    std::string text;
    ASSERT_NO_THROW(text = render_fitted(parsed, format, request));
    for (const char* said : {"Be brief.", "Weather", "and sum?", "A reminder.", "snowfall", "midday", "Go on", "please",
                             "Done.", "Thanks"})
      EXPECT_NE(text.find(said), std::string::npos) << said << " is missing in\n" << text;
    EXPECT_NE(text.find("Oslo"), std::string::npos) << text;
    ++templates;
  }
  EXPECT_EQ(templates, 24);
}

TEST(CallsOfTemplatesTest, a_conversation_that_fits_stays_as_it_is) {
  HEARTH_REQUIRE_SHARED(shared_data("templates"));
  int same = 0;
  for (const TemplateFile& file : shared_templates()) {
    const Template parsed = Template::parse(file.source);
    const AnswerFormat format =
        learn_answer_format(parsed, {.source = file.source, .bos = "<s>", .eos = "</s>", .has_token = {}});
    for (const Json& one : file.cases) {
      // Some are not what such a template should be given: they lose text, or are refused.
      const std::string name = one["name"].get<std::string>();
      const bool usual = !one.value("raises", false) && !name.starts_with("roles:") && !name.starts_with("empty tools");
      // The template has a key of its own for reasoning.
      if (format.channels && name.starts_with("reasoning_content")) continue;
      if (!usual || one.dump().find("tool_calls") != std::string::npos) continue;
      if (format.habits.no_system && one.dump().find("\"system\"") != std::string::npos) continue;
      SCOPED_TRACE(file.name + ": " + name);
      EXPECT_EQ(render_fitted(parsed, format, one), one["expected"].get<std::string>());
      ++same;
    }
  }
  EXPECT_GT(same, 400);
}

}  // namespace
}  // namespace hearth
