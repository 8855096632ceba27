// The body of POST /v1/responses and /v1/responses/input_tokens.
#pragma once

#include "tools/serve/job.h"
#include "tools/serve/responses/response_store.h"

namespace hearth::serve {

// `heading.model` is used where the body names no model. The store, which must outlive the job, has what the request
// goes on from, and gets the response unless the body says otherwise. Throws ApiError.
Job read_responses_request(const Json& body, Heading heading, ResponseStore& store);

}  // namespace hearth::serve
