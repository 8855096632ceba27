// Metadata entries as JSON.
#pragma once

#include <nlohmann/json.hpp>

#include "formats/gguf.h"

namespace hearth {

// One member a key. Arrays of more than 8 elements are told by type and length.
nlohmann::ordered_json metadata(const Gguf& file);

}  // namespace hearth
