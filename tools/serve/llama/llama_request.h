// The bodies of POST /infill and /completion, as llama.cpp's server and its editors' plugins have them.
#pragma once

#include "tools/serve/job.h"

namespace hearth::serve {

// `heading.model` is used where the body names no model. Throw ApiError.
Job read_infill_request(const Json& body, Heading heading);
Job read_llama_completion(const Json& body, Heading heading);

}  // namespace hearth::serve
