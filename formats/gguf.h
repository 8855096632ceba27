// GGUF v2 and v3 files: metadata and tensor directory over bytes that the file keeps.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "quant/format.h"

namespace hearth {

// Type of a metadata value; the numbers are those of the file.
enum class GgufType : uint32_t { u8, i8, u16, i16, u32, i32, f32, boolean, string, array, u64, i64, f64 };

// One metadata entry. `bytes` views the file: a scalar's bytes, a string's characters, or an array's elements as
// stored.
struct GgufEntry {
  std::string_view key;
  GgufType type;
  GgufType element_type;  // of an array; otherwise equal to type
  uint64_t count;         // elements of an array; otherwise 1
  std::span<const std::byte> bytes;
};

// One tensor. dims[0] is the length of a row (contiguous); missing dimensions are 1.
struct GgufTensor {
  std::string_view name;
  Format format;
  uint64_t dims[4];
  std::span<const std::byte> bytes;  // exactly the tensor's bytes, in the mapping
};

// A GGUF file, or all parts of a split one, checked as a whole when opened. Immutable, so safe to share between
// threads; every view it hands out lives as long as it does. Moving it keeps views valid. All functions that fail throw
// FileError.
class Gguf {
 public:
  // Maps the file read-only. Any part NAME-0000K-of-0000N.gguf of a split model opens all N parts beside it.
  static Gguf open(const std::filesystem::path& path);
  // Reads from memory, which must outlive the result. `name` appears in errors.
  static Gguf view(std::span<const std::byte> bytes, std::string name);

  Gguf(Gguf&&) noexcept;
  Gguf& operator=(Gguf&&) noexcept;
  ~Gguf();

  const std::vector<GgufEntry>& entries() const;
  const std::vector<GgufTensor>& tensors() const;
  const GgufTensor* find_tensor(std::string_view name) const;  // null where absent
  const GgufEntry* find_entry(std::string_view key) const;     // null where absent
  const std::string& name() const;                             // for errors: the path as given
  const std::vector<std::filesystem::path>& paths() const;     // of the files that are mapped; none of a view

  // The value of a key; nullopt where it is absent, FileError naming the key where its type does not fit.
  std::optional<uint64_t> find_uint(std::string_view key) const;  // any integer type, not negative
  std::optional<int64_t> find_int(std::string_view key) const;    // any integer type that fits
  std::optional<double> find_float(std::string_view key) const;   // f32 or f64
  std::optional<bool> find_bool(std::string_view key) const;
  std::optional<std::string_view> find_string(std::string_view key) const;
  std::optional<std::vector<std::string_view>> find_strings(std::string_view key) const;
  std::optional<std::vector<float>> find_floats(std::string_view key) const;  // f32 or f64 elements
  std::optional<std::vector<int64_t>> find_ints(std::string_view key) const;  // any integer elements

 private:
  struct State;
  explicit Gguf(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace hearth
