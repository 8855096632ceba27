// The answers of POST /infill and /completion, and errors as llama.cpp's server words them.
#pragma once

#include "tools/serve/job.h"

namespace hearth::serve {

// Of an answer that is not streamed only the fields at `paths`, as "timings/prompt_n", are told; empty: all.
std::unique_ptr<Reply> make_llama_reply(Heading heading, std::vector<std::string> paths, const char* prompt_field);

// {"error": {code, message, type}}
Json llama_error_json(const ApiError& error);

}  // namespace hearth::serve
