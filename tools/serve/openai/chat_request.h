// The body of POST /v1/chat/completions.
#pragma once

#include "tools/serve/fields.h"
#include "tools/serve/job.h"

namespace hearth::serve {

// `heading.model` is used where the body names no model. Throws ApiError.
Job read_chat_request(const Json& body, Heading heading);

// Messages for a chat template: content joined to one text, "developer" as "system", arguments of calls as objects,
// results with the names of their tools. Throws ApiError.
Json read_messages(const Json& messages);

// The variables of a chat template that reasoning_effort, enable_thinking and chat_template_kwargs set; the last wins.
Json read_template_variables(Fields& fields);

}  // namespace hearth::serve
