// The bodies of POST /api/chat and /api/generate.
#pragma once

#include "tools/serve/fields.h"
#include "tools/serve/job.h"

namespace hearth::serve {

// `heading.model` is used where the body names no model. A body without messages or prompt, which only loads a model,
// becomes a job without requests. Throw ApiError.
Job read_ollama_chat(const Json& body, Heading heading);
Job read_ollama_generate(const Json& body, Heading heading);

// The field `model`, or `name` as older clients call it, without ":latest".
std::string read_ollama_model(Fields& fields, const std::string& otherwise);

// "5m", "1h30m" or seconds; negative: for ever. Nothing where the field is absent.
std::optional<std::chrono::seconds> read_keep_alive(Fields& fields);

}  // namespace hearth::serve
