// Writes a random model as a GGUF file.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "bench/make_random_model/model.h"

namespace hearth {

// The same preset, storage and seed give the same bytes, whatever `threads` (at least 1). Holds a few MiB a thread.
// Returns the notes of plan_model. Throws FileError where the file cannot be written.
std::vector<std::string> write_random_model(const std::filesystem::path& path, const Preset& preset,
                                            const Storage& storage, uint64_t seed, unsigned threads);

}  // namespace hearth
