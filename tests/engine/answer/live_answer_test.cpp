// Answers of a live engine, split into text, reasoning and calls.
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <future>
#include <iterator>
#include <string>
#include <vector>

#include "hearth/hearth.h"
#include "tests/engine/answer/chain_model.h"
#include "tests/shared_data.h"

namespace hearth {
namespace {

// Calls in tags, reasoning in tags; a prompt for thinking opens it.
const std::string kTagged =
    "{% if tools %}<|system|>{{ tools | tojson }}{% endif %}{% for m in messages %}<|{{ m.role }}|>"
    "{% if m.reasoning_content %}<think>{{ m.reasoning_content }}</think>{% endif %}{{ m.content }}"
    "{% for c in m.tool_calls or [] %}<tool_call>{\"name\": \"{{ c.function.name }}\", \"arguments\": "
    "{{ c.function.arguments | tojson }}}</tool_call>{% endfor %}{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% if thinks %}<think>{% endif %}{% endif %}";

constexpr const char* kWithTools = R"({"messages": [{"role": "user", "content": "?"}], "tools": [
  {"type": "function", "function": {"name": "look", "parameters": {"type": "object", "properties":
    {"at": {"enum": ["sky", "sea"]}}, "required": ["at"], "additionalProperties": false}}},
  {"type": "function", "function": {"name": "stop", "parameters": {"type": "object", "properties": {},
    "additionalProperties": false}}}]})";

std::vector<ChainPiece> letters(const std::string& text) {
  std::vector<ChainPiece> pieces;
  for (size_t at = 0; at < text.size(); at += 3) pieces.push_back({text.substr(at, 3)});
  return pieces;
}

Engine engine_of(const std::vector<ChainPiece>& pieces, const std::string& chat_template = kTagged,
                 const ChainPiece& closing = {"}</tool_call>"}) {
  static int made = 0;
  const auto path = std::filesystem::temp_directory_path() /
                    ("hearth_chain_" + std::to_string(::getpid()) + "_" + std::to_string(made++) + ".gguf");
  write_chain_model(path, chat_template, pieces, closing);
  Engine engine = Engine::load(path, {.threads = 1, .context = chat_template == kTagged ? 512u : 4096u});
  std::filesystem::remove(path);
  return engine;
}

struct Told {
  std::string text, reasoning;
  std::vector<ToolCall> calls;
  Result result;
};

// The events and the result of a request; what the events tell must be what the result holds.
Told answer(Engine& engine, Request request) {
  request.sampling.temperature = 0;
  std::promise<Told> done;
  Told told;
  engine.start(request, [&](Event event) {
    told.text += event.text;
    told.reasoning += event.reasoning;
    for (const ToolCallPiece& piece : event.calls) {
      if (piece.index == told.calls.size()) told.calls.push_back({piece.id, piece.name, ""});
      told.calls.at(piece.index).arguments += piece.arguments;
    }
    if (event.result) told.result = *event.result;
    if (event.result || event.error) done.set_value(told);
  });
  Told all = done.get_future().get();
  EXPECT_EQ(all.text, all.result.text);
  EXPECT_EQ(all.reasoning, all.result.reasoning);
  return all;
}

Request with_tools() {
  Request request;
  request.prompt = Conversation{kWithTools};
  return request;
}

const std::string kCall = R"({"name": "look", "arguments": {"at": "sea"}})";

TEST(LiveAnswerTest, reasoning_text_and_calls_come_apart) {
  std::vector<ChainPiece> pieces = letters("<think>Which one? The sea.</think>\n\nOne moment.\n");
  pieces.push_back({"<tool_call>", true});
  pieces.push_back({kCall});
  pieces.push_back({"</tool_call>", true});
  Engine engine = engine_of(pieces);
  EXPECT_TRUE(engine.info().has_tools);
  EXPECT_TRUE(engine.info().has_reasoning);
  const Told told = answer(engine, with_tools());
  EXPECT_EQ(told.reasoning, "Which one? The sea.");
  EXPECT_EQ(told.text, "One moment.");
  ASSERT_EQ(told.result.calls.size(), 1u);
  EXPECT_EQ(told.result.calls[0].name, "look");
  EXPECT_EQ(told.result.calls[0].arguments, R"({"at": "sea"})");
  EXPECT_EQ(told.calls[0].arguments, told.result.calls[0].arguments);
  EXPECT_EQ(told.calls[0].id, told.result.calls[0].id);
  EXPECT_EQ(told.result.reason, FinishReason::tool_calls);
  EXPECT_GT(told.result.reasoning_tokens, 5u);
  EXPECT_LT(told.result.reasoning_tokens, told.result.generated_tokens);
  EXPECT_FALSE(told.result.malformed_call);
}

