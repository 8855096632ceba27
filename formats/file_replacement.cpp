// Writing beside a file, then taking its place.
#include "formats/file_replacement.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <system_error>

#include "formats/byte_cursor.h"
#include "formats/error.h"

namespace hearth {
namespace {

constexpr size_t kFlushedAtOnce = size_t{1} << 20;

// Whether an open file still has the name: another process may have given it another one, or removed it.
bool has_name(int file, const std::filesystem::path& path) {
  struct stat opened {
  }, named{};
  return fstat(file, &opened) == 0 && lstat(path.c_str(), &named) == 0 && opened.st_ino == named.st_ino &&
         opened.st_dev == named.st_dev;
}

}  // namespace

FileReplacement::FileReplacement(const std::filesystem::path& path)
    : path_(path), partial_path_(path.native() + ".partial") {
  std::error_code absent;
  const auto status = std::filesystem::status(path_, absent);
  if (std::filesystem::exists(status) && !std::filesystem::is_regular_file(status))
    throw FileError(printable(path_.native(), kLongestPath) + ": is there already, and is not a regular file");
  buffer_.reserve(kFlushedAtOnce);
  try {
    open_partial();
  } catch (...) {
    if (file_ >= 0) ::close(file_);
    throw;
  }
}

void FileReplacement::open_partial() {
  do {
    if (file_ >= 0) ::close(file_);
    file_ = ::open(partial_path_.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
    if (file_ < 0) fail_with_errno("cannot be created");
    // Where a file system knows no locks, two who write at once spoil each other's file.
    if (::flock(file_, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) fail_with_errno("is being written already");
  } while (!has_name(file_, partial_path_));
  if (::fchmod(file_, 0600) != 0 || ::ftruncate(file_, 0) != 0) fail_with_errno("cannot be created");
}

FileReplacement::~FileReplacement() {
  if (file_ < 0) return;
  ::unlink(partial_path_.c_str());
  ::close(file_);
}

void FileReplacement::write(std::span<const std::byte> bytes) {
  written_ += bytes.size();
  while (!bytes.empty()) {
    const size_t size = std::min(bytes.size(), kFlushedAtOnce - buffer_.size());
    buffer_.insert(buffer_.end(), bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(size));
    bytes = bytes.subspan(size);
    if (buffer_.size() == kFlushedAtOnce) flush();
  }
}

void FileReplacement::flush() {
  for (std::span<const std::byte> rest(buffer_); !rest.empty();) {
    const ssize_t size = ::write(file_, rest.data(), rest.size());
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) fail_with_errno("cannot be written");
    rest = rest.subspan(static_cast<size_t>(size));
  }
  buffer_.clear();
}

void FileReplacement::finish() {
  flush();
  if (::fsync(file_) != 0) fail_with_errno("cannot be written");
  // Named before it is closed, and so unlocked: nobody else may take it for a partial file.
  if (::rename(partial_path_.c_str(), path_.c_str()) != 0) fail_with_errno("cannot be given its name");
  ::close(file_);
  file_ = -1;
  // The name lasts once the folder is on the disk, where that can be had.
  const std::filesystem::path folder = path_.has_parent_path() ? path_.parent_path() : std::filesystem::path(".");
  if (const int opened = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); opened >= 0) {
    static_cast<void>(::fsync(opened));
    ::close(opened);
  }
}

void FileReplacement::fail_with_errno(const char* what) const {
  const int number = errno;
  throw FileError(printable(path_.native(), kLongestPath) + ": " + what + ": " +
                  std::generic_category().message(number));
}

}  // namespace hearth
