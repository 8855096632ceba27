// What an engine refuses before it begins, and what it tells of itself.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "backends/backend.h"
#include "engine/include/hearth/hearth.h"
#include "engine/model/loaded_model.h"

namespace hearth {

inline constexpr uint32_t kEmbeddingsAtOnce = 16;

// Throw Error where they refuse.

// The options, unless they are what no model and no machine could do.
const EngineOptions& checked_options(const EngineOptions& options);
// A cache past the machine's memory would be granted and then end the process when it is used.
void require_memory(const LoadedModel& model, bool embeddings, const LoadedModel* draft);
void require_tokens(std::span<const int32_t> ids, uint32_t vocabulary);
void require_sequence(std::span<const int32_t> ids, const LoadedModel& model);

// Embeddings have a cache of their own, of one context.
Limits embedding_limits(const LoadedModel& model);

ModelInfo describe(const LoadedModel& model, const Device& device, const EngineOptions& options);

}  // namespace hearth
