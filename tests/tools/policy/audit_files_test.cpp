// The log's files: whose they are, and what becomes of rows where somebody moves, replaces or locks them.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>

#include "tests/tools/policy/temporary_log.h"

namespace hearth::audit {
namespace {

// Why a row cannot be written; empty: it can.
std::string refusal(AuditLog& log) {
  try {
    log.write(leaving("x"), "");
    return "";
  } catch (const AuditError& error) {
    return error.what();
  }
}

mode_t mode_of(const std::filesystem::path& path) {
  struct stat found {};
  EXPECT_EQ(stat(path.c_str(), &found), 0) << path;
  return found.st_mode & 0777;
}

TEST(AuditFiles, ThatWereDeletedMovedOrReplacedTakeNoRow) {
  for (const char* ending : {"", "-wal", ".head"})
    for (const char* way : {"deleted", "moved", "replaced"}) {
      TemporaryLog log;
      AuditLog writer(log.options());
      ASSERT_EQ(refusal(writer), "");
      const std::filesystem::path file = log.path.string() + ending, other = file.string() + ".old";
      if (way == std::string("deleted"))
        std::filesystem::remove(file);
      else
        std::filesystem::rename(file, other);
      if (way == std::string("replaced")) std::filesystem::copy_file(other, file);
      EXPECT_NE(refusal(writer).find("was deleted, moved or replaced"), std::string::npos) << way << " " << file;
      EXPECT_NE(refusal(writer), "") << "and it stays so";
    }
}

TEST(AuditFiles, ThatWereRotatedAwayTogetherTakeNoRowEither) {
  TemporaryLog log;
  AuditLog writer(log.options());
  ASSERT_EQ(refusal(writer), "");
  for (const char* ending : {"", "-wal", "-shm", ".head"})
    std::filesystem::rename(log.path.string() + ending, log.folder.path() / (std::string("old.db") + ending));
  EXPECT_NE(refusal(writer), "");
  EXPECT_FALSE(std::filesystem::exists(log.path));
  EXPECT_EQ(verify(log.folder.path() / "old.db").rows, 1u);
}

TEST(AuditFiles, AreReadByTheirOwnerAlone) {
  TemporaryLog log;
  const mode_t before = umask(022);
  {
    AuditLog writer(log.options());
    writer.write(leaving("x"), "");
    for (const char* ending : {"", "-wal", "-shm", ".head"})
      EXPECT_EQ(mode_of(log.path.string() + ending), 0600u) << ending;
  }
  chmod(log.path.c_str(), 0644);
  AuditLog(log.options()).write(leaving("x"), "");
  EXPECT_EQ(mode_of(log.path), 0600u) << "those of earlier versions too";
  umask(before);
}

TEST(AuditFiles, ALockThatAnotherHoldsIsNotWaitedForWithoutEnd) {
  TemporaryLog log;
  log.fill(1);
  AuditLog writer(log.options());
  const int other = open((log.path.string() + ".head").c_str(), O_RDWR | O_CLOEXEC);
  ASSERT_EQ(flock(other, LOCK_EX), 0);
  const auto begun = std::chrono::steady_clock::now();
  EXPECT_NE(refusal(writer).find("cannot be locked"), std::string::npos);
  EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds(9));
  close(other);
  EXPECT_EQ(refusal(writer), "");
}

}  // namespace
}  // namespace hearth::audit
