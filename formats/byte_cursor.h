// A checked reader of little-endian values from bytes in memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>

namespace hearth {

inline constexpr size_t kLongestName = 80;    // characters of a file's own names that an error shows
inline constexpr size_t kLongestPath = 4096;  // characters of a path that an error shows

// `text` on one line: control and non-ASCII bytes, quotes and backslashes as \xNN; "..." after `longest` bytes.
// Paths keep their non-ASCII bytes: those are replaced only where `longest` is kLongestName.
std::string printable(std::string_view text, size_t longest = kLongestName);
std::string in_quotes(std::string_view name);  // printable, in double quotes

// Reads forward over `bytes`, which it does not own. Every read is checked first and throws FileError past the end:
// "FILE: WHAT at byte N". Little-endian hosts only.
class ByteCursor {
 public:
  // `name` appears in errors and must outlive the cursor.
  ByteCursor(std::span<const std::byte> bytes, const std::string& name) noexcept : bytes_(bytes), name_(name) {}

  uint64_t position() const noexcept { return position_; }
  uint64_t remaining() const noexcept { return bytes_.size() - position_; }

  // `what` names the value in errors.
  std::span<const std::byte> take(uint64_t size, std::string_view what);
  template <typename T>
  T read(std::string_view what) {
    static_assert(std::is_arithmetic_v<T> && !std::is_same_v<T, bool>);
    T value;
    std::memcpy(&value, take(sizeof(T), what).data(), sizeof(T));
    return value;
  }
  // A 64-bit length, then as many characters. The result views the bytes.
  std::string_view read_string(std::string_view what);

  [[noreturn]] void fail(const std::string& what, uint64_t at) const;

 private:
  std::span<const std::byte> bytes_;
  const std::string& name_;
  uint64_t position_ = 0;
};

}  // namespace hearth
