// Which file a path names, whatever it is called.
#pragma once

#include <sys/stat.h>

#include <filesystem>
#include <optional>

namespace hearth::audit {

struct FileId {
  dev_t device = 0;
  ino_t inode = 0;
  bool operator==(const FileId&) const = default;
};

// Nothing where there is no such file.
inline std::optional<FileId> file_at(const std::filesystem::path& path) {
  struct stat found {};
  if (stat(path.c_str(), &found) != 0) return std::nullopt;
  return FileId{found.st_dev, found.st_ino};
}

inline std::optional<FileId> file_of(int descriptor) {
  struct stat found {};
  if (fstat(descriptor, &found) != 0) return std::nullopt;
  return FileId{found.st_dev, found.st_ino};
}

}  // namespace hearth::audit
