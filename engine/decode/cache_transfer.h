// Brings pages of a scheduler's cache to a file, and back.
#pragma once

#include <filesystem>
#include <optional>
#include <span>

#include "engine/decode/cache_file.h"
#include "engine/decode/worker.h"

namespace hearth {

// Steps of the worker's first scheduler run between pieces of some megabytes; files are read and written in the calling
// thread, which is not the worker's. Throw as Engine::save_cache and load_cache do.
// `setting`: under which the tokens are looked for.
CacheContent save_cache(Worker& worker, const CacheIdentity& identity, std::optional<std::span<const int32_t>> tokens,
                        const std::vector<float>& setting, const std::filesystem::path& path);
CacheContent load_cache(Worker& worker, const CacheIdentity& identity, const std::filesystem::path& path);
uint64_t clear_cache(Worker& worker);

}  // namespace hearth
