// The answers of POST /api/chat and /api/generate, and errors as Ollama's clients read them.
#pragma once

#include "tools/serve/job.h"

namespace hearth::serve {

enum class OllamaKind { chat, generate };

// `unloads`: says so where nothing was asked for.
std::unique_ptr<Reply> make_ollama_reply(Heading heading, OllamaKind kind, bool unloads);

// {"error": message}
Json ollama_error_json(const ApiError& error);

}  // namespace hearth::serve
