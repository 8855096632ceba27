// A checksum of 64 bits against damage, not against forgers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace hearth {

// Of bytes that come in pieces, however they are cut. Each word of eight bytes turns one of four sums by steps that can
// be undone, so what changes bytes of one word alone is always noticed; other changes are missed once in 2^64.
class Checksum {
 public:
  // The same bytes have another checksum behind another beginning.
  explicit Checksum(uint64_t beginning = 0) noexcept;

  void add(std::span<const std::byte> bytes) noexcept;
  uint64_t value() const noexcept;  // of all bytes so far

 private:
  static constexpr size_t kWords = 4;
  void add_block(const std::byte* block) noexcept;

  uint64_t sums_[kWords];
  uint64_t size_ = 0;                // in bytes
  std::byte rest_[kWords * 8] = {};  // the beginning of a block; what is behind it is 0
};

}  // namespace hearth
