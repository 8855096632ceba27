// One line of fixed length, overwritten in place.
#include "tools/audit/head.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstring>
#include <thread>

#include "tools/audit/file_id.h"
#include "tools/audit/record.h"

namespace hearth::audit {
namespace {

constexpr std::chrono::seconds kLockPatience{5};  // until another process lets go
constexpr size_t kNumberDigits = 20, kHashDigits = 64;
constexpr size_t kLength = kNumberDigits + 1 + kHashDigits + 1;  // "00000000000000000017:9f86d0...\n"

}  // namespace

std::optional<Link> read_link(const std::string& text) {
  const size_t colon = text.find(':');
  if (colon == text.npos || text.size() != colon + 1 + kHashDigits) return std::nullopt;
  Link link{0, text.substr(colon + 1)};
  const auto [end, error] = std::from_chars(text.data(), text.data() + colon, link.number);
  if (error != std::errc() || end != text.data() + colon) return std::nullopt;
  const auto is_digit = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); };
  if (!std::ranges::all_of(link.hash, is_digit)) return std::nullopt;
  return link;
}

std::string link_text(const Link& link) { return std::to_string(link.number) + ":" + link.hash; }

Head::Head(const std::filesystem::path& log, Access access) : path_(log.string() + ".head") {
  const int flags = access == Access::write ? O_RDWR | O_CREAT : O_RDONLY;
  file_ = open(path_.c_str(), flags | O_CLOEXEC, 0600);
  if (file_ < 0 && (access == Access::write || errno != ENOENT)) fail("cannot be opened");
}

Head::~Head() {
  if (file_ >= 0) close(file_);
}

Head::Lock::Lock(const Head& head) : file_(head.file_) {
  const auto end = std::chrono::steady_clock::now() + kLockPatience;
  for (std::chrono::milliseconds pause{1}; file_ >= 0 && flock(file_, LOCK_EX | LOCK_NB) != 0;) {
    if (errno == EINTR) continue;
    if (errno != EWOULDBLOCK || std::chrono::steady_clock::now() > end) head.fail("cannot be locked");
    std::this_thread::sleep_for(pause);
    pause = std::min(pause * 2, std::chrono::milliseconds(16));
  }
}

Head::Lock::~Lock() {
  if (file_ >= 0) flock(file_, LOCK_UN);
}

std::optional<Link> Head::read() const {
  if (file_ < 0) return std::nullopt;
  char line[kLength + 1];
  const ssize_t length = pread(file_, line, sizeof(line), 0);
  if (length < 0) fail("cannot be read");
  if (length == 0) return std::nullopt;
  std::string text(line, static_cast<size_t>(length));
  if (text.size() == kLength && text.back() == '\n') {
    text.pop_back();
    if (const auto link = read_link(text)) return link;
  }
  throw AuditError("the file " + path_.string() + " does not hold the number and hash of a row");
}

void Head::write(const Link& link) {
  std::string number = std::to_string(link.number);
  const std::string line = std::string(kNumberDigits - number.size(), '0') + number + ":" + link.hash + "\n";
  if (pwrite(file_, line.data(), line.size(), 0) != static_cast<ssize_t>(line.size()) || fdatasync(file_) != 0)
    fail("cannot be written");
}

void Head::require_in_place() const {
  const auto there = file_at(path_);
  if (!there || there != file_of(file_))
    throw AuditError("the file " + path_.string() + " was deleted, moved or replaced while it was in use");
}

void Head::fail(const char* doing) const {
  throw AuditError("the file " + path_.string() + " " + doing + ": " + std::strerror(errno));
}

}  // namespace hearth::audit
