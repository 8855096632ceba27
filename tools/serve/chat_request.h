// The body of POST /v1/chat/completions.
#pragma once

#include "tools/serve/job.h"

namespace hearth::serve {

// `heading.model` is used where the body names no model. Throws ApiError.
Job read_chat_request(const Json& body, Heading heading);

// Messages for a chat template: content joined to one text, "developer" as "system". Throws ApiError.
Json read_messages(const Json& messages);

}  // namespace hearth::serve