TEST(LiveAnswerTest, the_prompt_may_have_opened_the_reasoning) {
  Engine engine = engine_of({{"."}}, kTagged);
  // The template puts <think> behind <|assistant|>, so that the model goes on behind ">" and never ends.
  Request request;
  request.prompt = Conversation{R"({"messages": [{"role": "user", "content": "?"}], "extra": {"thinks": true}})"};
  request.max_tokens = 4;
  const Told told = answer(engine, request);
  EXPECT_EQ(told.reasoning, "....");
  EXPECT_EQ(told.text, "");
  EXPECT_EQ(told.result.reasoning_tokens, 4u);
  EXPECT_EQ(told.result.reason, FinishReason::max_tokens);
}

TEST(LiveAnswerTest, prompts_of_real_templates_say_whether_the_answer_begins_with_reasoning) {
  HEARTH_REQUIRE_SHARED(shared_data("templates"));
  struct Case {
    const char* name;
    const char* extra;
    bool thinks;
  };
  // Behind a prompt that does not end in <|assistant|> the model says "." again and again.
  for (const Case& one : {Case{"deepseek-v3.1", R"({"thinking": true})", true},
                          Case{"deepseek-v3.1", R"({"enable_thinking": false})", false},
                          Case{"qwen3", R"({"enable_thinking": false})", false}, Case{"qwen3", "{}", false},
                          Case{"smollm3", R"({"enable_thinking": false})", false}, Case{"deepseek-r1", "{}", false}}) {
    SCOPED_TRACE(std::string(one.name) + " " + one.extra);
    std::ifstream file(shared_data(std::string("templates/") + one.name + ".jinja"), std::ios::binary);
    Engine engine = engine_of({{"."}}, std::string(std::istreambuf_iterator<char>(file), {}));
    EXPECT_TRUE(engine.info().has_reasoning);
    EXPECT_TRUE(engine.info().has_tools);
    Request request;
    request.prompt =
        Conversation{std::string(R"({"messages": [{"role": "user", "content": "?"}], "extra": )") + one.extra + "}"};
    request.max_tokens = 3;
    const Told told = answer(engine, request);
    EXPECT_EQ(told.reasoning, one.thinks ? "..." : "");
    EXPECT_EQ(told.text, one.thinks ? "" : "...");
  }
}

TEST(LiveAnswerTest, calls_are_text_where_none_may_be_made) {
  Engine engine = engine_of(letters("<tool_call>" + kCall + "</tool_call>"));
  Request request = with_tools();
  request.tool_use = ToolUse::none;
  const Told told = answer(engine, request);
  EXPECT_EQ(told.text, "<tool_call>" + kCall + "</tool_call>");
  EXPECT_TRUE(told.result.calls.empty());
  EXPECT_EQ(told.result.reason, FinishReason::end);
  EXPECT_LT(engine.prompt_tokens(request).size(), engine.prompt_tokens(with_tools()).size());
  Request plain;
  plain.prompt = std::vector<Message>{{"user", "?"}};
  EXPECT_EQ(answer(engine, plain).text, told.text);
}

TEST(LiveAnswerTest, a_call_that_cannot_be_read_is_text) {
  const std::string broken = "<tool_call>{\"name\": \"look\", \"arguments\": {at: sea}}</tool_call>";
  Engine engine = engine_of({{broken}});
  const Told told = answer(engine, with_tools());
  EXPECT_EQ(told.text, broken);
  EXPECT_TRUE(told.result.malformed_call);
  EXPECT_EQ(told.result.reason, FinishReason::end);
}

