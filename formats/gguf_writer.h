// Writes a GGUF v3 file: metadata and directory at once, tensor data as it comes.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "formats/gguf.h"

namespace hearth {

// The types of a scalar metadata value; no others convert to one by accident.
template <typename T>
concept GgufScalar = std::same_as<T, uint8_t> || std::same_as<T, int8_t> || std::same_as<T, uint16_t> ||
    std::same_as<T, int16_t> || std::same_as<T, uint32_t> || std::same_as<T, int32_t> || std::same_as<T, uint64_t> ||
    std::same_as<T, int64_t> || std::same_as<T, float> || std::same_as<T, double> || std::same_as<T, bool>;

template <GgufScalar T>
constexpr GgufType gguf_type_of() {
  if constexpr (std::same_as<T, bool>)
    return GgufType::boolean;
  else if constexpr (std::same_as<T, float>)
    return GgufType::f32;
  else if constexpr (std::same_as<T, double>)
    return GgufType::f64;
  else if constexpr (sizeof(T) == 1)
    return std::signed_integral<T> ? GgufType::i8 : GgufType::u8;
  else if constexpr (sizeof(T) == 2)
    return std::signed_integral<T> ? GgufType::i16 : GgufType::u16;
  else if constexpr (sizeof(T) == 4)
    return std::signed_integral<T> ? GgufType::i32 : GgufType::u32;
  else
    return std::signed_integral<T> ? GgufType::i64 : GgufType::u64;
}

// Use: add all keys and tensors; write each tensor's bytes in the order of add_tensor; finish. The bytes go to
// PATH.partial, which finish() renames to PATH and the destructor removes otherwise, so that PATH is never half a file.
// Holds the metadata in memory, never the tensor data. Throws FileError where the system refuses (a full disk), and
// std::logic_error where it is used out of order or with what a reader would refuse. One thread at a time.
class GgufWriter {
 public:
  // alignment: of tensor data, a power of two from 8 to 1048576; stored as general.alignment where it is not 32. A file
  // that has the name is replaced; anything else (a folder, a device) is not.
  explicit GgufWriter(const std::filesystem::path& path, uint32_t alignment = 32);
  GgufWriter(const GgufWriter&) = delete;
  GgufWriter& operator=(const GgufWriter&) = delete;
  ~GgufWriter();

  template <GgufScalar T>
  void add(std::string_view key, T value) {
    add_values(key, gguf_type_of<T>(), std::as_bytes(std::span(&value, 1)));
  }
  void add(std::string_view key, std::string_view value);
  template <GgufScalar T>
  void add_array(std::string_view key, std::span<const T> values) {
    add_array_values(key, gguf_type_of<T>(), values.size(), std::as_bytes(values));
  }
  void add_strings(std::string_view key, std::span<const std::string_view> values);
  // Copies an entry of another file; leaves out general.alignment, which is this file's own.
  void add_entry(const GgufEntry& entry);

  // dims: one to four, dims[0] the length of a row.
  void add_tensor(std::string_view name, Format format, std::span<const uint64_t> dims);

  // The next bytes of tensor data, all of one tensor; a tensor may take many calls.
  void write(std::span<const std::byte> bytes);
  // Writes what remains, checks that it has reached the disk and gives the file its name.
  void finish();

 private:
  void add_values(std::string_view key, GgufType type, std::span<const std::byte> bytes);
  void add_array_values(std::string_view key, GgufType element_type, uint64_t count, std::span<const std::byte> bytes);
  void begin_entry(std::string_view key, GgufType type);
  void write_header();
  void write_padding(uint64_t position);
  void put(std::span<const std::byte> bytes);
  void flush();
  [[noreturn]] void fail_with_errno(const char* what) const;

  std::filesystem::path path_;
  std::filesystem::path partial_path_;
  uint32_t alignment_;
  std::vector<std::string> keys_;
  std::vector<std::string> names_;
  std::string metadata_;
  std::string directory_;
  std::vector<uint64_t> sizes_;  // of the tensors, in bytes
  uint64_t data_size_ = 0;       // of all tensors so far, padded
  size_t tensor_ = 0;            // the one being written
  uint64_t left_ = 0;            // bytes of it not yet written
  bool writing_ = false;         // the header is written
  bool finished_ = false;
  int file_ = -1;
  std::vector<std::byte> buffer_;
};

}  // namespace hearth
