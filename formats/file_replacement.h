// A file that takes a name once it is whole, and until then leaves the one that has it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

namespace hearth {

// The bytes go to PATH.partial, for its owner alone (0600); finish() gives that the name, and without it the destructor
// removes it. A crash leaves a PATH.partial, which the next one overwrites. Throws FileError where the system refuses
// (a full disk), where PATH is there and no regular file, and where another process writes the same file.
class FileReplacement {
 public:
  explicit FileReplacement(const std::filesystem::path& path);
  FileReplacement(const FileReplacement&) = delete;
  FileReplacement& operator=(const FileReplacement&) = delete;
  ~FileReplacement();

  void write(std::span<const std::byte> bytes);
  uint64_t written() const { return written_; }
  // Once it returns, the file is on the disk with its name.
  void finish();

 private:
  void open_partial();
  void flush();
  [[noreturn]] void fail_with_errno(const char* what) const;

  std::filesystem::path path_, partial_path_;
  int file_ = -1;
  uint64_t written_ = 0;
  std::vector<std::byte> buffer_;
};

}  // namespace hearth