TEST(LiveAnswerTest, an_answer_may_end_behind_its_first_call) {
  std::vector<ChainPiece> pieces = letters("<tool_call>" + kCall + "</tool_call>");
  for (int i = 0; i < 2; ++i) pieces.push_back({"<tool_call>{\"name\": \"stop\"}</tool_call>" + std::string(i, ' ')});
  Engine engine = engine_of(pieces);
  EXPECT_EQ(answer(engine, with_tools()).result.calls.size(), 3u);
  Request request = with_tools();
  request.parallel_calls = false;
  const Told told = answer(engine, request);
  EXPECT_EQ(told.result.calls.size(), 1u);
  EXPECT_EQ(told.result.reason, FinishReason::tool_calls);
}

TEST(LiveAnswerTest, stop_texts_are_looked_for_in_text_alone) {
  std::vector<ChainPiece> pieces = letters("<think>The sea.</think>Look: ");
  pieces.push_back({"<tool_call>" + kCall + "</tool_call>"});
  Engine engine = engine_of(pieces);
  Request request = with_tools();
  request.stop = {"sea", "name"};
  EXPECT_EQ(answer(engine, request).result.reason, FinishReason::tool_calls);
  request.stop = {"no", "ok:"};
  const Told told = answer(engine, request);
  EXPECT_EQ(told.result.reason, FinishReason::stop);
  EXPECT_EQ(told.result.stop, "ok:");
  EXPECT_EQ(told.text, "Lo");
  EXPECT_TRUE(told.result.calls.empty());
}

TEST(LiveAnswerTest, text_of_a_plain_prompt_is_never_split) {
  Engine engine = engine_of(letters("<think>x</think>"));
  Request request;
  request.prompt = std::vector<int32_t>{260};  // <|assistant|>
  EXPECT_EQ(answer(engine, request).text, "<think>x</think>");
}

// A template whose answers stand in channels.
constexpr const char* kChannels =
    "{% for m in messages %}<|start|>{{ m.role }}{% if m.role == 'assistant' %}<|channel|>final{% endif %}<|message|>"
    "{{ m.content }}<|end|>{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}";

TEST(LiveAnswerTest, messages_in_channels_end_only_with_the_last) {
  Engine engine = engine_of({{"<|channel|>", true},
                             {"analysis"},
                             {"<|message|>", true},
                             {"Hm."},
                             {"<|end|>", true},
                             {"<|start|>", true},
                             {"assistant<|channel|>final<|message|>"},
                             {"Yes."},
                             {"<|return|>", true}},
                            kChannels);
  Request request;
  request.prompt = std::vector<Message>{{"user", "?"}};
  const Told told = answer(engine, request);
  EXPECT_EQ(told.reasoning, "Hm.");
  EXPECT_EQ(told.text, "Yes.");
  EXPECT_EQ(told.result.reason, FinishReason::end);
}

TEST(LiveAnswerTest, a_tool_that_must_be_called_has_to_be_there) {
  Engine engine = engine_of(letters("Hello"));
  Request request = with_tools();
  request.tool_use = ToolUse::required;
  request.tool = "other";
  EXPECT_THROW(engine.generate(request), Error);
  request.prompt = std::vector<Message>{{"user", "?"}};
  request.tool.clear();
  EXPECT_THROW(engine.generate(request), Error);
}

// What a model of the tests that follow can say in one token each.
std::vector<ChainPiece> marked(std::vector<ChainPiece> pieces) {
  for (const char* marker : {"<think>", "</think>", "<tool_call>", "</tool_call>"})
    if (std::ranges::none_of(pieces, [&](const ChainPiece& piece) { return piece.text == marker; }))
      pieces.push_back({marker, true});
  return pieces;
}

