// Models as Ollama's API lists them.
#pragma once

#include <string>

#include "tools/serve/model_facts.h"

namespace hearth::serve {

// "spark" -> "spark:latest"; a name with a tag stays.
std::string ollama_name(const std::string& name);

// An entry of /api/tags; `since`: Unix time.
Json ollama_model_json(const std::string& name, const ModelFacts& facts, int64_t since);
// The answer of /api/show. `loaded` knows more, and is null where the model is not.
Json ollama_details_json(const ModelFacts& facts, const ModelInfo* loaded, int64_t since);

}  // namespace hearth::serve
