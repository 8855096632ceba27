// Finds out from a chat template how its model writes answers.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "engine/text/answer/format.h"
#include "engine/text/answer/prober.h"
#include "engine/text/template/template.h"

namespace hearth {

struct TemplateFacts {
  std::string_view source;  // of the template
  std::string bos, eos;     // texts of the tokens
  // Whether the vocabulary has a special token of this text; may be empty.
  std::function<bool(std::string_view)> has_token;
};

// Never throws TemplateError; a template that says nothing gives a format without calls.
AnswerFormat learn_answer_format(const Template& chat_template, const TemplateFacts& facts);

// The parts of it.
std::vector<ReasoningFormat> learn_reasoning(const Prober& prober, TemplateHabits& habits);
std::optional<CallFormat> learn_calls(const Prober& prober, TemplateHabits& habits);
void learn_habits(const Prober& prober, bool has_calls, TemplateHabits& habits);

// How calls look in the text of one that calls the first probe tool: found in `text` from `start` on.
struct FoundCall {
  CallFormat format;  // without the words around the body
  size_t begin = 0, end = 0;
};
std::optional<FoundCall> find_call(std::string_view text, size_t start, std::string_view name);

}  // namespace hearth
