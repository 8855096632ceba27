// Safetensors files: a directory of named tensors in JSON, then their bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "formats/mapped_file.h"

namespace hearth {

enum class SafetensorsType : uint8_t {
  boolean,
  u8,
  i8,
  u16,
  i16,
  u32,
  i32,
  u64,
  i64,
  f8_e4m3,  // 1 sign, 4 exponent (bias 7), 3 mantissa bits; no infinity, NaN is all ones
  f8_e5m2,  // the upper half of an IEEE binary16
  f8_e8m0,  // a power of two
  f16,
  bf16,
  f32,
  f64,
};

const char* name_of(SafetensorsType type);  // as the file has it: "F8_E4M3"
uint32_t bytes_of(SafetensorsType type);    // of one value

struct SafetensorsTensor {
  std::string name;
  SafetensorsType type;
  std::vector<uint64_t> shape;       // the last dimension is the length of a row; none: a single value
  std::span<const std::byte> bytes;  // exactly the tensor's, row after row
};

// A file, checked as a whole when opened: the directory lies in the file, each tensor has the bytes that its type and
// shape ask for, and together they fill the file without gaps or overlaps, as the format's reference asks. Immutable,
// so safe to share between threads; views live as long as it does. Moving it keeps them valid.
class Safetensors {
 public:
  // Both throw FileError. view reads from memory, which must outlive the result; `name` appears in errors.
  static Safetensors open(const std::filesystem::path& path);
  static Safetensors view(std::span<const std::byte> bytes, std::string name);

  const std::vector<SafetensorsTensor>& tensors() const { return tensors_; }  // in the order of their bytes
  const std::string& name() const { return name_; }

 private:
  Safetensors() = default;
  void read(std::span<const std::byte> bytes);

  std::string name_;
  std::optional<MappedFile> file_;
  std::vector<SafetensorsTensor> tensors_;
};

}  // namespace hearth
