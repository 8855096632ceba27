// A file mapped read-only into memory.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>

namespace hearth {

// Owns the mapping; the bytes live as long as it does, at an address that moving does not change. A file that another
// process shortens while it is mapped makes reads fail with a signal, as with every mapping.
class MappedFile {
 public:
  // Throws FileError where the path is not a readable regular file with something in it.
  explicit MappedFile(const std::filesystem::path& path);
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  ~MappedFile();

  std::span<const std::byte> bytes() const noexcept { return bytes_; }

 private:
  std::span<const std::byte> bytes_;  // empty only where it was moved from
};

}  // namespace hearth