TEST(LiveAnswerTest, a_tool_is_called_where_one_must_be) {
  Engine engine = engine_of(marked({{"Hello"}, {"<|end|>", true}}), kTagged, {"</tool_call>"});
  Request request = with_tools();
  request.tool_use = ToolUse::required;
  Told told = answer(engine, request);
  ASSERT_EQ(told.result.calls.size(), 1u) << told.text;
  EXPECT_EQ(told.result.reason, FinishReason::tool_calls);
  request.tool = "look";
  for (const bool logprobs : {false, true}) {
    if (logprobs) request.logprobs = 0;
    told = answer(engine, request);
    ASSERT_EQ(told.result.calls.size(), 1u) << told.text;
    EXPECT_EQ(told.result.calls[0].name, "look");
    EXPECT_EQ(told.result.calls[0].arguments, "{\"at\": \"sea\"}");
    EXPECT_EQ(told.text, "");
    EXPECT_FALSE(told.result.malformed_call);
  }
}

TEST(LiveAnswerTest, a_call_that_must_be_made_comes_behind_the_reasoning) {
  Engine engine = engine_of(marked({{"<think>", true}, {"Hm."}, {"</think>", true}, {"No."}, {"<|end|>", true}}),
                            kTagged, {"</tool_call>"});
  Request request = with_tools();
  request.tool_use = ToolUse::required;
  request.tool = "look";
  const Told told = answer(engine, request);
  EXPECT_EQ(told.reasoning, "Hm.");
  ASSERT_EQ(told.result.calls.size(), 1u);
  EXPECT_EQ(told.result.calls[0].arguments, "{\"at\": \"sea\"}");
}

// Special tokens of the models whose templates are tried; those of reasoning last, so that they are not what is drawn.
std::vector<ChainPiece> special_tokens() {
  std::vector<ChainPiece> pieces = {{"Hello"}, {"<|end|>", true}};
  for (const char* text : {"<|channel|>", "<|message|>", "<|start|>", "<|call|>", "<|return|>", "[TOOL_CALLS]",
                           "<|tool_call|>", "<tool_call>",
                           "<\xEF\xBD\x9Ctool\xE2\x96\x81"
                           "calls\xE2\x96\x81"
                           "begin\xEF\xBD\x9C>",
                           "<\xEF\xBD\x9Ctool\xE2\x96\x81"
                           "call\xE2\x96\x81"
                           "begin\xEF\xBD\x9C>",
                           "<\xEF\xBD\x9Ctool\xE2\x96\x81sep\xEF\xBD\x9C>", "<think>", "</think>"})
    pieces.push_back({text, true});
  return pieces;
}

TEST(LiveAnswerTest, a_tool_is_called_in_the_form_of_every_template) {
  HEARTH_REQUIRE_SHARED(shared_data("templates"));
  int called = 0;
  for (const auto& entry : std::filesystem::directory_iterator(shared_data("templates"))) {
    if (entry.path().extension() != ".jinja") continue;
    SCOPED_TRACE(entry.path().stem().string());
    std::ifstream file(entry.path(), std::ios::binary);
    Engine engine = engine_of(special_tokens(), std::string(std::istreambuf_iterator<char>(file), {}), {" "});
    if (!engine.info().has_tools) continue;
    Request request = with_tools();
    request.tool_use = ToolUse::required;
    request.tool = "look";
    request.max_tokens = 300;
    const Told told = answer(engine, request);
    ASSERT_EQ(told.result.calls.size(), 1u) << told.text << told.reasoning;
    EXPECT_EQ(told.result.calls[0].name, "look");
    EXPECT_EQ(told.result.calls[0].arguments, "{\"at\": \"sea\"}");
    ++called;
  }
  EXPECT_EQ(called, 14);
}

TEST(LiveAnswerTest, arguments_obey_the_schema_of_their_tool) {
  // Left alone the model would look at the moon.
  Engine engine = engine_of(letters("<tool_call>{\"name\": \"look\", \"arguments\": {\"at\": \"moon\"}}</tool_call>"));
  const Told told = answer(engine, with_tools());
  ASSERT_EQ(told.result.calls.size(), 1u) << told.text;
  EXPECT_EQ(told.result.calls[0].arguments, "{\"at\": \"sea\"}");
}

