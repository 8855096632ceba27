// The answers of POST /v1/completions.
#pragma once

#include "tools/serve/job.h"

namespace hearth::serve {

struct CompletionReplyOptions {
  bool logprobs = false;
  bool include_usage = false;  // in a stream; a whole answer always has it
};

std::unique_ptr<Reply> make_completion_reply(Heading heading, uint32_t choices, uint32_t choices_per_prompt,
                                             CompletionReplyOptions options);

}  // namespace hearth::serve
