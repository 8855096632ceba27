// POSIX mapping of a regular file.
#include "formats/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <system_error>
#include <utility>

#include "formats/byte_cursor.h"
#include "formats/error.h"

namespace hearth {
namespace {

struct Descriptor {
  int value;
  ~Descriptor() {
    if (value >= 0) close(value);
  }
};

[[noreturn]] void fail(const std::filesystem::path& path, int error) {
  throw FileError(printable(path.native(), kLongestPath) + ": " + std::generic_category().message(error));
}

}  // namespace

MappedFile::MappedFile(const std::filesystem::path& path) {
  // Without O_NONBLOCK, opening a FIFO would wait for a writer.
  const Descriptor file{open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
  if (file.value < 0) fail(path, errno);
  struct stat status {};
  if (fstat(file.value, &status) != 0) fail(path, errno);
  if (S_ISDIR(status.st_mode)) throw FileError(printable(path.native(), kLongestPath) + ": is a directory, not a file");
  if (!S_ISREG(status.st_mode)) throw FileError(printable(path.native(), kLongestPath) + ": is not a regular file");
  if (status.st_size == 0) throw FileError(printable(path.native(), kLongestPath) + ": is empty");
  const auto size = static_cast<size_t>(status.st_size);
  void* address = mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file.value, 0);
  if (address == MAP_FAILED) fail(path, errno);
  // What is not in the page cache yet is then read in large pages, where the file system can: mapping them takes a
  // fraction of the time, and so does reading them at random. Refused where the kernel has none, which is no harm.
  madvise(address, size, MADV_HUGEPAGE);
  bytes_ = {static_cast<const std::byte*>(address), size};
}

MappedFile::MappedFile(MappedFile&& other) noexcept : bytes_(std::exchange(other.bytes_, {})) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(bytes_, other.bytes_);
  return *this;
}

MappedFile::~MappedFile() {
  if (!bytes_.empty()) munmap(const_cast<std::byte*>(bytes_.data()), bytes_.size());
}

}  // namespace hearth
