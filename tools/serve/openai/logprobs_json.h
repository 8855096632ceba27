// Probabilities of tokens in the two shapes that OpenAI's API has.
#pragma once

#include <vector>

#include "hearth/hearth.h"
#include "tools/serve/json.h"

namespace hearth::serve {

// {content: [{token, logprob, bytes, top_logprobs}]}
Json chat_logprobs(const std::vector<TokenLogprob>& tokens);

// {tokens, token_logprobs, top_logprobs, text_offset} of plain completions. `offset`, in characters, is where the first
// token begins in the answer's text; it is moved to the end of the last. With `first_unknown` the first token's
// probabilities are null.
Json completion_logprobs(const std::vector<TokenLogprob>& tokens, size_t& offset, bool first_unknown = false);

}  // namespace hearth::serve
