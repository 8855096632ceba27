// The body of POST /v1/messages and /v1/messages/count_tokens.
#pragma once

#include "tools/serve/job.h"

namespace hearth::serve {

// `heading.model` is used where the body names no model. Throws ApiError.
Job read_messages_request(const Json& body, Heading heading);

// Whether the system prompt begins with a block that only says which client asks, which is no part of the prompt: it
// differs from session to session, so that no two would share their beginning.
bool has_billing_header(const Json& body);

}  // namespace hearth::serve
