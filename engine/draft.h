// A draft model for one that answers.
#pragma once

#include <filesystem>

#include "engine/model/loaded_model.h"

namespace hearth {

// With the context and places of `target`. Throws what load_model() does, and Error (invalid_argument) for a model that
// has other tokens or makes no text.
LoadedModel load_draft(const std::filesystem::path& path, const LoadedModel& target, uint32_t parallel);

}  // namespace hearth
