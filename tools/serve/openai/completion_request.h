// The body of POST /v1/completions.
#pragma once

#include "tools/serve/job.h"

namespace hearth::serve {

// `heading.model` is used where the body names no model. Throws ApiError.
Job read_completion_request(const Json& body, Heading heading);

}  // namespace hearth::serve