TEST(LiveAnswerTest, arguments_obey_the_schema_where_a_token_holds_their_beginning) {
  Engine engine = engine_of({{"<tool_call>", true},
                             {"{\"name\": \"look"},
                             {"\",\""},
                             {"arguments"},
                             {"\":\n{\"by"},
                             {"\": \"mo"},
                             {"on\"}}"},
                             {"</tool_call>", true}});
  const Told told = answer(engine, with_tools());
  ASSERT_EQ(told.result.calls.size(), 1u) << told.text;
  EXPECT_EQ(told.result.calls[0].arguments, "{\"at\": \"sea\"}");
  EXPECT_FALSE(told.result.malformed_call);
}

TEST(LiveAnswerTest, a_call_that_is_cut_stays_a_call) {
  Engine engine = engine_of(letters("<tool_call>{\"name\": \"look\", \"arguments\": {\"at\": \"sea\"}}</tool_call>"));
  Request request = with_tools();
  request.max_tokens = 14;
  const Told told = answer(engine, request);
  ASSERT_EQ(told.result.calls.size(), 1u) << told.text;
  ASSERT_EQ(told.calls.size(), 1u);
  EXPECT_EQ(told.calls[0].arguments, told.result.calls[0].arguments);
  EXPECT_TRUE(std::string("{\"at\": \"sea\"}").starts_with(told.calls[0].arguments));
  EXPECT_LT(told.calls[0].arguments.size(), 13u);
  EXPECT_EQ(told.text, "");
  EXPECT_EQ(told.result.reason, FinishReason::max_tokens);
  EXPECT_FALSE(told.result.malformed_call);
}

TEST(LiveAnswerTest, a_constraint_binds_the_text_and_neither_reasoning_nor_calls) {
  Request request = with_tools();
  request.constraint = JsonSchema{R"({"enum": ["red", "blue"]})"};
  Engine thinking = engine_of(marked({{"<think>", true}, {"Green?"}, {"</think>", true}, {"No."}}));
  Told told = answer(thinking, request);
  EXPECT_EQ(told.reasoning, "Green?");
  EXPECT_EQ(told.text, "\"blue\"");
  EXPECT_EQ(told.result.reason, FinishReason::end);
  Engine calling = engine_of(marked({{"<tool_call>", true}, {"Hello"}}), kTagged, {"</tool_call>"});
  told = answer(calling, request);
  ASSERT_EQ(told.result.calls.size(), 1u) << told.text;
  EXPECT_EQ(told.text, "");
  Engine talking = engine_of(letters("Hello"));
  EXPECT_EQ(answer(talking, request).text, "\"blue\"");
}

TEST(LiveAnswerTest, line_ends_may_stand_between_reasoning_and_what_a_constraint_binds) {
  Engine engine =
      engine_of(marked({{"<think>", true}, {"Hm."}, {"</think>", true}, {"\n\n"}, {"\"red\""}, {"<|end|>", true}}));
  Request request = with_tools();
  request.constraint = JsonSchema{R"({"enum": ["red", "blue"]})"};
  const Told told = answer(engine, request);
  EXPECT_EQ(told.reasoning, "Hm.");
  EXPECT_EQ(told.text, "\"red\"");  // it would be blue had the model lost its thread
  EXPECT_EQ(told.result.reason, FinishReason::end);
}

TEST(LiveAnswerTest, a_constraint_binds_the_last_message_in_channels) {
  Engine engine = engine_of({{"<|channel|>", true},
                             {"analysis"},
                             {"<|message|>", true},
                             {"Hm."},
                             {"<|end|>", true},
                             {"<|start|>", true},
                             {"Hello"}},
                            kChannels);
  Request request;
  request.prompt = std::vector<Message>{{"user", "?"}};
  request.constraint = JsonSchema{R"({"enum": ["red", "blue"]})"};
  const Told told = answer(engine, request);
  EXPECT_EQ(told.reasoning, "Hm.");
  EXPECT_EQ(told.text, "\"blue\"");
  EXPECT_EQ(told.result.reason, FinishReason::end);
}

}  // namespace
}  // namespace hearth
