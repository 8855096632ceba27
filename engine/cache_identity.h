// What the keys and values of an engine's cache depend on.
#pragma once

#include "engine/decode/cache_file.h"
#include "engine/model/loaded_model.h"

namespace hearth {

// Reads samples of the weights. `arithmetic`: of the device.
CacheIdentity identify_cache(const LoadedModel& model, const std::string& arithmetic);

}  // namespace hearth
