// By flock, pwrite and rename.
#include "tools/store/partial_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "tools/audit/digest.h"

namespace hearth::store {
namespace {

constexpr size_t kMostRecord = 1 << 20, kReadBytes = 1 << 20;

[[noreturn]] void fail_on(const std::filesystem::path& path, const char* what) {
  throw std::runtime_error(path.string() + ": " + what + ": " + std::generic_category().message(errno));
}

// An open file, closed with its scope.
struct OpenFile {
  int number;
  ~OpenFile() {
    if (number >= 0) close(number);
  }
};

void write_all(int file, const char* bytes, size_t size, const std::filesystem::path& path) {
  while (size > 0) {
    const ssize_t count = write(file, bytes, size);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) fail_on(path, "cannot be written");
    bytes += count;
    size -= static_cast<size_t>(count);
  }
}

// Whether the path still names the open file: while we waited for it, it may have been finished or discarded.
bool names(const std::filesystem::path& path, int file) {
  struct stat by_path {
  }, opened{};
  return stat(path.c_str(), &by_path) == 0 && fstat(file, &opened) == 0 && by_path.st_ino == opened.st_ino &&
         by_path.st_dev == opened.st_dev;
}

std::filesystem::path record_of(const std::filesystem::path& path) { return path.string() + ".ranges"; }

// An empty set where there is no record, or one that does not fit: then all is fetched again.
RangeSet read_record(const std::filesystem::path& path, uint64_t size) {
  const auto text = read_small_file(record_of(path), kMostRecord);
  return text ? read_ranges(*text, size).value_or(RangeSet()) : RangeSet();
}

}  // namespace

void replace_file(const std::filesystem::path& path, std::string_view text) {
  const std::filesystem::path fresh = path.string() + ".new" + std::to_string(getpid());
  try {
    const OpenFile file{open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644)};
    if (file.number < 0) fail_on(fresh, "cannot be opened");
    write_all(file.number, text.data(), text.size(), fresh);
    if (fsync(file.number) != 0) fail_on(fresh, "cannot be written");
    if (rename(fresh.c_str(), path.c_str()) != 0) fail_on(path, "cannot be replaced");
  } catch (...) {
    unlink(fresh.c_str());
    throw;
  }
}

std::optional<std::string> read_small_file(const std::filesystem::path& path, size_t most) {
  const OpenFile file{open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
  if (file.number < 0 && errno == ENOENT) return std::nullopt;
  if (file.number < 0) fail_on(path, "cannot be opened");
  std::string text;
  char block[4096];
  for (ssize_t count; (count = read(file.number, block, sizeof block)) != 0;) {
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) fail_on(path, "cannot be read");
    text.append(block, static_cast<size_t>(count));
    if (text.size() > most) throw std::runtime_error(path.string() + ": is larger than " + std::to_string(most));
  }
  return text;
}

void sync_folder(const std::filesystem::path& folder) {
  const OpenFile file{open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  // Not every file system can; the file itself is on the disk all the same.
  if (file.number >= 0) static_cast<void>(fsync(file.number));
}

PartialFile::PartialFile(std::filesystem::path path, uint64_t size, const std::function<void()>& waits)
    : path_(std::move(path)), size_(size) {
  for (;;) {
    OpenFile file{open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644)};
    if (file.number < 0) fail_on(path_, "cannot be opened");
    while (flock(file.number, LOCK_EX | LOCK_NB) != 0) {
      if (errno != EWOULDBLOCK && errno != EINTR) fail_on(path_, "cannot be locked");
      waits();
      std::this_thread::sleep_for(std::chrono::milliseconds(200));
    }
    if (!names(path_, file.number)) continue;
    struct stat status {};
    if (fstat(file.number, &status) != 0) fail_on(path_, "cannot be read");
    if (static_cast<uint64_t>(status.st_size) == size_) ranges_ = read_record(path_, size_);
    // Its size from the beginning: bytes may come in any order, and the header can be read before the rest is there.
    else if (ftruncate(file.number, static_cast<off_t>(size_)) != 0)
      fail_on(path_, "cannot be made large enough");
    file_ = std::exchange(file.number, -1);
    return;
  }
}

PartialFile::~PartialFile() {
  try {
    if (!gone_) save();
  } catch (const std::exception&) {  // then more is fetched again
  }
  close(file_);  // and unlocks
}

void PartialFile::write(uint64_t offset, std::string_view bytes) {
  for (std::string_view rest = bytes; !rest.empty();) {
    const ssize_t count =
        pwrite(file_, rest.data(), rest.size(), static_cast<off_t>(offset + (bytes.size() - rest.size())));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) fail_on(path_, "cannot be written");
    rest.remove_prefix(static_cast<size_t>(count));
  }
  const std::lock_guard lock(mutex_);
  ranges_.add({offset, offset + bytes.size()});
}

RangeSet PartialFile::ranges() const {
  const std::lock_guard lock(mutex_);
  return ranges_;
}

void PartialFile::save() const { replace_file(record_of(path_), to_text(ranges())); }

std::string PartialFile::sha256(const std::function<void(uint64_t)>& on_bytes) const {
  audit::Digest digest;
  std::vector<char> block(kReadBytes);
  for (uint64_t at = 0; at < size_;) {
    const ssize_t count = pread(file_, block.data(), block.size(), static_cast<off_t>(at));
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) fail_on(path_, "cannot be read");
    digest.add({block.data(), static_cast<size_t>(count)});
    at += static_cast<uint64_t>(count);
    on_bytes(at);
  }
  return digest.hex();
}

void PartialFile::finish(const std::filesystem::path& as) {
  if (fsync(file_) != 0) fail_on(path_, "cannot be written");
  if (rename(path_.c_str(), as.c_str()) != 0) fail_on(as, "cannot be named so");
  gone_ = true;
  unlink(record_of(path_).c_str());
  sync_folder(as.parent_path());
}

void PartialFile::discard() {
  gone_ = true;
  unlink(path_.c_str());
  unlink(record_of(path_).c_str());
}

uint64_t PartialFile::recorded(const std::filesystem::path& path, uint64_t size) {
  return read_record(path, size).bytes();
}

}  // namespace hearth::store
