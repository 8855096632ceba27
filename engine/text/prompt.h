// From a request to the token ids of its prompt.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/include/hearth/hearth.h"
#include "engine/text/template/template.h"
#include "engine/text/tokenizer/tokenizer.h"

namespace hearth {

// With bos in front where the model expects it. chat_template: null where the model has none. Throws Error,
// TemplateError or TokenizerError.
std::vector<int32_t> prompt_ids(const Request& request, const Tokenizer& tokenizer, const Template* chat_template);

// Whether the answer begins a text of its own, so that a space in front of it is none: an answer in a conversation, and
// what follows bos alone. Other text goes on where the prompt ended.
bool begins_text(const Request& request, const std::vector<int32_t>& ids, const Tokenizer& tokenizer);

}  // namespace hearth
