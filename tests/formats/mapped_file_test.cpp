// What can be mapped, and the errors of what cannot.
#include "formats/mapped_file.h"

#include <sys/stat.h>

#include "tests/formats/gguf_bytes.h"

namespace hearth {
namespace {

void expect_error(const std::filesystem::path& path, std::string_view part) {
  const std::string error = file_error([&] { (void)MappedFile(path); });
  EXPECT_EQ(error.find(path.native() + ": "), 0u) << error;
  EXPECT_NE(error.find(part), std::string::npos) << error;
  EXPECT_EQ(error.find('\n'), std::string::npos) << error;
}

TEST(MappedFile, HoldsTheBytesThroughAMove) {
  const TemporaryFolder folder;
  write_text(folder.path() / "file", "content");
  MappedFile first = MappedFile(folder.path() / "file");
  const auto* const address = first.bytes().data();
  const MappedFile second = std::move(first);
  EXPECT_EQ(second.bytes().data(), address);
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(second.bytes().data()), second.bytes().size()), "content");
}

TEST(MappedFile, RefusesWhatIsNoReadableFile) {
  const TemporaryFolder folder;
  expect_error(folder.path(), "directory");
  expect_error(folder.path() / "absent", "No such file");
  expect_error("/dev/null", "not a regular file");
  write_text(folder.path() / "empty", "");
  expect_error(folder.path() / "empty", "is empty");
}

TEST(MappedFile, DoesNotWaitForAPipe) {
  const TemporaryFolder folder;
  ASSERT_EQ(::mkfifo((folder.path() / "pipe").c_str(), 0600), 0);
  expect_error(folder.path() / "pipe", "not a regular file");
}

TEST(MappedFile, RefusesAFileWithoutPermission) {
  if (::geteuid() == 0) GTEST_SKIP() << "root reads everything";
  const TemporaryFolder folder;
  write_text(folder.path() / "file", "content");
  ASSERT_EQ(::chmod((folder.path() / "file").c_str(), 0), 0);
  expect_error(folder.path() / "file", "Permission denied");
}

TEST(MappedFile, PathWithANewLineStaysOnOneLine) {
  const std::string error = file_error([] { (void)MappedFile("/absent\nfile"); });
  EXPECT_EQ(error.find("/absent\\x0afile: "), 0u) << error;
}

}  // namespace
}  // namespace hearth
