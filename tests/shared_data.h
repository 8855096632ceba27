// Where the large test data lies, and what its absence means: a skip for an outside user, a failure in CI.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

namespace hearth {

// The path in the folder of shared data; where that does not exist, in tests/data, which mirrors a selection of its
// files and all of `grammar`. Other folders are never taken from tests/data: a test that walks one expects all of it.
inline std::filesystem::path shared_data(const std::filesystem::path& relative) {
  const auto shared = std::filesystem::path(HEARTH_SHARED_DATA) / relative;
  const auto committed = std::filesystem::path(HEARTH_SOURCE_DIR) / "tests/data" / relative;
  const bool usable = std::filesystem::is_regular_file(committed) || *relative.begin() == "grammar";
  return !std::filesystem::exists(shared) && usable ? committed : shared;
}

}  // namespace hearth

// Ends the current test when the file is absent. A macro because GTEST_SKIP and FAIL return from the caller.
#define HEARTH_REQUIRE_SHARED(path)                                                     \
  if (!std::filesystem::exists(path)) {                                                 \
    if (std::getenv("CI") != nullptr) FAIL() << "shared test data is absent: " << path; \
    GTEST_SKIP() << "shared test data is absent: " << path;                             \
  }
