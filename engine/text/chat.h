// From a conversation to the text of a prompt.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "engine/text/template/template.h"
#include "engine/text/tokenizer/tokenizer.h"

namespace hearth {

// A rendered prompt: special tokens in `text` mean what they say, except those that begin at one of the offsets in
// `literal` (rising), which the user wrote.
struct ChatPrompt {
  std::string text;
  std::vector<size_t> literal;
};

// The request as parse_json gives it: messages, tools and so on. bos_token and eos_token are the vocabulary's where the
// request has none. Throws TemplateError.
ChatPrompt render_chat(const Template& chat_template, const Value& request, const Vocabulary& vocabulary);

// Adds what the user wrote: no special token in it means anything.
void add_literal(ChatPrompt& prompt, std::string_view text, const Vocabulary& vocabulary);

}  // namespace hearth
