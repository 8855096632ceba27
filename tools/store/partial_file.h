// A file of the store that is still being fetched: its bytes, and beside it which of them are there.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "tools/store/ranges.h"

namespace hearth::store {

// Belongs to this process as long as it lives: another one that wants it waits. Survives the process, so that the next
// one goes on where this one ended. Errors of the disk are std::runtime_error that names the file.
class PartialFile {
 public:
  // `path` is that of the bytes; the record is PATH.ranges. Where another process has the file, calls `waits` about
  // five times a second until it is free; what that throws ends the waiting.
  PartialFile(std::filesystem::path path, uint64_t size, const std::function<void()>& waits);
  ~PartialFile();
  PartialFile(const PartialFile&) = delete;
  PartialFile& operator=(const PartialFile&) = delete;

  // From any thread: bytes at an offset. They count as there from then on.
  void write(uint64_t offset, std::string_view bytes);
  RangeSet ranges() const;
  uint64_t size() const { return size_; }
  const std::filesystem::path& path() const { return path_; }

  // Writes the record, so that what is there now is found later.
  void save() const;
  // Of the whole file, telling how many bytes have been read. What `on_bytes` throws ends it.
  std::string sha256(const std::function<void(uint64_t)>& on_bytes) const;
  // Gives the file, which is whole, its name; once that returns it is on the disk.
  void finish(const std::filesystem::path& as);
  void discard();

  // How many bytes of a file are there, by its record; without waiting for anybody.
  static uint64_t recorded(const std::filesystem::path& path, uint64_t size);

 private:
  std::filesystem::path path_;
  uint64_t size_;
  int file_ = -1;
  bool gone_ = false;  // finished or discarded
  mutable std::mutex mutex_;
  RangeSet ranges_;
};

// Writes a small file as a whole or not at all: into a new one, which then takes its place.
void replace_file(const std::filesystem::path& path, std::string_view text);
// Its bytes; nothing where there is none. Throws std::runtime_error where it cannot be read or is larger than `most`.
std::optional<std::string> read_small_file(const std::filesystem::path& path, size_t most);
// Makes the names in a folder last.
void sync_folder(const std::filesystem::path& folder);

}  // namespace hearth::store
