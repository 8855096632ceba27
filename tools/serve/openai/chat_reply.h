// The answers of POST /v1/chat/completions.
#pragma once

#include "tools/serve/job.h"

namespace hearth::serve {

struct ChatReplyOptions {
  bool logprobs = false;
  bool include_usage = false;  // in a stream; a whole answer always has it
  const char* prompt_field = "messages";
};

std::unique_ptr<Reply> make_chat_reply(Heading heading, uint32_t choices, ChatReplyOptions options);

}  // namespace hearth::serve
