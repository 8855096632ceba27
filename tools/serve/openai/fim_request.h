// The body of POST /v1/fim/completions, Mistral's for gaps in code.
#pragma once

#include "tools/serve/job.h"

namespace hearth::serve {

// `heading.model` is used where the body names no model. Throws ApiError.
Job read_fim_request(const Json& body, Heading heading);

}  // namespace hearth::serve
