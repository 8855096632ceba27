// A conversation of any protocol as remotes understand it: a chat in OpenAI's words.
#pragma once

#include "tools/serve/job.h"

namespace hearth::serve {

// The body of a streamed POST /chat/completions that asks what the job's first request asks; its "model" is left to the
// caller. Null where the request is no conversation: a gap or a plain text.
Json chat_body(const Job& job);

}  // namespace hearth::serve
