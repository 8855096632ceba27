// From a request to the token ids of its prompt.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "engine/include/hearth/hearth.h"
#include "engine/text/answer/splitter.h"
#include "engine/text/template/template.h"
#include "engine/text/tokenizer/tokenizer.h"

namespace hearth {

// The chat template of a model and what is known of the answers to it.
struct Chat {
  const Template& chat_template;
  const AnswerFormat& answers;
};

struct Prompt {
  std::vector<int32_t> ids;
  // The answer begins a text of its own, so that a space in front of it is none: an answer in a conversation, and what
  // follows bos alone. Other text goes on where the prompt ended.
  bool begins_text = false;
  // How the answer is to be split, where it is one in a conversation; refers to the chat's answers.
  std::optional<SplitOptions> split;
};

// With bos in front where the model expects it. chat: null where the model has no chat template. Throws Error,
// TemplateError or TokenizerError.
Prompt make_prompt(const Request& request, const Tokenizer& tokenizer, const Chat* chat);

}  // namespace hearth
