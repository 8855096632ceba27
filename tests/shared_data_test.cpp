// The test data itself: present in CI, and within its size in the repository.
#include "tests/shared_data.h"

#include <string>

namespace hearth {
namespace {

namespace fs = std::filesystem;

const fs::path kCommitted = fs::path(HEARTH_SOURCE_DIR) / "tests/data";

TEST(SharedData, TheWholeFolderIsThereInCi) {
  if (fs::is_directory(HEARTH_SHARED_DATA)) return;
  if (std::getenv("CI") != nullptr) FAIL() << "no folder " << HEARTH_SHARED_DATA << " (cache entry HEARTH_SHARED_DATA)";
  GTEST_SKIP() << "no folder " << HEARTH_SHARED_DATA << ": only what tests/data holds is tested";
}

TEST(SharedData, CommittedFilesAreFoundWithoutIt) {
  for (const char* path :
       {"golden/models/qwen2.gguf", "golden/formats/Q4_0.blocks", "grammar", "grammar/null.json", "models/spark.gguf"})
    EXPECT_TRUE(fs::exists(kCommitted / path) && fs::exists(shared_data(path))) << path;
}

TEST(SharedData, AFolderThatIsNotWholeIsNotTakenFromTheRepository) {
  EXPECT_TRUE(fs::is_directory(kCommitted / "golden/models"));
  EXPECT_EQ(shared_data("golden/models"), fs::path(HEARTH_SHARED_DATA) / "golden/models");
}

// What a link names, the program's own model, lies elsewhere in the repository.
TEST(SharedData, TheRepositoryHoldsAtMostTenMegabytes) {
  uintmax_t bytes = 0;
  for (const auto& entry : fs::recursive_directory_iterator(kCommitted))
    if (entry.is_regular_file() && !entry.is_symlink()) bytes += entry.file_size();
  EXPECT_GT(bytes, 0u);
  EXPECT_LE(bytes, 10'000'000u);
}

}  // namespace
}  // namespace hearth
