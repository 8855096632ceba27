// The policy's part of hearth.toml, and all of a repository's .hearth.toml.
#pragma once

#include <filesystem>

#include "tools/route/policy.h"

namespace hearth {

class TomlTable;

namespace route {

// [policy], [[rule]], [[alias]] and [[redact]] of hearth.toml; files that it names are found from `folder`. Throws
// Error (invalid_argument).
Policy read_policy(TomlTable& root, const std::filesystem::path& folder);

// The margin that `hearth compare --calibrate` found.
double read_calibration(const std::filesystem::path& path);

// Of a repository: [policy] with offline and secrets, [[rule]] that keep something here, and [[redact]]. What would
// loosen anything is refused.
Policy read_repository_policy(const std::filesystem::path& path);

// money_per_day, tokens_per_day and requests_per_minute of a table.
Limits read_limits(TomlTable& table);

}  // namespace route
}  // namespace hearth
