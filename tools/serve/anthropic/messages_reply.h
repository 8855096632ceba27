// The answers of POST /v1/messages, and errors as Anthropic's clients read them.
#pragma once

#include "tools/serve/job.h"

namespace hearth::serve {

std::unique_ptr<Reply> make_messages_reply(Heading heading, bool shows_thinking = true);

// {"type": "error", "error": {type, message}}
Json anthropic_error_json(const ApiError& error);

}  // namespace hearth::serve
