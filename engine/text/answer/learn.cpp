// What the probes find, and what is usual where they find nothing.
#include "engine/text/answer/learn.h"

#include <algorithm>
#include <array>

namespace hearth {
namespace {

// Markers of reasoning that templates take out of earlier answers, or open in the prompt, without ever showing it.
constexpr std::array<std::pair<std::string_view, std::string_view>, 6> kUsualReasoning = {{
    {"<think>", "</think>"},
    {"[THINK]", "[/THINK]"},
    {"<seed:think>", "</seed:think>"},
    {"<|START_THINKING|>", "<|END_THINKING|>"},
    {"<thinking>", "</thinking>"},
    {"<reasoning>", "</reasoning>"},
}};

// Forms of calls that models write though their templates show no call, or another form: each by the word that a
// template or vocabulary with it has.
struct UsualCall {
  std::string_view word;
  CallFormat::Body body;
  std::string_view close;
  bool list = false;  // one word announces a list of calls
};
constexpr std::array<UsualCall, 7> kUsualCalls = {{
    {"<tool_call>", CallFormat::Body::object, "</tool_call>"},
    {"<|tool_call|>", CallFormat::Body::object, "", true},
    {"[TOOL_CALLS]", CallFormat::Body::object, "", true},
    {"<|python_tag|>", CallFormat::Body::object, ""},
    {"<|python_tag|>", CallFormat::Body::python, ""},
    {"<|tool_call_start|>", CallFormat::Body::python, "<|tool_call_end|>", true},
    {"<functioncall>", CallFormat::Body::object, "</functioncall>"},
}};

// offers_tools: the template tells the model of tools.
void add_usual_calls(const TemplateFacts& facts, bool offers_tools, AnswerFormat& format) {
  for (const UsualCall& usual : kUsualCalls) {
    const bool known = facts.source.find(usual.word) != std::string_view::npos ||
                       (offers_tools && facts.has_token && facts.has_token(usual.word));
    const Words open = {std::string(usual.word)};
    const bool learned = std::ranges::any_of(format.calls, [&](const CallFormat& call) {
      return call.body == usual.body && (call.section_open == open || call.call_open == open);
    });
    if (!known || learned) continue;
    CallFormat call;
    call.body = usual.body;
    const bool tag = usual.word.front() == '<' && usual.word[1] != '|';
    call.written.open = std::string(usual.word) + (usual.list ? "[" : tag ? "\n" : "");
    call.written.call_close = "\n" + std::string(usual.close);
    (usual.list ? call.section_open : call.call_open) = open;
    (usual.list ? call.section_close : call.call_close) = split_words(usual.close);
    format.calls.push_back(std::move(call));
  }
}

void add_usual_reasoning(const TemplateFacts& facts, AnswerFormat& format) {
  for (const auto& usual : kUsualReasoning) {
    const bool learned =
        std::ranges::any_of(format.reasoning, [&](const ReasoningFormat& known) { return known.open == usual.first; });
    const bool mentioned = facts.source.find(usual.second) != std::string_view::npos;
    format.shows_reasoning |= mentioned;
    // Answers that begin with <think> are such whatever the template says.
    if (!learned && (mentioned || usual == kUsualReasoning[0]))
      format.reasoning.push_back({std::string(usual.first), std::string(usual.second)});
  }
}

}  // namespace

AnswerFormat learn_answer_format(const Template& chat_template, const TemplateFacts& facts) {
  const Prober prober(chat_template, facts.bos, facts.eos);
  AnswerFormat format;
  if (auto calls = learn_calls(prober, format.habits)) {
    format.calls.push_back(std::move(*calls));
    format.shows_calls = true;
  }
  format.reasoning = learn_reasoning(prober, format.habits);
  format.shows_reasoning = !format.reasoning.empty();
  const std::string answer = prober.render(Prober::user() + ", " + Prober::answer(), false).value_or("");
  const size_t user = answer.rfind(probe::kUser);
  format.channels = user != std::string::npos && answer.find("<|channel|>", user) != std::string::npos &&
                    answer.find("<|message|>", user) != std::string::npos;
  if (!format.channels) {
    const std::string with_tools = prober.render(Prober::user(), true).value_or("");
    add_usual_calls(facts, with_tools.find(probe::kFirstTool) != std::string::npos, format);
    add_usual_reasoning(facts, format);
  }
  learn_habits(prober, format.has_calls(), format.habits);
  return format;
}

bool AnswerFormat::is_marker(std::string_view token) const {
  if (channels)
    for (const std::string_view mark :
         {"<|start|>", "<|channel|>", "<|message|>", "<|end|>", "<|call|>", "<|return|>", "<|constrain|>"})
      if (mark == token) return true;
  const auto within = [&](const Words& words) {
    return std::ranges::any_of(words, [&](const std::string& word) { return word.find(token) != word.npos; });
  };
  if (token.empty()) return false;
  for (const ReasoningFormat& pair : reasoning)
    if (within({pair.open, pair.close})) return true;
  return std::ranges::any_of(calls, [&](const CallFormat& call) {
    return within(call.section_open) || within(call.call_open) || within(call.call_close) ||
           within(call.section_close) || within(call.name_end) || within(call.parameter_open) ||
           within(call.parameter_close) || within(call.key_end) || within(call.plain_key_end);
  });
}

}  // namespace hearth
