// What the keys and values of an engine's cache depend on.
#pragma once

#include "engine/decode/cache_file.h"
#include "engine/model/loaded_model.h"

namespace hearth {

// Reads samples of the weights. Of what computes them nothing is said.
CacheIdentity identify_cache(const LoadedModel& model);

}  // namespace hearth
