// Where the large test data lies, and what its absence means: a skip for an outside user, a failure in CI.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

namespace hearth {

inline std::filesystem::path shared_data(const std::filesystem::path& relative) {
  return std::filesystem::path(HEARTH_SHARED_DATA) / relative;
}

}  // namespace hearth

// Ends the current test when the file is absent. A macro because GTEST_SKIP and FAIL return from the caller.
#define HEARTH_REQUIRE_SHARED(path)                                                     \
  if (!std::filesystem::exists(path)) {                                                 \
    if (std::getenv("CI") != nullptr) FAIL() << "shared test data is absent: " << path; \
    GTEST_SKIP() << "shared test data is absent: " << path;                             \
  }
