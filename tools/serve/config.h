// What `hearth serve` was told, on its command line and in hearth.toml.
#pragma once

#include <filesystem>
#include <string>

#include "tools/serve/server.h"

namespace hearth::serve {

// Adds what the file says to `options`; command line options are put on top by the caller. Throws Error
// (invalid_argument) that names the key.
void read_config(const std::filesystem::path& path, ServerOptions& options);

// "NAME=PATH", or a path whose stem is the name.
ModelSource model_source(const std::string& text);

// "KEY", or "@FILE" with one key in each line.
std::vector<std::string> read_keys(const std::string& text);

// "8G", "512M" or bytes.
uint64_t read_bytes(const std::string& text);

}  // namespace hearth::serve
